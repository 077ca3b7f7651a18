//go:build unix

package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/cmd/internal/exit"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/phase"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
)

// A signal ends a run at once before it asks servers and after it has asked them, as the operating
// system has it. Nothing is half-written, and no temporary file is left.
func TestSignalsEndTheProcess(t *testing.T) {
	for name, test := range map[string]struct {
		args   string
		signal syscall.Signal // SIGINT if 0
		stdin  string         // before more than a pipe holds, and no end; "" for nothing
		full   bool           // standard output takes no byte; the signal comes once the report is there
		done   bool           // the run has registered everything
	}{
		"standard input":               {args: "inject", stdin: "\n"},
		"the middle of standard input": {args: "inject", stdin: readSample(t, "echo.yaml")},
		"SIGTERM":                      {args: "register", stdin: "\n", signal: syscall.SIGTERM},
		"uninject":                     {args: "uninject", stdin: "\n"},
		"standard output":              {args: "inject -q -f ECHO", full: true, done: true},
		"a diff":                       {args: "diff -q -f ECHO", full: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir, report := t.TempDir(), filepath.Join(t.TempDir(), "report")
			args := append(strings.Fields(strings.ReplaceAll(test.args, "ECHO", samples+"/echo.yaml")), "--report", "json="+report)
			if args[0] != "uninject" {
				args = append(args, "--config", samples+"/tykmesh.yaml", "--local", dir, "-n", "shop")
			}

			r := startWithPipes(t, args)
			if test.stdin != "" {
				r.typeText(test.stdin + strings.Repeat("# more\n", 20_000))
			}

			if test.full {
				waitForFile(t, report)
			}

			r.dies(cmp.Or(test.signal, syscall.SIGINT))
			files, err := filepath.Glob(dir + "/*")
			if err != nil || test.done != (len(files) > 0) {
				t.Errorf("there is %q, %v", files, err)
			}

			if _, err := os.Stat(report); test.full != (err == nil) {
				t.Errorf("the report: %v", err)
			}
		})
	}
}

// Ctrl-C ends ca init while it makes keys, and there is no CA then.
func TestCAInitIsInterrupted(t *testing.T) {
	parent := t.TempDir()
	r := startWithPipes(t, []string{"ca", "init", "-q", "--size", "8192", "--intermediate", "--dir", filepath.Join(parent, "new")})
	time.Sleep(100 * time.Millisecond) // a key takes seconds
	r.dies(syscall.SIGINT)
	onlyThere(t, parent)
}

// Ctrl-C ends ca rotate while it makes a key, and nothing is changed then.
func TestCARotateIsInterrupted(t *testing.T) {
	dir := newCA(t)
	file := filepath.Join(dir, pki.RequestFile)
	request, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	larger := strings.NewReplacer("ecdsa", "rsa", "256", "8192").Replace(string(request))
	if err := os.WriteFile(file, []byte(larger), 0o644); err != nil {
		t.Fatal(err)
	}

	before, err := filesBelow(dir)
	if err != nil {
		t.Fatal(err)
	}

	r := startWithPipes(t, []string{"ca", "rotate", "--dir", dir, "--step", "1"})
	time.Sleep(100 * time.Millisecond)
	r.dies(syscall.SIGINT)
	onlyThere(t, dir, slices.Insert(before, slices.Index(before, "k8s/ca-pem.yaml"), "k8s")...)
}

// piped is a program whose standard streams are pipes. Standard output is full.
type piped struct {
	*testing.T
	*exec.Cmd
	in, out *os.File
	filled  int
	stderr  bytes.Buffer
}

func startWithPipes(t *testing.T, args []string) *piped {
	t.Helper()
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM) // a program that inherits an ignored signal ignores it

	r := &piped{T: t, Cmd: exec.Command(program, args...)}
	var full *os.File
	var errIn, errOut, errFill error
	r.Stdin, r.in, errIn = os.Pipe()
	r.out, full, errOut = os.Pipe()
	r.Stdout, r.Cmd.Stderr = full, &r.stderr
	if err := errors.Join(errIn, errOut); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { r.in.Close(); r.out.Close(); full.Close(); r.Stdin.(*os.File).Close() })
	for errFill = full.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); errFill == nil; {
		var n int
		n, errFill = full.Write(make([]byte, 512))
		r.filled += n
	}

	if err := r.Start(); err != nil {
		t.Fatal(err)
	}

	return r
}

// typeText returns once the program has read most of a long text.
func (r *piped) typeText(text string) {
	if _, err := r.in.WriteString(text); err != nil {
		r.Error(err)
	}
}

// dies sends a signal, which must end the process: silently, and without any output.
func (r *piped) dies(of syscall.Signal) {
	if err := r.Process.Signal(of); err != nil {
		r.Error(err)
	}

	_ = r.Wait()
	if status := r.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != of {
		r.Errorf("exit status %d, %v, standard error:\n%s", status.ExitStatus(), status.Signal(), &r.stderr)
	}

	text := make([]byte, 1<<20)
	if n, err := r.out.Read(text); err != nil || n != r.filled {
		r.Errorf("%d bytes of output, %v", n-r.filled, err)
	}
}

func waitForFile(t *testing.T, path string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return
		} else if time.Now().After(end) {
			t.Fatal(err)
		}
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
	time.AfterFunc(100*time.Millisecond, cancel)
	status := run(ctx, process{
		args:  []string{"inject", "-q", "--config", samples + "/tykmesh.yaml", "--local", dir, "-n", "shop"},
		stdin: bytes.NewReader(manifest), stdout: &stdout, stderr: &stderr,
	})
	if want := "error: interrupted; nothing was changed\n"; status != 130 || stderr.String() != want || stdout.Len() > 0 {
		t.Errorf("exit status %d, standard error:\n%s", status, &stderr)
	}
}

// A run that is interrupted when its last step is done prints nothing: no file is rewritten either.
func TestInterruptedBeforeTheOutput(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ctx, remotely := phase.Begin(ctx, time.Minute, &report.Run{Plan: new(report.Plan)})
	defer remotely.End()
	cancel()

	if _, err := remotely.CarryOut(ctx, new(plan.Plan), mesh.Remote{}); exit.Of(err) != exit.Interrupted {
		t.Errorf("%v", err)
	}
}

// A signal that comes when a command begins to ask servers has the same effect in all commands:
// nothing is changed, and no other error is reported.
func TestInterruptedAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, command := range []string{"inject -f ECHO", "diff -f ECHO", "register -f ECHO", "delete --yes -n shop -f ECHO", "status", "check"} {
		dir := t.TempDir()
		args := slices.Concat(strings.Fields(strings.ReplaceAll(command, "ECHO", samples+"/echo.yaml")), []string{"--config", samples + "/tykmesh.yaml", "--local", dir})
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
