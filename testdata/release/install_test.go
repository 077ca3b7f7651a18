package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// TestInstall installs tykmesh with the command of the README, from a module proxy in a directory: it
// has the last commit as v0.1.0. The modules that tykmesh needs come from the module cache.
func TestInstall(t *testing.T) {
	if os.Getenv("TYKMESH_TEST_INSTALL") == "" {
		t.Skip("make test-install runs it: it compiles the program")
	}

	dir, cache := t.TempDir(), strings.TrimSpace(run(t, nil, "go", "env", "GOMODCACHE"))
	serve(t, filepath.Join(dir, "proxy"), module.Version{Path: "github.com/tykmesh/tykmesh", Version: "v0.1.0"})
	env := append(os.Environ(),
		"GOPROXY=file://"+filepath.Join(dir, "proxy")+",file://"+filepath.Join(cache, "cache", "download"),
		"GOSUMDB=off", "GOENV=off", "GOWORK=off", "GOFLAGS=-trimpath -modcacherw", "CGO_ENABLED=0",
		"GOPATH="+filepath.Join(dir, "go"), "GOMODCACHE="+filepath.Join(dir, "go", "pkg", "mod"), "GOBIN="+filepath.Join(dir, "bin"))
	run(t, env, "go", "install", "github.com/tykmesh/tykmesh/cmd/tykmesh@latest")

	tykmesh := filepath.Join(dir, "bin", "tykmesh")
	if got := run(t, nil, tykmesh, "version"); got != "tykmesh v0.1.0\n" {
		t.Errorf("version prints %q", got)
	}
	for _, arguments := range [][]string{{"config", "schema"}, {"help", "TM0001"}, {"help", "annotations"}} { // from embedded files
		if got := run(t, nil, tykmesh, arguments...); got == "" {
			t.Errorf("%v prints nothing", arguments)
		}
	}
}

// serve writes a module of the last commit into the directory of a module proxy.
func serve(t *testing.T, proxy string, m module.Version) {
	t.Helper()
	dir := filepath.Join(proxy, filepath.FromSlash(m.Path), "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}

	archive, err := os.Create(filepath.Join(dir, m.Version+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	checkout := t.TempDir()
	run(t, nil, "git", "-C", "../..", "archive", "-o", filepath.Join(checkout, "all.tar"), "HEAD")
	run(t, nil, "tar", "-x", "-C", checkout, "-f", filepath.Join(checkout, "all.tar"))
	if err := os.Remove(filepath.Join(checkout, "all.tar")); err != nil {
		t.Fatal(err)
	}
	if err := zip.CreateFromDir(archive, m, checkout); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}

	for name, text := range map[string]string{
		"list":              m.Version + "\n",
		m.Version + ".info": `{"Version":"` + m.Version + `"}`,
		m.Version + ".mod":  run(t, nil, "git", "-C", "../..", "show", "HEAD:go.mod"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// run returns the output of a command, which has to succeed.
func run(t *testing.T, env []string, name string, arguments ...string) string {
	t.Helper()
	cmd := exec.Command(name, arguments...)
	cmd.Env, cmd.Stderr = env, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}

	return string(out)
}
