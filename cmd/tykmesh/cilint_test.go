package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestCILint gives the files for CI systems, and the workflows of the documents, to actionlint and
// shellcheck. It builds the first, and the second is Debian's, so make test-ci runs it.
func TestCILint(t *testing.T) {
	if os.Getenv("TYKMESH_TEST_CI") == "" {
		t.Skip("make test-ci runs this: it builds actionlint, and needs shellcheck")
	}

	tools := buildTools(t, "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12")
	repository := newJob(t, nil)
	action, err := os.ReadFile(ciFiles + "/github/action.yml")
	must(t, err)
	repository.write(".git/HEAD", "ref: refs/heads/main\n") // actionlint looks for the root of the repository
	repository.write(".github/actions/tykmesh/action.yml", string(action))

	args := []string{"-no-color"}
	for _, document := range []string{readmeFile, referenceFile} {
		for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(readDocument(t, document), -1) {
			if text := block[1]; strings.Contains(text, "runs-on:") {
				if !strings.HasPrefix(text, "on:") {
					text = "on: [push, pull_request]\n" + text
				}
				name := filepath.Join(".github", "workflows", strings.Repeat("w", len(args))+".yml")
				repository.write(name, text)
				args = append(args, name)
			}
		}
	}
	if len(args) < 3 {
		t.Fatalf("the documents have %d workflows", len(args)-1)
	}

	lint := exec.Command(filepath.Join(tools, "actionlint"), args...)
	lint.Dir = repository.dir
	if out, err := lint.CombinedOutput(); err != nil {
		t.Errorf("actionlint: %v\n%s", err, out)
	}

	scripts := map[string]string{"gitlab": "#!/bin/sh\n"}
	for _, job := range readGitLabTemplate(t).jobs {
		scripts["gitlab"] += strings.Join(job.Script, "\n")
	}
	for _, step := range readGitHubAction(t).Runs.Steps {
		scripts[step.Name] = "#!/bin/bash\n" + step.Run
	}
	for name, text := range scripts {
		repository.write("linted.sh", text)
		if out, err := exec.Command("shellcheck", filepath.Join(repository.dir, "linted.sh")).CombinedOutput(); err != nil {
			t.Errorf("shellcheck of %s: %v\n%s", name, err, out)
		}
	}
}
