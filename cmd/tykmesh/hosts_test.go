package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

const kustomize = "sigs.k8s.io/kustomize/kustomize/v5@v5.7.1"

// hostTools are the programs that run this one, in the versions that the tests were written with.
var hostTools = []string{"helm.sh/helm/v4/cmd/helm@v4.3.1", kustomize}

// TestHosts runs Helm and kustomize with the program as their post-renderer and their function, as
// testdata/hosts says. It takes minutes the first time, because both are built, so it runs only
// where somebody asks for it: make test-hosts.
func TestHosts(t *testing.T) {
	if os.Getenv("TYKMESH_TEST_HOSTS") == "" {
		t.Skip("make test-hosts runs this: it builds Helm and kustomize")
	}

	tools := buildTools(t, hostTools...)
	testscript.Run(t, testscript.Params{
		Dir:                 root + "/testdata/hosts",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			if err := setUpScript(env); err != nil {
				return err
			}

			env.Setenv("PATH", tools+string(os.PathListSeparator)+filepath.Join(env.WorkDir, "bin")+string(os.PathListSeparator)+env.Getenv("PATH"))
			if err := os.MkdirAll(filepath.Join(env.WorkDir, "bin"), 0o755); err != nil {
				return err
			}

			script := "#!/bin/sh\nexec " + program + " \"$@\"\n"
			if err := os.WriteFile(filepath.Join(env.WorkDir, "bin", "tykmesh"), []byte(script), 0o755); err != nil {
				return err
			}

			for _, name := range []string{"inject.sh", "emit.sh", "alone.sh", "back.sh"} {
				_ = os.Chmod(filepath.Join(env.WorkDir, name), 0o755) // where there is one
			}

			return nil
		},
	})
}
