package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// ciFiles is where the files for CI systems are.
const ciFiles = root + "/testdata/ci"

// job is a run of one of the files for CI systems, with its inputs and its results.
type job struct {
	tb     testing.TB
	dir    string            // the workspace, and the directory of the job
	env    map[string]string // beside that of the system
	inputs map[string]string

	status  int
	output  string
	values  string // GITHUB_OUTPUT
	summary string // of the step, or the artifact
}

// ciSystem runs a file for CI systems as its system does.
type ciSystem struct {
	run     func(*job)
	changed int // the exit status of a run of diff that finds something to register
}

var ciSystems = map[string]ciSystem{
	"github": {runGitHub, 0},
	"gitlab": {runGitLab, 3},
}

// newJob returns a job whose workspace holds samples and the program.
func newJob(tb testing.TB, inputs map[string]string) *job {
	tb.Helper()
	if runtime.GOOS != "linux" {
		tb.Skip("the runners of the files are those of Linux")
	}

	j := &job{tb: tb, dir: tb.TempDir(), env: map[string]string{}, inputs: map[string]string{"config": "tykmesh.yaml", "local": "mesh", "args": "-n=shop", "files": "k8s"}}
	for name, value := range inputs {
		j.inputs[name] = value
	}

	for _, name := range []string{"tykmesh.yaml", "echo.yaml"} {
		text, err := os.ReadFile(root + "/testdata/samples/" + name)
		must(tb, err)
		j.write(name, string(text))
	}

	j.write("k8s/echo.yaml", j.read("echo.yaml"))
	under, err := exec.LookPath(program)
	must(tb, err)
	j.write("tykmesh", "#!/bin/sh\nexec '"+under+"' \"$@\"\n")

	return j
}

// must ends the test on an error.
func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func (j *job) write(name, text string) {
	j.tb.Helper()
	path := filepath.Join(j.dir, name)
	must(j.tb, os.MkdirAll(filepath.Dir(path), 0o755))
	must(j.tb, os.WriteFile(path, []byte(text), 0o755))
}

// read returns a file of the job; "" without it.
func (j *job) read(name string) string {
	text, _ := os.ReadFile(filepath.Join(j.dir, name))
	return string(text)
}

// shell runs a script in the job's directory. It returns whether the script succeeded.
func (j *job) shell(env map[string]string, script string, command ...string) bool {
	j.tb.Helper()
	j.write("script.sh", script)
	cmd := exec.Command(command[0], append(command[1:], filepath.Join(j.dir, "script.sh"))...)
	cmd.Dir = j.dir
	cmd.Env = []string{noSleep, "PATH=" + os.Getenv("PATH"), "HOME=" + j.dir}
	for _, set := range []map[string]string{j.env, env} {
		for name, value := range set {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}

	out, _ := cmd.CombinedOutput()
	j.output += string(out)
	j.status = cmd.ProcessState.ExitCode()

	return j.status == 0
}

// githubAction holds the parts of an action's file that the test reads.
type githubAction struct {
	Inputs map[string]struct {
		Description string
		Default     *string
	}
	Outputs map[string]struct{ Description, Value string }
	Runs    struct {
		Using string
		Steps []struct {
			ID, Name, Shell, Run string
			Env                  map[string]string
		}
	}
}

func readGitHubAction(tb testing.TB) (a githubAction) {
	tb.Helper()
	text, err := os.ReadFile(ciFiles + "/github/action.yml")
	must(tb, err)
	must(tb, yaml.UnmarshalStrict(text, &struct {
		*githubAction
		Name, Description string
	}{githubAction: &a}))

	return a
}

var githubInput = regexp.MustCompile(`\$\{\{ inputs\.([a-z0-9-]+) \}\}`)

// runGitHub runs the steps of the composite action, each in the shell that the runner starts.
func runGitHub(j *job) {
	j.tb.Helper()
	a := readGitHubAction(j.tb)
	arch := map[string]string{"amd64": "X64", "arm64": "ARM64"}[runtime.GOARCH]
	j.env["RUNNER_OS"], j.env["RUNNER_ARCH"], j.env["RUNNER_TEMP"] = "Linux", arch, filepath.Join(j.dir, "temp")
	for _, name := range []string{"GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"} {
		j.env[name] = filepath.Join(j.dir, "temp", name)
		j.write("temp/"+name, "")
	}

	for _, step := range a.Runs.Steps {
		env := make(map[string]string)
		for name, value := range step.Env {
			env[name] = githubInput.ReplaceAllStringFunc(value, func(found string) string {
				input := githubInput.FindStringSubmatch(found)[1]
				if value, ok := j.inputs[input]; ok {
					return value
				}
				return *a.Inputs[input].Default
			})
		}

		if !j.shell(env, step.Run, "bash", "--noprofile", "--norc", "-eo", "pipefail") {
			break
		}
	}

	j.values, j.summary = j.read("temp/GITHUB_OUTPUT"), j.read("temp/GITHUB_STEP_SUMMARY")
}

// gitlabVariable is a variable of a GitLab job.
type gitlabVariable struct {
	Value  string
	Expand bool
}

// gitlabJob holds the parts of a job that the test reads.
type gitlabJob struct {
	Stage, Image string
	Rules        []struct{ If string }
	Variables    map[string]gitlabVariable
	Script       []string
	AllowFailure struct {
		ExitCodes []int `json:"exit_codes"`
	} `json:"allow_failure"`
	Artifacts struct {
		When     string
		ExposeAs string `json:"expose_as"`
		Paths    []string
	}
}

// gitlabTemplate is the file of a component: its inputs, and its jobs.
type gitlabTemplate struct {
	inputs map[string]struct {
		Description, Type string
		Default           any
		Options           []string
	}
	jobs map[string]gitlabJob
}

func readGitLabTemplate(tb testing.TB) (c gitlabTemplate) {
	tb.Helper()
	text, err := os.ReadFile(ciFiles + "/gitlab/template.yml")
	must(tb, err)
	header, jobs, ok := strings.Cut(string(text), "\n---\n")
	if !ok {
		tb.Fatal("the file has no document for inputs")
	}

	var spec struct {
		Spec struct {
			Inputs map[string]struct {
				Description, Type string
				Default           any
				Options           []string
			}
		}
	}
	must(tb, yaml.UnmarshalStrict([]byte(header), &spec))
	must(tb, yaml.UnmarshalStrict([]byte(jobs), &c.jobs))
	c.inputs = spec.Spec.Inputs

	return c
}

var gitlabInput = regexp.MustCompile(`\$\[\[ inputs\.([a-z0-9_]+) \]\]`)

// runGitLab runs the script of the component's job. GitLab puts inputs into values, and variables
// into the values of other variables; then a shell of the image gets the lines of the script.
func runGitLab(j *job) {
	j.tb.Helper()
	c := readGitLabTemplate(j.tb)
	input := func(text string) string {
		return gitlabInput.ReplaceAllStringFunc(text, func(found string) string {
			name := gitlabInput.FindStringSubmatch(found)[1]
			if value, ok := j.inputs[strings.ReplaceAll(name, "_", "-")]; ok {
				return value
			}
			return fmt.Sprint(c.inputs[name].Default)
		})
	}
	j.env["CI_PROJECT_DIR"] = j.dir

	for _, job := range c.jobs {
		env := make(map[string]string)
		for name, variable := range job.Variables {
			env[name] = input(variable.Value)
			if variable.Expand {
				env[name] = os.Expand(env[name], func(v string) string { return j.env[v] })
			}
		}

		j.shell(env, strings.Join(job.Script, "\n"), "sh", "-e")
		j.summary = j.read(job.Artifacts.Paths[0])
	}
}
