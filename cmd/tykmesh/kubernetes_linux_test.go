package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// kubernetes is a control plane without kubelets: what it takes becomes Pods, which pass all that
// the API server asks of them and then stay Pending.
type kubernetes struct {
	tools   string // the folder of kubectl
	program string // the file of ours
	server  string // address
	data    string // a folder; holds the certificate of the server
	token   string // of an administrator

	nodePort atomic.Int32 // how many ports of nodes Services have been given
}

// kubernetesModule pins Kubernetes and what it is made of; no code of it is ours.
const kubernetesModule = root + "/testdata/cluster"

var kubernetesVersion = regexp.MustCompile(`(?m)^\tk8s\.io/kubernetes (v1\.(\d+)\.\d+)`)

// kubernetesTools are what kubernetesModule calls its tools.
var kubernetesTools = []string{"kube-apiserver", "kube-controller-manager", "kubectl"}

// startKubernetes runs etcd, the API server and the controllers that make Pods, on the loopback
// interface alone and until the test ends.
func startKubernetes(t *testing.T) *kubernetes {
	t.Helper()
	begun := time.Now()
	etcd, tools := fetchEtcd(t), buildKubernetes(t)
	t.Logf("etcd, Kubernetes and kubectl were there after %v", time.Since(begun).Round(time.Second))

	port := freePorts(t, 3)
	k := &kubernetes{tools: tools, program: buildProgram(t), server: "https://127.0.0.1:" + port[2], data: t.TempDir(), token: rand.Text()}
	file := func(name string) string { return filepath.Join(k.data, name) }
	writeSecret(t, file("tokens"), k.token+",administrator,administrator,system:masters\n")
	writeSecret(t, file("kubeconfig"), k.kubeconfig("default"))
	writeSecret(t, file("accounts.pem"), accountKey(t))

	begun = time.Now()
	client, peer := "http://127.0.0.1:"+port[0], "http://127.0.0.1:"+port[1]
	serve(t, file("etcd.log"), etcd, "--data-dir="+file("etcd"), "--initial-cluster=default="+peer, "--initial-advertise-peer-urls="+peer,
		"--listen-client-urls="+client, "--advertise-client-urls="+client, "--listen-peer-urls="+peer)
	api := serve(t, file("apiserver.log"), filepath.Join(tools, "kube-apiserver"), "--etcd-servers="+client, "--cert-dir="+k.data,
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port="+port[2], "--service-cluster-ip-range=10.0.0.0/24",
		"--endpoint-reconciler-type=none", "--authorization-mode=RBAC", "--token-auth-file="+file("tokens"),
		"--allow-privileged=true", // as clusters have it; it is Pod Security that says no
		// Nobody makes accounts for Pods, because nobody runs them.
		"--disable-admission-plugins=ServiceAccount", "--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+file("accounts.pem"), "--service-account-signing-key-file="+file("accounts.pem"))

	k.ready(t, api, file("apiserver.log"))
	serve(t, file("controllers.log"), filepath.Join(tools, "kube-controller-manager"), "--kubeconfig="+file("kubeconfig"), "--leader-elect=false",
		"--secure-port=0", "--controllers=deployment-controller,replicaset-controller,statefulset-controller,daemonset-controller,job-controller,cronjob-controller")
	k.addNode(t)
	t.Logf("the API server was ready after %v", time.Since(begun).Round(100*time.Millisecond))

	return k
}

// ready returns when the API server answers.
func (k *kubernetes) ready(t *testing.T, ended <-chan struct{}, log string) {
	t.Helper()
	for {
		ask := exec.CommandContext(t.Context(), filepath.Join(k.tools, "kubectl"), "get", "--raw", "/readyz")
		ask.Env = []string{"HOME=" + k.data, "KUBECONFIG=" + filepath.Join(k.data, "kubeconfig")}
		if ask.Run() == nil {
			return
		}

		select {
		case <-ended:
			text, _ := os.ReadFile(log)
			t.Fatalf("the API server ended:\n%s", text[max(0, len(text)-4000):])
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// addNode gives the cluster the name of a node, for which DaemonSets have Pods. Nobody is there to
// run them.
func (k *kubernetes) addNode(t *testing.T) {
	t.Helper()
	writeSecret(t, filepath.Join(k.data, "node.yaml"), "apiVersion: v1\nkind: Node\nmetadata:\n  name: node\n")
	for _, args := range [][]string{{"create", "-f", "node.yaml"}, {"taint", "node", "node", "node.kubernetes.io/not-ready-"}} {
		cmd := exec.CommandContext(t.Context(), filepath.Join(k.tools, "kubectl"), args...)
		cmd.Dir, cmd.Env = k.data, []string{"HOME=" + k.data, "KUBECONFIG=" + filepath.Join(k.data, "kubeconfig")}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("kubectl %v: %v\n%s", args, err, out)
		}
	}
}

// kubeconfig leads an administrator to a namespace.
func (k *kubernetes) kubeconfig(namespace string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: administrator, namespace: %q}}]
clusters: [{name: test, cluster: {server: %q, certificate-authority: %q}}]
users: [{name: administrator, user: {token: %q}}]
`, namespace, k.server, filepath.Join(k.data, "apiserver.crt"), k.token)
}

// buildKubernetes builds the tools of kubernetesModule into the user's cache, once for each
// version, and returns their folder.
func buildKubernetes(tb testing.TB) string {
	tb.Helper()
	sum, version := sha256.New(), [][]byte(nil)
	fmt.Fprintln(sum, runtime.Version(), runtime.GOARCH)
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(kubernetesModule, name))
		if err != nil {
			tb.Fatal(err)
		}

		sum.Write(text)
		if name == "go.mod" {
			version = kubernetesVersion.FindSubmatch(text)
		}
	}

	if version == nil {
		tb.Fatalf("%s/go.mod does not say which Kubernetes", kubernetesModule)
	}

	return cached(tb, fmt.Sprintf("kubernetes-%s-%x", version[1], sum.Sum(nil)[:6]), func(folder string) {
		const set = "-X k8s.io/component-base/version."
		flags := fmt.Sprintf("-s -w %sgitVersion=%s %sgitMajor=1 %sgitMinor=%s", set, version[1], set, set, version[2])

		args := []string{"build", "-C", kubernetesModule, "-ldflags", flags, "-o", folder + "/"}
		for _, tool := range kubernetesTools {
			args = append(args, "k8s.io/kubernetes/cmd/"+tool)
		}

		cmd := exec.CommandContext(tb.Context(), "go", args...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=readonly -trimpath -buildvcs=false")
		if out, err := cmd.CombinedOutput(); err != nil {
			tb.Fatalf("building Kubernetes: %v\n%s", err, out)
		}
	})
}

// fetchEtcd unpacks Debian's etcd into the user's cache, once, and returns the program.
func fetchEtcd(t *testing.T) string {
	t.Helper()
	return filepath.Join(cached(t, "etcd", func(folder string) {
		cmd := exec.CommandContext(t.Context(), "sh", "-ec", "apt-get download etcd-server && dpkg -x etcd-server_*.deb .")
		cmd.Dir = folder
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("getting etcd from Debian: %v\n%s\n`apt-get update`, as root, gets the lists that a bare machine lacks", err, out)
		}
	}), "usr", "bin", "etcd")
}

// cached returns a folder in the user's cache that is filled once: it appears complete or not at
// all.
func cached(tb testing.TB, name string, fill func(folder string)) string {
	tb.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		tb.Fatal(err)
	}

	folder := filepath.Join(cache, "tykmesh-test", name)
	if _, err := os.Stat(folder); err == nil {
		return folder
	}

	temp := fmt.Sprintf("%s.%d", folder, os.Getpid())
	if err := os.MkdirAll(temp, 0o755); err != nil {
		tb.Fatal(err)
	}

	defer os.RemoveAll(temp)
	fill(temp)
	if err := os.Rename(temp, folder); err != nil {
		tb.Fatal(err)
	}

	return folder
}

// serve runs a server until the test ends, or is killed: then the kernel kills it.
func serve(t *testing.T, log, program string, args ...string) (ended <-chan struct{}) {
	t.Helper()
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}

	defer out.Close()
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Dir = filepath.Dir(log)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}

	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		select {
		case <-gone:
			text, _ := os.ReadFile(log)
			t.Errorf("%s ended before the test:\n%s", filepath.Base(program), text[max(0, len(text)-4000):])
		default:
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // nobody wants its data
			<-gone
		}
	})

	return gone
}

// freePorts are ports that nobody listened at when they were chosen.
func freePorts(t *testing.T, n int) []string {
	t.Helper()
	var ports []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // not before all are chosen
		_, port, _ := net.SplitHostPort(l.Addr().String())
		ports = append(ports, port)
	}

	return ports
}

// accountKey returns a key for the tokens of service accounts, which the API server does not start
// without.
func accountKey(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}

	der, err := x509.MarshalECPrivateKey(key) // it does not read PKCS#8
	if err != nil {
		t.Fatal(err)
	}

	return string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
}

func writeSecret(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
