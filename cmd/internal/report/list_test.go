package report

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// printed returns the text that a run prints of a list.
func printed(t *testing.T, l List, format string, c Colours) string {
	t.Helper()
	var out bytes.Buffer
	r, err := New(Config{Stdout: &out, Stderr: &bytes.Buffer{}, Colours: c})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Output(l, format)(); err != nil {
		t.Fatal(err)
	}

	return out.String()
}

// twoRows is a list with a text that would give orders to a terminal.
var twoRows = List{
	Names: []string{"a", "b\x1b[31m", "a"},
	Table: func(t *Table) {
		t.Head(Column{Title: "NAME"}, Column{Title: "DRIFT", Style: Noted}, Column{Title: "ID", Wide: true})
		t.Row("a", "-", "1")
		t.Row("b\x1b[31m", "lost", "22")
		t.Gap()
		t.Line("%s", "orphan: c\nd")
	},
}

func TestList(t *testing.T) {
	for format, want := range map[string]string{
		FormatTable: "NAME       DRIFT\na          -\nb\\x1b[31m  lost\n\norphan: c\\nd\n",
		FormatWide:  "NAME       DRIFT  ID\na          -      1\nb\\x1b[31m  lost   22\n\norphan: c\\nd\n",
		FormatName:  "a\nb\\x1b[31m\n",
	} {
		if diff := cmp.Diff(want, printed(t, twoRows, format, Colours{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", format, diff)
		}
	}
}

// Colours change no column: without them, the text is that of a file.
func TestColoursAlign(t *testing.T) {
	plain, coloured := printed(t, twoRows, FormatWide, Colours{}), printed(t, twoRows, FormatWide, Colours{Stdout: true})
	if !strings.Contains(coloured, "\x1b[33mlost\x1b[0m   22\n") {
		t.Errorf("no colour in %q", coloured)
	}
	if diff := cmp.Diff(plain, regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(coloured, "")); diff != "" {
		t.Errorf("-plain +coloured:\n%s", diff)
	}
}

func TestLabelsInColour(t *testing.T) {
	for line, want := range map[string]string{
		"error: no": "\x1b[1;31merror:\x1b[0m no",
		"app.yaml:1:2: document 1 (Pod a/b): warning TM0005: x: y": "app.yaml:1:2: document 1 (Pod a/b): \x1b[1;33mwarning TM0005:\x1b[0m x: y",
		"hint: try":        "\x1b[36mhint:\x1b[0m try",
		"not done: step":   "\x1b[31mnot done:\x1b[0m step",
		"shop/web: error:": "shop/web: error:",
		"errors are told":  "errors are told",
	} {
		if got := coloured(line); got != want {
			t.Errorf("%q is shown as %q, want %q", line, got, want)
		}
	}
}

// YAML and JSON hold the same values, whatever the texts are, and neither gives orders.
func FuzzYAML(f *testing.F) {
	for _, text := range []string{"", "yes", "1e3", "0x1f", "a: b", "##[error]", "::error::", "\x1b[31m", "\u202e", "\U000e0001", "\U0001f600", "- a\nb\n", "null", "~", "'", "\xff"} {
		f.Add(text, 3)
	}

	f.Fuzz(func(t *testing.T, text string, n int) {
		key := text[:min(len(text), 100)] // YAML allows keys of 1024 characters, and fields have short names
		doc := map[string]any{"a": text, key: n, "list": []any{text, []any{}, map[string]any{"b": text, "c": nil}, []any{true, 1.5}}, "empty": map[string]any{}}
		var asYAML, asJSON bytes.Buffer
		if err := WriteYAML(&asYAML, doc); err != nil {
			t.Fatal(err)
		}
		if err := WriteDocument(&asJSON, doc); err != nil {
			t.Fatal(err)
		}

		var got, want any
		if err := yaml.Unmarshal(asYAML.Bytes(), &got); err != nil {
			t.Fatalf("%v:\n%s", err, &asYAML)
		}
		if err := json.Unmarshal(asJSON.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("-JSON +YAML:\n%s\n%s", diff, &asYAML)
		}
		if strings.ContainsAny(asYAML.String(), "\x1b\u202e\u009b") || strings.Contains(asYAML.String(), "##[") {
			t.Fatalf("YAML gives orders: %q", &asYAML)
		}
	})
}
