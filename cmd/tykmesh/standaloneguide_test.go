package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/cmd/internal/exit"
)

// fakeKubectl stands in for kubectl in the commands of the documents: it keeps applied
// objects, and get prints the workloads and the Secrets that were applied last.
const fakeKubectl = `
kubectl() {
	local word after='' all=''
	case $1 in
	apply)
		for word; do
			[ "$after" != -f ] || all=$(cat "$word")
			after=$word
		done
		[ -n "$all" ]
		printf -- '---\n%s\n' "$all" >> "$APPLIED/all"
		for kind in Deployment Secret; do
			if grep -q "^kind: $kind" <<< "$all"; then printf -- '---\n%s\n' "$all" > "$APPLIED/$kind"; fi
		done
		;;
	create)
		for word; do
			case $word in --cert=* | --key=* | --from-file=*) test -s "${word#*=}" ;; esac
		done
		printf 'kind: Secret\nmetadata: {name: %s}\n' "$4"
		;;
	get)
		if [ "$2" = secret ]; then base64 < ca-quickstart/chain.pem; else cat "$APPLIED/Deployment" "$APPLIED/Secret"; fi
		;;
	delete | exec | wait) ;;
	*) return 1 ;;
	esac
}
`

// guideOf returns the commands in the blocks of a document's section.
func guideOf(t *testing.T, file, heading string) string {
	t.Helper()
	_, section, found := strings.Cut(readDocument(t, file), "\n"+heading+"\n")
	level := strings.Repeat("#", strings.Index(heading, " "))
	if end := regexp.MustCompile(`(?m)^#{2,` + string('0'+rune(len(level))) + `} `).FindStringIndex(section); end != nil {
		section = section[:end[0]]
	}

	var commands string
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(section, -1) {
		commands += block[1]
	}
	if !found || commands == "" {
		t.Fatalf("%s has no commands under %s", file, heading)
	}

	return commands
}

// runGuide runs commands in a directory that has the samples, as app.yaml and as configurations. It
// returns standard output and all that was applied.
func runGuide(t *testing.T, dir, commands string) (stdout, applied string) {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("there is no openssl")
	}

	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tools, kept := t.TempDir(), t.TempDir()
	if err := os.Symlink(self, filepath.Join(tools, program)); err != nil {
		t.Fatal(err)
	}

	for name, sample := range map[string]string{"app.yaml": "echo-and-sleep.yaml", "cert-manager.yaml": "standalone/cert-manager.yaml", "issuer.yaml": "standalone/issuer.yaml"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(readSample(t, sample)), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	cmd := exec.Command(bash, "-o", "pipefail", "-euc", `tykmesh() { "$TOOLS/`+program+`" "$@"; }`+fakeKubectl+commands)
	cmd.Dir = dir
	cmd.Env = []string{noSleep, "PATH=" + os.Getenv("PATH"), "TOOLS=" + tools, "APPLIED=" + kept, "TMPDIR=" + t.TempDir(), "HOME=" + t.TempDir()}

	var out, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s\n%s%s", err, commands, out.String(), stderr.String())
	}

	all, err := os.ReadFile(filepath.Join(kept, "all"))
	if err != nil {
		t.Fatal(err)
	}

	return out.String(), string(all)
}

// README's first session goes on in a cluster: two of its commands make the mesh.
func TestReadmeFirstCall(t *testing.T) {
	_, session, found := strings.Cut(guideOf(t, readmeFile, "## First session"), "app.yaml\n") // which runGuide makes
	if !found {
		t.Fatal("README.md has no first session")
	}

	_, applied := runGuide(t, t.TempDir(), session)
	for _, want := range []string{"kind: Deployment", "kind: ConfigMap", "name: echo-svc\n", "name: tyk-mesh\n"} {
		if !strings.Contains(applied, want) {
			t.Errorf("%q was not applied:\n%s", want, applied)
		}
	}
}

// The commands of README for a mesh without a Dashboard work in their order, and make a mesh that
// lacks nothing.
func TestReadmeStandalone(t *testing.T) {
	stdout, applied := runGuide(t, t.TempDir(), guideOf(t, readmeFile, "### Without a Dashboard"))
	for _, want := range []string{"mesh/echo-svc", " mutual "} {
		if !strings.Contains(stdout, want) {
			t.Errorf("status does not show %q:\n%s", want, stdout)
		}
	}
	if regexp.MustCompile(`error|MISSING|orphan`).MatchString(stdout) {
		t.Errorf("the mesh lacks something:\n%s", stdout)
	}

	for _, want := range []string{"name: echo-tykmesh\n", "name: sleep-tykmesh\n", "kind: Deployment"} {
		if !strings.Contains(applied, want) {
			t.Errorf("%q was not applied", want)
		}
	}
}

// The commands of the reference for a mesh without a Dashboard work in their order: each issuer's
// Secrets, and tokens.
func TestReferenceStandalone(t *testing.T) {
	dir := t.TempDir()
	commands := guideOf(t, referenceFile, "## A mesh without a Dashboard")
	first, rest, found := strings.Cut(commands, "kubectl create secret tls")
	if !found {
		t.Fatal("the reference has no commands for cert-manager")
	}

	// Users who uninject have kept the manifests that they applied.
	stdout, applied := runGuide(t, dir, first+"tykmesh inject -q -f app.yaml -w meshed.yaml\nkubectl create secret tls"+rest)
	if strings.Contains(stdout, "error") {
		t.Errorf("the mesh lacks something:\n%s", stdout)
	}
	for _, want := range []string{"kind: ClusterIssuer", "kind: Certificate", "name: echo-tykmesh\n", "name: echo-tykmesh-token\n", "injector.tyk.io/inject: \"true\""} {
		if !strings.Contains(applied, want) {
			t.Errorf("%q was not applied", want)
		}
	}

	// The Secrets of the first block are good.
	if due, err := os.ReadFile(filepath.Join(dir, "due.yaml")); err != nil || len(due) > 0 {
		t.Errorf("live objects leave these Secrets due: %v\n%s", err, due)
	}

	checkOwnCertificate(t, dir)
}

// checkOwnCertificate checks the file that OpenSSL made in a guide's directory: it serves and calls
// as the service, and names the hosts that certs secrets asks for.
func checkOwnCertificate(t *testing.T, dir string) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "tls.pem"), filepath.Join(dir, "tls.pem"))
	if err != nil {
		t.Fatal(err)
	}

	bundle, err := os.ReadFile(filepath.Join(dir, "ca-quickstart", "bundle.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(bundle)
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: "echo.default.svc", Roots: roots, KeyUsages: []x509.ExtKeyUsage{usage}}); err != nil {
			t.Errorf("the certificate of one's own: %v", err)
		}
	}

	config := filepath.Join(dir, "own.yaml")
	if err := os.WriteFile(config, []byte("CA: {bundlePath: ca-quickstart/bundle.pem}\nInjector: {mode: standalone, enableMeshTLS: true}\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	var stderr strings.Builder
	status := run(t.Context(), process{
		name: "tykmesh", stdin: strings.NewReader(""), stdout: io.Discard, stderr: &stderr,
		args: []string{"certs", "secrets", "--config", config, "-f", filepath.Join(dir, "app.yaml")},
	})
	asked := regexp.MustCompile(`Secret echo-tykmesh in [^\n]* for ([a-z0-9.-]+(?:, [a-z0-9.-]+)*)`).FindStringSubmatch(stderr.String())
	if status != exit.Usage || asked == nil {
		t.Fatalf("exit status %d:\n%s", status, stderr.String())
	}

	want, got := strings.Split(asked[1], ", "), slices.Clone(pair.Leaf.DNSNames)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Errorf("the certificate of one's own is for %q, and certs secrets asks for %q", got, want)
	}
}

// A mesh moves from one mode to the other with --reinject: the output is that of inject on the
// original, in both directions.
func TestModesChange(t *testing.T) {
	files := map[string]string{
		"app.yaml": readSample(t, "echo-and-sleep.yaml"), "standalone.yaml": readSample(t, "standalone/plain.yaml"), "dashboard.yaml": configOf(t, configInit),
	}
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	injected := func(flags string) string {
		var stdout, stderr strings.Builder
		args := append(strings.Fields("inject -n default -q"), strings.Fields(flags)...)
		if status := run(t.Context(), process{name: "tykmesh", args: args, stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr}); status != exit.Done {
			t.Fatalf("%s: exit status %d\n%s", flags, status, stderr.String())
		}
		return stdout.String()
	}

	const dashboard, standalone = " --config dashboard.yaml --local mesh", " --config standalone.yaml"
	first := map[string]string{dashboard: injected("-f app.yaml" + dashboard), standalone: injected("-f app.yaml" + standalone)}
	if first[dashboard] == first[standalone] {
		t.Fatal("both modes give the same")
	}

	for from, to := range map[string]string{dashboard: standalone, standalone: dashboard} {
		if err := os.WriteFile("meshed.yaml", []byte(first[from]), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := injected("--reinject -f meshed.yaml" + to); got != first[to] {
			t.Errorf("reinjected with%s, the manifests are\n%s", to, got)
		}
	}
}
