package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/cmd/internal/report/reporttest"
)

// onTerminal returns everything that the program writes to a terminal, and its exit status.
func onTerminal(t *testing.T, environ []string, args ...string) (string, int) {
	t.Helper()
	term := reporttest.NewTerminal(t, 200)
	status := run(t.Context(), process{name: "tykmesh", args: args, environ: environ, stdin: strings.NewReader(""), stdout: term.Program, stderr: term.Program})
	term.Ends()

	return term.Raw(), status
}

// Terminals show colours, unless the user or the terminal does not want them. A text of a manifest
// stays harmless.
func TestColoursOnATerminal(t *testing.T) {
	dir := t.TempDir()
	hostile := filepath.Join(dir, "hostile.yaml")
	manifest := "apiVersion: v1\nkind: Pod\nmetadata: {name: one, namespace: shop, labels: {app: one}, annotations: {injector.tyk.io/inject: \"true\", injector.tyk.io/route: \"\\e[31mx\"}}\n" +
		"spec: {containers: [{name: one, image: one}]}\n"
	if err := os.WriteFile(hostile, []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}

	args := []string{"diff", "--manifests", "--config", samples + "/tykmesh.yaml", "--local", filepath.Join(dir, "mesh"), "-n", "shop", "-f"}
	for _, test := range []struct {
		name    string
		environ []string
		more    []string
		want    bool
	}{
		{"a terminal", []string{"TERM=xterm"}, nil, true},
		{"a terminal without a name", nil, nil, false},
		{"a dumb terminal", []string{"TERM=dumb"}, nil, false},
		{"NO_COLOR", []string{"TERM=xterm", "NO_COLOR=1"}, nil, false},
		{"an empty NO_COLOR", []string{"TERM=xterm", "NO_COLOR="}, nil, true},
		{"never", []string{"TERM=xterm"}, []string{"--color=never"}, false},
		{"always", []string{"TERM=dumb", "NO_COLOR=1"}, []string{"--color=always"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			text, status := onTerminal(t, test.environ, append(append(args, samples+"/echo.yaml"), test.more...)...)
			for _, want := range []string{"\x1b[32mcreate\x1b[0m API echo-mesh", "\x1b[36m@@ ", "\x1b[32m+"} {
				if status != 3 || strings.Contains(text, want) != test.want {
					t.Errorf("exit status %d, colour %q is not as wanted in:\n%q", status, want, text)
				}
			}
		})
	}

	text, status := onTerminal(t, []string{"TERM=xterm"}, append(args, hostile)...)
	if status != 1 || !strings.Contains(text, ": \x1b[1;31merror TM") || strings.Contains(text, "\x1b[31m") {
		t.Errorf("exit status %d: %q", status, text)
	}

	var plain strings.Builder
	if status := run(t.Context(), process{name: "tykmesh", args: []string{"injct"}, environ: []string{"TERM=xterm"}, stdout: io.Discard, stderr: &plain}); status != 2 || strings.Contains(plain.String(), "\x1b") {
		t.Errorf("exit status %d: %q", status, plain.String())
	}
}
