package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestCIFiles: the files for CI systems are complete, and no input is pasted into a script.
func TestCIFiles(t *testing.T) {
	a := readGitHubAction(t)
	used := map[string]bool{}
	for _, step := range a.Runs.Steps {
		if strings.Contains(step.Run, "${{") || step.Shell != "bash" || step.Name == "" {
			t.Errorf("step %q: its shell is %q, and inputs must come from env", step.Name, step.Shell)
		}
		for name, value := range step.Env {
			for _, found := range githubInput.FindAllStringSubmatch(value, -1) {
				used[found[1]] = true
			}
			if !uses(step.Run, name) {
				t.Errorf("step %q does not use %s", step.Name, name)
			}
		}
	}
	for name, input := range a.Inputs {
		if !used[name] || input.Default == nil || input.Description == "" {
			t.Errorf("input %s of the action lacks a use, a default or a description", name)
		}
	}
	if a.Runs.Using != "composite" || len(a.Outputs) == 0 {
		t.Error("it is no composite action with outputs")
	}

	c := readGitLabTemplate(t)
	for name, input := range c.inputs {
		given := a.Inputs[strings.ReplaceAll(name, "_", "-")]
		said := strings.ReplaceAll(given.Description, "pull request", "merge request")
		if given.Default != nil && (input.Description != said && name != "fail_on_changes" || fmt.Sprint(input.Default) != *given.Default) {
			t.Errorf("input %s differs from that of the action", name)
		}
	}
	for _, job := range c.jobs {
		for name, variable := range job.Variables {
			if strings.Contains(strings.Join(job.Script, ""), "$[[") || !uses(job.Script[0], name) || !gitlabInput.MatchString(variable.Value) {
				t.Errorf("variable %s of the job is not used, or the script holds an input", name)
			}
		}
	}
}

// uses reports whether a script uses a variable.
func uses(script, name string) bool {
	return strings.Contains(script, "$"+name) || strings.Contains(script, "${"+name)
}

// TestCIJobs: a job passes, warns and fails as its reference says, and reports.
func TestCIJobs(t *testing.T) {
	for name, system := range ciSystems {
		t.Run(name, func(t *testing.T) {
			j := newJob(t, map[string]string{"program": "./tykmesh"})
			run := func(what string, status int) {
				t.Helper()
				j.output = ""
				if system.run(j); j.status != status {
					t.Fatalf("%s: exit status %d, want %d: %s", what, j.status, status, j.output)
				}
			}
			wantChanges := func(what, want string) {
				t.Helper()
				if name == "github" && !strings.Contains(j.values, "changes="+want+"\n") {
					t.Errorf("%s: outputs %q", what, j.values)
				}
			}

			run("a new service", system.changed)
			wantChanges("a new service", "true")
			if !strings.Contains(j.summary, "echo-mesh") {
				t.Errorf("the summary of a new service: %q", j.summary)
			}

			j.inputs["fail-on-changes"] = "true"
			run("changes that fail", map[string]int{"github": 3, "gitlab": 1}[name])

			j.inputs["command"] = "register"
			run("registration", 0)
			j.inputs["command"] = "diff"
			run("nothing to register", 0)
			wantChanges("nothing to register", "false")

			j.inputs["command"] = "inject"
			run("injection", 0)
			if !strings.Contains(j.read("meshed.yaml"), "name: tyk-mesh") {
				t.Error("inject wrote no manifests")
			}

			j.inputs["command"], j.inputs["files"], j.inputs["reports"] = "diff", "bad.yaml", "json=one.json\n\nsarif=two.sarif"
			j.write("bad.yaml", strings.ReplaceAll(j.read("echo.yaml"), `"/echo-svc"`, `"a b"`))
			run("an error", 1)
			if !strings.Contains(j.read("one.json"), "TM0005") || !strings.Contains(j.read("two.sarif"), "TM0005") || !strings.Contains(j.summary, "TM0005") {
				t.Errorf("the reports of an error: %s", j.output)
			}
			if name == "github" && !strings.Contains(j.output, "::error file=bad.yaml,line=") {
				t.Errorf("no annotation of the error: %s", j.output)
			}
		})
	}
}

// TestCIHostileInputs: text of inputs is never a command, whatever it holds, and never another
// output of the step.
func TestCIHostileInputs(t *testing.T) {
	const hostile = "a \"b' `touch pwned`; $(touch pwned) ${HOME} & > pwned | *.yaml"
	for name, system := range ciSystems {
		t.Run(name, func(t *testing.T) {
			j := newJob(t, map[string]string{"program": "./tykmesh", "files": "k8s/" + hostile + "\nk8s/echo.yaml", "command": "register"})
			j.write("k8s/"+hostile, strings.ReplaceAll(j.read("echo.yaml"), "echo", "other"))
			if system.run(j); j.status != 0 || j.read("mesh/apis/other-mesh.json") == "" {
				t.Errorf("exit status %d: %s", j.status, j.output)
			}

			for _, input := range []string{"command", "config", "local", "output", "args", "reports", "fail-on-changes", "version", "source", "sha256", "program"} {
				j := newJob(t, map[string]string{"program": "./tykmesh", "command": "inject", input: hostile + "\nchanges=true"})
				if input == "version" || input == "source" || input == "sha256" {
					j.inputs["program"] = ""
				}
				if system.run(j); exists(j, "pwned") || strings.Contains(j.values, "changes=true") {
					t.Errorf("%s: exit status %d, outputs %q: %s", input, j.status, j.values, j.output)
				}
			}
		})
	}
}

// exists reports whether a file is in the workspace of a job, or in a directory of it.
func exists(j *job, name string) bool {
	found, _ := filepath.Glob(filepath.Join(j.dir, "*", name))
	_, err := os.Stat(filepath.Join(j.dir, name))
	return err == nil || len(found) > 0
}

// release makes an archive of a release in a directory of the job, and returns its checksum.
func (j *job) release(dir, name string) (sum string) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	text := []byte(j.read("tykmesh"))
	must(j.tb, w.WriteHeader(&tar.Header{Name: "tykmesh", Mode: 0o755, Size: int64(len(text))}))
	_, err := w.Write(text)
	must(j.tb, err)
	must(j.tb, w.Close())
	must(j.tb, z.Close())

	hash := sha256.Sum256(b.Bytes())
	sum = hex.EncodeToString(hash[:])
	j.write(dir+"/"+name, b.String())
	j.write(dir+"/checksums.txt", strings.Repeat("0", 64)+"  other.tar.gz\n"+sum+"  "+name+"\n")

	return sum
}

// TestCIInstall: a release is installed from a directory or a server if its checksum is right.
func TestCIInstall(t *testing.T) {
	for name, system := range ciSystems {
		t.Run(name, func(t *testing.T) {
			const file = "tykmesh_1.2.0_linux_" + runtime.GOARCH + ".tar.gz"
			j := newJob(t, map[string]string{"version": "v1.2.0", "source": "release", "command": "register"})
			sum := j.release("release", file)
			server := httptest.NewTLSServer(http.FileServer(http.Dir(filepath.Join(j.dir, "release"))))
			defer server.Close()
			j.write("server.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
			j.env["CURL_CA_BUNDLE"] = filepath.Join(j.dir, "server.pem")

			sources := []string{"release"}
			if _, err := exec.LookPath("curl"); err == nil {
				sources = append(sources, server.URL, server.URL+"/")
			}
			for _, source := range sources {
				j.inputs["source"] = source
				if system.run(j); j.status != 0 {
					t.Errorf("from %s: exit status %d: %s", source, j.status, j.output)
				}
			}

			j.write("release/checksums.txt", "")
			for of, c := range map[string]struct {
				inputs map[string]string
				status int
				says   string
			}{
				"its checksum is given":        {map[string]string{"sha256": sum}, 0, "on the mesh"},
				"no checksum":                  {nil, 2, "the checksum of the archive differs"},
				"another checksum":             {map[string]string{"sha256": strings.Repeat("0", 64)}, 2, "the checksum of the archive differs"},
				"no such version":              {map[string]string{"version": "1.3.0"}, 2, "the archive of this version cannot be read"},
				"no version":                   {map[string]string{"version": ""}, 2, "version must name a release"},
				"a path as version":            {map[string]string{"version": "../1.2.0"}, 2, "version must name a release"},
				"http":                         {map[string]string{"source": "http://localhost"}, 2, "source must be an https address"},
				"inject without a file":        {map[string]string{"sha256": sum, "command": "inject", "output": ""}, 2, "inject needs output"},
				"a command that is not for it": {map[string]string{"sha256": sum, "command": "delete"}, 2, "command must be diff"},
			} {
				other := *j
				other.inputs, other.output = map[string]string{}, ""
				for _, set := range []map[string]string{j.inputs, {"source": "release"}, c.inputs} {
					for key, value := range set {
						other.inputs[key] = value
					}
				}
				if system.run(&other); other.status != c.status || !strings.Contains(other.output, c.says) {
					t.Errorf("%s: exit status %d: %s", of, other.status, other.output)
				}
			}
		})
	}
}
