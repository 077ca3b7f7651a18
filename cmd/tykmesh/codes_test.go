package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/cmd/internal/exit"
	"github.com/tykmesh/tykmesh/cmd/internal/explain"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject"
)

// Each code has all parts of an explanation, and there is none of a code that there is not.
func TestEveryCodeIsExplained(t *testing.T) {
	if len(explain.Codes()) != len(inject.Rules) {
		t.Errorf("codes.yaml has %d entries for %d codes", len(explain.Codes()), len(inject.Rules))
	}

	for _, r := range inject.Rules {
		text, ok := explain.Codes()[r.Rule]
		if !ok || text.Means == "" || text.Example == "" || text.Fix == "" {
			t.Errorf("codes.yaml explains %s with %+v: add means, example and fix", r.Rule, text)
		}

		for name, words := range map[string]string{"means": text.Means, "fix": text.Fix} {
			for _, sentence := range regexp.MustCompile(`[.:]\s`).Split(words, -1) {
				if n := len(strings.Fields(sentence)); n > 25 {
					t.Errorf("%s: %s has a sentence of %d words: %s", r.Rule, name, n, sentence)
				}
			}
		}

		var said strings.Builder
		if err := explainCode(&said, nil, strings.ToLower(string(r.Rule))); err != nil {
			t.Error(err)
		}

		_, err := inject.ParseAccepted(string(r.Rule))
		if can := strings.Contains(said.String(), "injector.tyk.io/accept: "+string(r.Rule)); can != (err == nil) {
			t.Errorf("%s can be accepted: %v, and help says\n%s", r.Rule, err == nil, said.String())
		}
	}
}

// Injection into what stands as an example of a code really ends with a finding of that code.
func TestExamplesOfCodes(t *testing.T) {
	for _, r := range inject.Rules {
		t.Run(string(r.Rule), func(t *testing.T) {
			example := explain.Code(r.Rule).Example
			if !strings.HasPrefix(example, "apiVersion: ") {
				if !regexp.MustCompile(`^app\.yaml:\d+:\d+: document \d+ \(\w+ \w+/\w+\): (error|warning) ` + string(r.Rule) + `: `).MatchString(example) {
					t.Errorf("neither a manifest nor a line of a report:\n%s", example)
				}
				return
			}

			if found := rulesFoundIn(t, example); !strings.Contains(found, string(r.Rule)) {
				t.Errorf("found are %q in\n%s", found, example)
			}
		})
	}
}

// The configurations for the examples, with the flags that suit them: of a mesh with a Dashboard,
// and of one without.
var exampleMeshes = []struct {
	config string
	flags  []string
}{
	{"Injector: {createRoutes: true, enableMeshTLS: true}\nSidecar: {redis: 'redis:6379', dashboard: 'http://dashboard:3000'}\n", []string{"--local", "mesh"}},
	{"Injector: {mode: standalone}\n", nil},
}

// rulesFoundIn returns the codes that runs of inject with the built-in sidecar have for a manifest,
// in both kinds of meshes.
func rulesFoundIn(t *testing.T, text string) (found string) {
	for _, m := range exampleMeshes {
		found += rulesFoundBy(t, text, m.config, m.flags)
	}
	return found
}

// rulesFoundBy returns the codes that a run of inject has for a manifest.
func rulesFoundBy(t *testing.T, text, config string, flags []string) (found string) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{"app.yaml": text, "tykmesh.yaml": config} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	var stderr bytes.Buffer

	status := run(t.Context(), process{
		name: "tykmesh", stdin: strings.NewReader(""), stdout: io.Discard, stderr: &stderr,
		args: append([]string{"inject", "--dry-run", "--report", "json", "--config", "tykmesh.yaml", "-f", "app.yaml"}, flags...),
	})
	if status != exit.Done && status != exit.Failed {
		t.Fatalf("exit status %d:\n%s", status, stderr.String())
	}

	for decoder := json.NewDecoder(&stderr); decoder.More(); {
		var e report.Event
		if err := decoder.Decode(&e); err != nil {
			t.Fatal(err)
		}
		if e.Severity != "" {
			found += e.Rule + " "
		}
	}

	return found
}
