package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// guideStep matches what ca/README.md has readers type in a session: its blocks, and the steps of a
// rotation in a table.
var guideStep = regexp.MustCompile("(?ms)^```sh\n(.*?)^```|^\\| `(tykmesh ca rotate[^`]*)`")

// The commands of ca/README.md work in their order, against a Dashboard without APIs and a kubectl
// that looks whether the files are there.
func TestCAGuide(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}

	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}

	tools, dir := t.TempDir(), t.TempDir()
	if err := os.Symlink(self, filepath.Join(tools, program)); err != nil {
		t.Fatal(err)
	}

	guide, err := os.ReadFile(root + "/ca/README.md")
	if err != nil {
		t.Fatal(err)
	}

	session := `tykmesh() { "$TOOLS/` + program + `" "$@"; }
kubectl() { for word; do case $word in ca-quickstart/*) test -e "$word";; esac; done; }
`
	for _, step := range guideStep.FindAllStringSubmatch(string(guide), -1) {
		session += step[1] + step[2] + "\n"
	}

	server := dashboardtest.New(dashboardtest.Options{})
	defer server.Close()

	config := "Tyk: {url: " + server.URL + ", secret: " + server.Secret + ", org: " + server.Org + ", seesAllAPIs: true}\n" +
		"CA: {addr: http://localhost:8888, key: file:ca-quickstart/cfssl.key, certPath: ca-quickstart/chain.pem, bundlePath: ca-quickstart/bundle.pem}\n" +
		"Injector: {createRoutes: true, enableMeshTLS: true, containers: [{name: tyk-mesh, image: gateway}]}\n"
	if err := os.WriteFile(filepath.Join(dir, "tykmesh.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}

	cmd := exec.Command(bash, "-euc", session)
	cmd.Dir = dir
	cmd.Env = []string{noSleep, "PATH=" + os.Getenv("PATH"), "TOOLS=" + tools, "TMPDIR=" + t.TempDir(), "HOME=" + t.TempDir()}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, session, out)
	}

	for _, want := range []string{"no rotation is under way", "step 1 of 3", "step 2 of 3", "step 3 of 3"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is not printed:\n%s", want, out)
		}
	}

	if r, err := pki.ReadRotation(filepath.Join(dir, "ca-quickstart"), time.Now()); err != nil || r.Taken != pki.StepNone {
		t.Errorf("the last step is %d, %v", r.Taken, err)
	}
}

// ca/README.md says what each file of a CA is for.
func TestCAGuideFiles(t *testing.T) {
	guide, err := os.ReadFile(root + "/ca/README.md")
	if err != nil {
		t.Fatal(err)
	}

	o := pki.Options{Request: pki.GuideRequest(), Serving: pki.DefaultServing(), Intermediate: true, Now: time.Now()}
	o.Request.Key.Algo, o.Request.Key.Size = "ecdsa", 256
	setup, err := pki.Make(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}

	for _, f := range setup.Files {
		name := "`" + f.Name + "`"
		if f.Secret() {
			name = "**" + name + "**"
		}
		if !strings.Contains(string(guide), name) {
			t.Errorf("ca/README.md does not list %s", name)
		}
	}
}
