//go:build unix

package files

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// program writes a script that takes the place of a program, and puts its directory into PATH alone.
func program(t *testing.T, name, script string) {
	t.Helper()
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
}

func TestBuild(t *testing.T) {
	tree(t, "-odd/a.yaml", "b.yaml")
	t.Setenv("TYKMESH_TYK_SECRET", "planted")
	for name, script := range map[string]string{
		"kustomize": `echo "$0 $*: $TYKMESH_TYK_SECRET" | /usr/bin/sed s,.*/,,; echo deprecated >&2`,
		"kubectl":   `echo "$0 $*: $TYKMESH_TYK_SECRET" | /usr/bin/sed s,.*/,,`,
	} {
		program(t, name, script)
		sources, err := Inputs{Builds: []string{"-odd"}}.Read(atOnce)
		want := map[string]string{"kustomize": "kustomize build -- -odd: \n", "kubectl": "kubectl kustomize -- -odd: \n"}[name]
		if err != nil || len(sources) != 1 || sources[0].Name != "kustomize -odd" || string(sources[0].Data) != want {
			t.Errorf("%s: %+v, %v", name, sources, err)
		}
	}
}

func TestBuildFails(t *testing.T) {
	tree(t, "k8s/a.yaml")
	for script, want := range map[string]string{
		"echo a; printf 'Error: no\\033 file\\n\\nsecond\\n' >&2; exit 1": "kustomize failed: no\033 file; second", // reports print no control characters
		"exit 7":             "kustomize failed: exit status 7",
		"exec cat /dev/zero": "the output of kustomize is larger than 256 MiB",
		"kill -TERM $$":      "kustomize failed: signal: terminated",
		"cat /dev/zero >&2 & sleep 0.2; kill $!; echo 'Error: the end' >&2; exit 1": "the end",
	} {
		if testing.Short() && strings.Contains(script, "/dev/zero") {
			continue
		}
		program(t, "kustomize", "PATH=/usr/bin:/bin\n"+script)
		if _, err := (Inputs{Builds: []string{"k8s"}}).Read(atOnce); err == nil || !strings.HasPrefix(err.Error(), "reading manifests: kustomize k8s: ") || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %.500v", script, err)
		}
	}

	t.Run("no program", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		_, err := Inputs{Builds: []string{"k8s"}}.Read(atOnce)
		if err == nil || !strings.Contains(err.Error(), "neither kustomize nor kubectl is in PATH; install kustomize, or pipe its output: kustomize build DIR |") {
			t.Error(err)
		}
	})

	for dir, want := range map[string]string{
		"k8s/a.yaml":                "-k k8s/a.yaml: this is a file; name its directory, or use -f",
		"gone":                      "reading manifests: gone: no such file or directory",
		"https://github.com/o/r//k": "-k reads directories, not URLs; pipe it: kustomize build URL | tykmesh inject",
	} {
		if _, err := (Inputs{Builds: []string{dir}}).Read(atOnce); err == nil || err.Error() != want {
			t.Errorf("%s: %v", dir, err)
		}
	}

	t.Run("an end of time ends the program", func(t *testing.T) {
		program(t, "kustomize", "echo a; exec /bin/sleep 60")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, errors.New("enough"))
		defer cancel()
		begun := time.Now()
		_, err := Inputs{Builds: []string{"k8s"}}.Read(func(read func(context.Context, func(string)) error) error { return read(ctx, func(string) {}) })
		if err == nil || err.Error() != "reading manifests: kustomize k8s: enough" || time.Since(begun) > 20*time.Second {
			t.Error(err)
		}
	})
}

// Targets in a directory of -k are refused, and so are files that a pattern leads to.
func TestBuildsAreInputs(t *testing.T) {
	tree(t, "k8s/a.yaml", "k8s/base/b.yaml", "c.yaml", "elsewhere/d.yaml", "elsewhere/far.yaml")
	for dir, text := range map[string]string{"k8s": "resources: [base]", "k8s/base": "resources:\n- ../../elsewhere/ # note\n", "elsewhere": `{"configMapGenerator": [{"files": ["c=../c.yaml"]}]}`} {
		if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	emptied, err := os.OpenFile("k8s/base/b.yaml", os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer emptied.Close()

	for _, tt := range []struct {
		in   Inputs
		path string
		want bool
	}{
		{Inputs{Builds: []string{"k8s"}}, "k8s/a.yaml", true},
		{Inputs{Builds: []string{"./k8s/base/.."}}, "k8s/base/new.yaml", true},
		{Inputs{Builds: []string{"k8s/base"}}, "k8s/a.yaml", false},
		{Inputs{Builds: []string{"k8s"}}, "elsewhere/d.yaml", true},
		{Inputs{Builds: []string{"k8s"}}, "c.yaml", true},
		{Inputs{Builds: []string{"k8s"}}, "d.yaml", false},
		{Inputs{Paths: []string{"k8s/*.yaml"}}, "k8s/a.yaml", true},
		{Inputs{Paths: []string{"c.yaml,k8s"}}, "k8s/a.yaml", true},
		{Inputs{Paths: []string{"k8s/*"}}, "c.yaml", false},
		{Inputs{Paths: []string{"https://h/k8s/a.yaml"}}, "k8s/a.yaml", false},
	} {
		var targets Targets
		targets.AddFile(OutputFlag, tt.path)
		if err := targets.CheckInputs(tt.in); (err != nil) != tt.want {
			t.Errorf("%v, -w %s: %v", tt.in, tt.path, err)
		}
	}

	var targets Targets
	targets.AddStream(StandardOutput, emptied)
	if err := targets.CheckInputs(Inputs{Builds: []string{"k8s"}}); err == nil || err.Error() != "standard output is k8s/base/b.yaml, which this run reads" {
		t.Error(err)
	}
}
