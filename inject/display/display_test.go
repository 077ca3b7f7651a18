package display_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/tykmesh/tykmesh/inject/display"
)

func TestLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "",
		"plain: a::b ##b # [x]":       "plain: a::b ##b # [x]",
		"Grüße, ελληνικά, café":       "Grüße, ελληνικά, café",
		`C:\temp\x`:                   `C:\temp\x`,
		"a\nb\r\tc":                   `a\nb\r\tc`,
		"\x1b[31mred":                 `\x1b[31mred`,
		"\u009b31m":                   `\u009b31m`,
		"\x7f":                        `\x7f`,
		"user\u202etxt.exe\u2066":     `user\u202etxt.exe\u2066`,
		"\u2028\u2029\ufeff\u00a0":    `\u2028\u2029\ufeff\u00a0`,
		"\xff\xfe\xed\xa0\x80":        `\xff\xfe\xed\xa0\x80`,
		"the real \ufffd":             "the real \ufffd",
		"::error::x":                  `\x3a:error::x`,
		"  ::error::x":                `  \x3a:error::x`,
		"\t::error::x":                `\t::error::x`,
		"a ::error::x":                "a ::error::x",
		"see ##[add-mask]x":           `see #\x23[add-mask]x`,
		"###[group]":                  `##\x23[group]`,
		"##vso[task.setvariable a]b":  `#\x23vso[task.setvariable a]b`,
		"##teamcity[message text='']": `#\x23teamcity[message text='']`,
	} {
		if got := display.Line(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

// isSafe reports whether a line gives no orders.
func isSafe(line string) bool {
	return utf8.ValidString(line) && !strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) &&
		!strings.Contains(line, "##[") && !strings.Contains(line, "##vso[") && !strings.HasPrefix(strings.TrimLeft(line, " "), "::")
}

func FuzzLine(f *testing.F) {
	for _, text := range []string{"a\nb", "##vso[", "::error::", "  ::x", "\xff##[", "#\u200b#[", "\u202e", "{\"a\":1}"} {
		f.Add(text)
	}

	f.Fuzz(func(t *testing.T, text string) {
		line := display.Line(text)
		if !isSafe(line) {
			t.Fatalf("%q is shown as %q", text, line)
		}

		if display.Line(line) != line {
			t.Fatalf("%q is shown as %q, and that as %q", text, line, display.Line(line))
		}

		var b bytes.Buffer
		fmt.Fprintln(display.Lines(&b), text)
		if b.String() != display.Line(text)+"\n" {
			t.Fatalf("%q is printed as %q", text, b.String())
		}

		var plain, safe bytes.Buffer
		encode(t, json.NewEncoder(&plain), text)
		encode(t, json.NewEncoder(display.JSON(&safe)), text)
		if got, want := decoded(t, safe.Bytes()), decoded(t, plain.Bytes()); got != want {
			t.Fatalf("%q is %q in JSON, want %q", text, got, want)
		}

		if json := strings.TrimSuffix(safe.String(), "\n"); !isSafe(json) {
			t.Fatalf("%q is shown in JSON as %q", text, json)
		}
	})
}

func encode(t *testing.T, enc *json.Encoder, text string) {
	t.Helper()
	enc.SetEscapeHTML(false)
	if err := enc.Encode(text); err != nil {
		t.Fatal(err)
	}
}

func decoded(t *testing.T, text []byte) (value string) {
	t.Helper()
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return value
}
