package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tykmesh/tykmesh/cmd/internal/report/reporttest"
)

// On a terminal certs prune shows what would go and waits for a yes.
func TestPruneAsks(t *testing.T) {
	for answer, want := range map[string]struct {
		status, left int // certificates
		says         string
	}{
		"y\n": {0, 0, "2 certificates, 2 records deleted"},
		"n\n": {1, 2, "error: not confirmed: nothing was deleted"},
	} {
		folder := t.TempDir()
		at := func(p process, args ...string) int {
			p.args = slices.Concat(args, []string{"--local", folder, "--config", samples + "/tykmesh.yaml"})
			return run(t.Context(), p)
		}

		silent := process{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard}
		if status := at(silent, "inject", "-n", "shop", "-f", samples+"/echo.yaml"); status != 0 {
			t.Fatalf("inject: exit status %d", status)
		}

		if err := os.RemoveAll(filepath.Join(folder, "apis")); err != nil {
			t.Fatal(err)
		}

		term := reporttest.NewTerminal(t, 120)
		if _, err := term.User.WriteString(answer); err != nil {
			t.Fatal(err)
		}

		later := func() time.Time { return time.Now().Add(2 * time.Hour) }
		status := at(process{stdin: term.Program, stdout: term.Program, stderr: term.Program, now: later}, "certs", "prune")
		term.Ends()

		text := term.String()
		for _, line := range []string{"delete certificate echo.shop (no API uses it)", "2 certificates, 2 records: go on? [y/N]", want.says} {
			if !strings.Contains(text, line) {
				t.Errorf("%q: the terminal does not show %q:\n%s", answer, line, text)
			}
		}

		left, err := filepath.Glob(filepath.Join(folder, "certs", "*.pem"))
		if status != want.status || len(left) != want.left || err != nil {
			t.Errorf("%q: exit status %d, %d certificates are left", answer, status, len(left))
		}
	}
}
