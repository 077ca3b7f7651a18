package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
)

// pipe is a standard stream whose other end has stalled. What happens once the program uses it is
// up to the test; then it blocks for ever, unless it is to end.
type pipe struct {
	stalls func()
	text   string // what can be read before
	ends   bool
}

func (p *pipe) Read(into []byte) (int, error) {
	if p.text != "" {
		n := copy(into, p.text)
		p.text = p.text[n:]
		return n, nil
	}

	p.stalls()
	if p.ends {
		return 0, io.EOF
	}

	select {}
}

func (p *pipe) Write([]byte) (int, error) {
	p.stalls()
	select {}
}

// Ctrl-C ends a run whatever it waits for, also for what never comes: these tests would never end
// otherwise. Nothing is printed, and what the run has done is said.
func TestInterruptedForGood(t *testing.T) {
	manifest, err := os.ReadFile(filepath.Join(samples, "echo.yaml"))
	if err != nil {
		t.Fatal(err)
	}

	const nothing = "^error: interrupted; nothing was changed\n$"
	for _, test := range []struct {
		name  string
		args  string
		stdin *pipe // nil: the manifest
		full  bool  // nobody reads standard output
		want  string
	}{
		{name: "standard input", args: "inject", stdin: &pipe{}, want: nothing},
		{name: "the middle of standard input", args: "inject", stdin: &pipe{text: string(manifest)}, want: nothing},
		{name: "whoever writes to it is interrupted too", args: "inject", stdin: &pipe{text: string(manifest[:len(manifest)/2]), ends: true}, want: nothing},
		{name: "register", args: "register", stdin: &pipe{}, want: nothing},
		{name: "uninject", args: "uninject", stdin: &pipe{}, want: nothing},
		{name: "standard output", args: "inject -q", full: true, want: "^error: writing to standard output: interrupted\n(done: (issue|create) .*\n){4}hint: run it again: it registers nothing twice\n$"},
		{name: "a diff", args: "diff -q", full: true, want: "^error: writing to standard output: interrupted\n$"},
		{name: "a KRM function", args: "inject -q", full: true, stdin: &pipe{text: "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\n", ends: true},
			want: "^error: writing to standard output: interrupted\n$"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			dir := t.TempDir()

			args := strings.Fields(test.args)
			if args[0] != "uninject" {
				args = append(args, "--config", samples+"/tykmesh.yaml", "--local", dir, "-n", "shop")
			}

			var stdout, stderr bytes.Buffer

			p := process{args: args, stdin: bytes.NewReader(manifest), stdout: &stdout, stderr: &stderr}
			if test.stdin != nil {
				test.stdin.stalls = cancel
				p.stdin = test.stdin
			}

			if test.full {
				p.stdout = &pipe{stalls: cancel}
				if test.stdin != nil {
					test.stdin.stalls = func() {}
				}
			}

			if status := run(ctx, p); status != 130 {
				t.Errorf("exit status %d", status)
			}

			if !regexp.MustCompile(test.want).Match(stderr.Bytes()) {
				t.Errorf("standard error:\n%s", stderr.Bytes())
			}

			if stdout.Len() > 0 {
				t.Errorf("standard output:\n%s", stdout.Bytes())
			}

			files, err := filepath.Glob(dir + "/*")
			if err != nil {
				t.Fatal(err)
			}

			if test.want == nothing && len(files) > 0 {
				t.Errorf("something was changed: %q", files)
			}
		})
	}
}

// A ledger that another process holds open is no reason to stay.
func TestInterruptedWhileTheLedgerIsHeld(t *testing.T) {
	dir := t.TempDir()
	held, err := bbolt.Open(filepath.Join(dir, "ledger.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}

	defer held.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	manifest, err := os.ReadFile(filepath.Join(samples, "echo.yaml"))
	if err != nil {
		t.Fatal(err)
	}

	var stdout, stderr bytes.Buffer
	opened := &pipe{text: string(manifest), ends: true, stalls: func() { go cancel() }}
	status := run(ctx, process{
		args:  []string{"inject", "-q", "--config", samples + "/tykmesh.yaml", "--local", dir, "-n", "shop"},
		stdin: opened, stdout: &stdout, stderr: &stderr,
	})
	if want := "error: interrupted; nothing was changed\n"; status != 130 || stderr.String() != want || stdout.Len() > 0 {
		t.Errorf("exit status %d, standard error:\n%s", status, &stderr)
	}
}

// A run that is interrupted right before its output has none: no file is rewritten either.
func TestInterruptedBeforeTheOutput(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	err := new(report).print(ctx, func() error {
		t.Error("it was written")
		return nil
	})
	if exitCode(err) != 130 {
		t.Errorf("%v", err)
	}
}

// Whoever interrupts a command at once gets the same from all of them: nothing is changed, and
// nothing is found wrong.
func TestInterruptedAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, command := range []string{"inject -f -", "diff -f -", "register -f -", "delete --yes -f -", "status", "check"} {
		dir := t.TempDir()
		args := slices.Concat(strings.Fields(command), []string{"--config", samples + "/tykmesh.yaml", "--local", dir})
		var stdout, stderr bytes.Buffer

		status := run(ctx, process{args: args, stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr})
		if status != 130 || stdout.Len() > 0 || stderr.String() != "error: interrupted; nothing was changed\n" {
			t.Errorf("%s: exit status %d, %q, %q", command, status, stdout.String(), stderr.String())
		}

		if files, err := filepath.Glob(dir + "/*"); len(files) > 0 || err != nil {
			t.Errorf("%s: something was changed: %q, %v", command, files, err)
		}
	}
}
