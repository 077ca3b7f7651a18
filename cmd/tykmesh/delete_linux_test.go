package main

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/cmd/internal/report/reporttest"
)

// On a terminal delete shows what would go and waits for a yes; anything else is a no.
func TestDeleteAsks(t *testing.T) {
	for answer, want := range map[string]struct {
		status, left int // APIs
		says         string
	}{
		"y\n":    {0, 0, "2 APIs, 2 certificates, 2 records deleted"},
		"Yes\n":  {0, 0, "2 APIs, 2 certificates, 2 records deleted"},
		"n\n":    {1, 2, "error: not confirmed: nothing was deleted"},
		"\n":     {1, 2, "error: not confirmed: nothing was deleted"},
		"\x04":   {1, 2, "error: not confirmed: nothing was deleted"}, // the end of the input
		"yess\n": {1, 2, "error: not confirmed: nothing was deleted"},
	} {
		folder := t.TempDir()
		at := func(p process, command string) int {
			p.args = []string{command, "-n", "shop", "--local", folder, "--config", samples + "/tykmesh.yaml", "-f", samples + "/echo.yaml"}
			return run(t.Context(), p)
		}
		if status := at(process{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard}, "inject"); status != 0 {
			t.Fatalf("inject: exit status %d", status)
		}

		term := reporttest.NewTerminal(t, 120)
		if _, err := term.User.WriteString(answer); err != nil {
			t.Fatal(err)
		}

		status := at(process{stdin: term.Program, stdout: term.Program, stderr: term.Program}, "delete")
		term.Ends()

		text := term.String()
		for _, line := range []string{"delete API echo-inbound (domain echo.shop, listen path /)", "2 APIs, 2 certificates, 2 records: go on? [y/N]", want.says} {
			if !strings.Contains(text, line) {
				t.Errorf("%q: the terminal does not show %q:\n%s", answer, line, text)
			}
		}

		left, err := filepath.Glob(filepath.Join(folder, "apis", "*.json"))
		if status != want.status || len(left) != want.left || err != nil {
			t.Errorf("%q: exit status %d, %d APIs are left", answer, status, len(left))
		}
	}
}
