package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/exit"
)

// The variables of make servers suit every sample of a configuration, and none: inject, check and,
// where there is a Dashboard, status succeed.
func TestServersSuitEverySample(t *testing.T) {
	environ := startServers(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(samples)); err != nil {
		t.Fatal(err)
	}

	t.Chdir(dir)
	for name, text := range map[string]string{"init.yaml": config.Begin(), "standalone/init.yaml": config.BeginStandalone()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	runServed(t, environ, "ca", "init", "--algo", "ecdsa", "--dir", "standalone/ca-quickstart", "-q")
	runServed(t, environ, "ca", "token", "--dir", "standalone/ca-quickstart", "-q")

	alone, err := filepath.Glob("standalone/*.yaml")
	if err != nil {
		t.Fatal(err)
	}

	for _, name := range append(alone, "", "init.yaml", "tykmesh.yaml") {
		var flags []string
		if name != "" {
			flags = []string{"--config", name}
		}
		if strings.HasSuffix(name, "issuer.yaml") { // a manifest for cert-manager
			continue
		}

		runServed(t, environ, append([]string{"inject", "-f", "echo.yaml"}, flags...)...)
		runServed(t, environ, append([]string{"check"}, flags...)...)
		if !strings.HasPrefix(name, "standalone") {
			runServed(t, environ, append([]string{"status"}, flags...)...)
		}
	}
}

// startServers starts testdata/servers, and returns the variables that it prints.
func startServers(t *testing.T) (environ []string) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "servers")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", program, root+"/testdata/servers")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	servers := exec.CommandContext(t.Context(), program)
	out, err := servers.StdoutPipe()
	if err == nil {
		err = servers.Start()
	}
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		_ = servers.Process.Kill()
		_ = servers.Wait()
	})

	lines := bufio.NewScanner(out)
	for lines.Scan() {
		variable, isVariable := strings.CutPrefix(lines.Text(), "export ")
		switch {
		case isVariable:
			environ = append(environ, variable)
		case !strings.HasPrefix(lines.Text(), "# "):
			t.Errorf("a shell would run %q", lines.Text())
		case strings.Contains(lines.Text(), "servers.env"): // the last line
			return environ
		}
	}

	t.Fatalf("the servers ended after %q: %v", environ, lines.Err())

	return nil
}

// runServed runs the program, which must succeed.
func runServed(t *testing.T, environ []string, args ...string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), process{
		name: "tykmesh", args: args, environ: environ, stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr,
	})
	if status != exit.Done {
		t.Errorf("tykmesh %s: exit status %d\n%s%s", strings.Join(args, " "), status, &stdout, &stderr)
	}
}
