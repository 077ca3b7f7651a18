package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// TestCFSSL runs CFSSL as the manifests of ca init run it: the same program, with the same
// arguments, on what the pod would mount. It takes a minute the first time, because CFSSL is built,
// so it runs only where somebody asks for it: make test-cfssl.
func TestCFSSL(t *testing.T) {
	if os.Getenv("TYKMESH_TEST_CFSSL") == "" {
		t.Skip("make test-cfssl runs this: it builds CFSSL")
	}

	cfssl := filepath.Join(buildTools(t, "github.com/cloudflare/cfssl/cmd/cfssl@v1.6.5"), "cfssl")
	tykmesh := buildProgram(t)
	mongo := strings.TrimSuffix(catest.Mongo(t), "tykmesh")
	for name, args := range map[string][]string{
		"ecdsa":        {"--algo", "ecdsa"},
		"rsa":          {"--size", "2048", "-n", "pki"},
		"intermediate": {"--algo", "ecdsa", "--size", "384", "--intermediate"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "ca")
			section, err := exec.Command(tykmesh, append([]string{"ca", "init", "-q", "--dir", dir}, args...)...).Output()
			if err != nil {
				t.Fatal(err)
			}

			server := serveCFSSL(t, cfssl, dir)
			checkAuthsign(t, server, dir)
			checkClosed(t, server)
			checkInjected(t, &cluster{world: newWorld(t.TempDir()), program: tykmesh}, server, mongo+name, section)
		})
	}
}

// serveCFSSL runs what a folder's manifests would run, and returns its address once it answers.
func serveCFSSL(t *testing.T, cfssl, dir string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	var log bytes.Buffer
	cmd := exec.Command(cfssl, append(podArguments(t, dir), "-address=127.0.0.1", "-port="+port)...) // the last of two flags wins
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}

	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	server := "http://127.0.0.1:" + port
	for {
		if status, _ := askCFSSL(t, http.MethodGet, server, "health"); status == http.StatusOK {
			return server
		}

		select {
		case <-ended:
			t.Fatalf("CFSSL ended:\n%s", &log)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// podArguments returns those of the pod, with the files that it would see.
func podArguments(t *testing.T, dir string) []string {
	t.Helper()
	var (
		deployment appsv1.Deployment
		data       = map[string]map[string][]byte{} // by kind and name
	)
	for _, name := range []string{"cfssl.yaml", "secrets.yaml"} {
		text, err := os.ReadFile(filepath.Join(dir, pki.Manifests, name))
		if err != nil {
			t.Fatal(err)
		}

		for one := range bytes.SplitSeq(text, []byte("\n---\n")) {
			var (
				secret    corev1.Secret
				configMap corev1.ConfigMap
			)
			switch {
			case bytes.Contains(one, []byte("\nkind: Deployment\n")):
				err = yaml.UnmarshalStrict(one, &deployment)
			case bytes.Contains(one, []byte("\nkind: Secret\n")):
				err = yaml.UnmarshalStrict(one, &secret)
				data["Secret "+secret.Name] = secret.Data
			case bytes.Contains(one, []byte("\nkind: ConfigMap\n")):
				err = yaml.UnmarshalStrict(one, &configMap)
				files := map[string][]byte{}
				for key, value := range configMap.Data {
					files[key] = []byte(value)
				}
				data["ConfigMap "+configMap.Name] = files
			}

			if err != nil {
				t.Fatal(err)
			}
		}
	}

	pod := deployment.Spec.Template.Spec

	mount := t.TempDir()
	for _, source := range pod.Volumes[0].Projected.Sources {
		var name string
		if source.Secret != nil {
			name = "Secret " + source.Secret.Name
		} else {
			name = "ConfigMap " + source.ConfigMap.Name
		}

		for key, text := range data[name] {
			if err := os.WriteFile(filepath.Join(mount, key), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}

	var args []string
	for _, arg := range pod.Containers[0].Args {
		args = append(args, strings.ReplaceAll(arg, pod.Containers[0].VolumeMounts[0].MountPath+"/", mount+"/"))
	}

	return args
}

// checkAuthsign has certificates signed that pods trust, with the key alone.
func checkAuthsign(t *testing.T, server, dir string) {
	t.Helper()
	read := func(name string) []byte {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}

	trust, err := ca.ParseTrustBundle(read(pki.BundleFile))
	if err != nil {
		t.Fatal(err)
	}

	for key, want := range map[string]error{strings.TrimSpace(string(read(pki.AuthKeyFile))): nil, plantedCFSSLKey: ca.ErrUnauthorized} {
		client, err := ca.New(ca.Config{Addr: server, Key: key, CertPath: filepath.Join(dir, pki.ChainFile)})
		if err != nil {
			t.Fatal(err)
		}

		bundle, err := ca.Issue(t.Context(), client, ca.Request{Hosts: []string{"echo.shop"}, Trust: trust})
		if !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}

		if want != nil {
			continue
		}

		if _, err := verifyBundle(bundle.PEM(), read(pki.BundleFile), time.Now()); err != nil {
			t.Error(err)
		}
	}
}

// checkInjected puts the samples on a mesh with the section of the configuration that ca init
// printed, once and again.
func checkInjected(t *testing.T, c *cluster, server, mongo string, section []byte) {
	t.Helper()
	c.mongo, c.dashboard = mongo, dashboardtest.New(dashboardtest.Options{Secret: plantedDashboardKey})
	defer c.dashboard.Close()
	before, rest, _ := strings.Cut(readSample(t, "tykmesh.yaml"), "\nCA:\n")

	_, after, found := strings.Cut(rest, "\nInjector:\n")
	if !found {
		t.Fatal("the sample has other sections")
	}

	config := c.file("tykmesh.yaml")
	if err := os.WriteFile(config, []byte(before+"\n"+string(section)+"\nInjector:\n"+after), 0o600); err != nil {
		t.Fatal(err)
	}

	run := func(args ...string) outcome {
		r := &running{Cmd: exec.Command(c.program, append(args, "--config", config)...)}
		r.Env = []string{
			"TYKMESH_TYK_URL=" + c.dashboard.URL, "TYK_DASHBOARD_KEY=" + plantedDashboardKey,
			"TYKMESH_CA_ADDR=" + server, "TYKMESH_CA_MONGOCONNSTR=" + mongo,
		}
		r.Stdout, r.Stderr = &r.out, &r.report
		r.failed = r.Start()

		o := r.wait()
		if o.status != 0 {
			t.Fatalf("tykmesh %s: exit status %d\n%s%s", strings.Join(args, " "), o.status, o.stdout, o.stderr)
		}

		return o
	}

	inject := []string{"inject", "-f", samples + "/echo-and-sleep.yaml"}
	first := run(inject...)

	state, err := c.state() // each record is of a certificate in the store
	if err != nil || len(c.dashboard.Certificates()) != 3 || len(c.dashboard.APIs()) != 4 {
		t.Fatalf("%d certificates, %d APIs, %v\n%s", len(c.dashboard.Certificates()), len(c.dashboard.APIs()), err, first.stderr)
	}

	c.newRequests()
	if again := run(inject...); again.stdout != first.stdout {
		t.Errorf("a second run prints something else:\n%s", cmp.Diff(first.stdout, again.stdout))
	}

	for _, line := range c.newRequests() {
		if !strings.HasPrefix(line, "dashboard GET ") {
			t.Errorf("a second run asks for %s", line)
		}
	}

	if now, err := c.state(); now != state || err != nil {
		t.Errorf("a second run changes something: %v (-before +after)\n%s", err, cmp.Diff(state, now))
	}

	if o := run("check"); o.stderr != "ready\n" {
		t.Errorf("check: %s%s", o.stdout, o.stderr)
	}
}

// checkClosed makes sure that CFSSL does nothing for those without the key but say who it is.
func checkClosed(t *testing.T, server string) {
	t.Helper()
	for _, endpoint := range strings.Split(strings.TrimSuffix(ca.Disabled, ",/"), ",") {
		if status, text := askCFSSL(t, http.MethodPost, server, endpoint); status != http.StatusNotFound {
			t.Errorf("%s answers %d: %s", endpoint, status, text)
		}
	}

	if status, _ := askCFSSL(t, http.MethodPost, server, "info"); status != http.StatusOK {
		t.Errorf("info answers %d", status)
	}

	if status, text := askCFSSL(t, http.MethodGet, server, "../../.."); status != http.StatusNotFound {
		t.Errorf("its page answers %d: %s", status, text)
	}
}

// askCFSSL asks what anybody can ask; the status is 0 as long as nobody listens.
func askCFSSL(t *testing.T, method, server, endpoint string) (status int, text string) {
	t.Helper()
	body := `{"request": {"hosts": ["evil.shop"], "CN": "evil.shop", "key": {"algo": "ecdsa", "size": 256}}}`
	if endpoint == "info" {
		body = "{}"
	}

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()

	request, err := http.NewRequestWithContext(ctx, method, server+"/api/v1/cfssl/"+endpoint, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}

	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, fmt.Sprint(err)
	}

	defer response.Body.Close()
	answer, _ := io.ReadAll(response.Body)

	return response.StatusCode, string(answer)
}
