package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// In all the life of a mesh no secret gets to where it does not belong: not into anything that the
// program says, not into MongoDB, not into a request but for the upload of a certificate, not into
// a file that others can read. Secrets are all private keys that ever were, CFSSL's key, the
// Dashboard's and what is secret in the connection string; all of them stand in the configuration.
func TestSecretsStayWhereTheyBelong(t *testing.T) {
	t.Parallel()
	m := newSecretMesh(t)
	defer m.close()
	stream := []string{"-f", samples + "/echo-and-sleep.yaml"}
	all := func(args ...string) []string { return append(args, stream...) }

	m.run(3, all("diff", "-v")...)
	m.run(0, all("inject", "-v", "--report", "json")...)
	m.run(0, "check", "-v", "-o", "json")
	m.run(0, "status", "-v")
	m.run(0, "certs", "list", "-v", "-o", "json")
	m.run(0, "certs", "renew", "-v", "default/echo", "mesh")
	for step, more := range [][]string{{"--root"}, nil, nil} {
		m.run(0, append([]string{"ca", "rotate", "-v", "--dir", m.dir, "--step", fmt.Sprint(step + 1)}, more...)...)
		m.run(0, "ca", "rotate", "--dir", m.dir)
		m.serveCFSSL()
		m.run(0, "certs", "renew", "-v")
		m.run(0, all("inject", "-v")...)
	}

	m.run(0, "certs", "prune", "-v", "--yes")

	m.misconfigured()
	m.failing()
	m.run(0, all("delete", "-v", "--yes")...)
	if m.runs < 40 || len(m.secrets) < 40 || m.heard < 50 {
		t.Errorf("%d runs, %d secrets and %d requests are too few to prove anything", m.runs, len(m.secrets), m.heard)
	}
}

// anyFailure is an exit status for run: any but 0.
const anyFailure = -1

// secretMesh is a mesh whose servers are listened to.
type secretMesh struct {
	*cluster
	t      *testing.T
	dir    string // of the CA
	config string // a file
	runs   int

	mu    sync.Mutex
	asked []string // by the last run: requests that are no upload of a certificate
	heard int      // how many before
}

func newSecretMesh(t *testing.T) *secretMesh {
	t.Helper()
	m := &secretMesh{cluster: newCluster(t, catest.Mongo(t), "secrets", dashboardtest.Options{}), t: t}
	m.program = buildProgram(t)
	m.dir, m.config = m.file("ca"), m.file("tykmesh.yaml")
	m.run(0, "ca", "init", "--algo", "ecdsa", "--intermediate", "--dir", m.dir)
	m.serveCFSSL()
	m.configure()

	return m
}

// serveCFSSL is what kubectl apply does with the folder's manifests.
func (m *secretMesh) serveCFSSL() {
	m.t.Helper()
	m.cfssl.Close()
	m.cfssl = catest.New(catest.Options{CA: catest.ReadCA(m.read(pki.CertFile), m.read(pki.KeyFile)), Key: m.key()})
	m.configure()
}

func (m *secretMesh) key() string { return strings.TrimSpace(string(m.read(pki.AuthKeyFile))) }

func (m *secretMesh) read(name string) []byte {
	m.t.Helper()
	text, err := os.ReadFile(filepath.Join(m.dir, name))
	if err != nil {
		m.t.Fatal(err)
	}
	return text
}

// configure writes a configuration that holds all secrets itself.
func (m *secretMesh) configure() {
	m.t.Helper()
	text, err := os.ReadFile(samples + "/tykmesh.yaml")
	if err != nil {
		m.t.Fatal(err)
	}

	certificates := fmt.Sprintf("  certPath: %s\n  bundlePath: %s\n", filepath.Join("ca", pki.ChainFile), filepath.Join("ca", pki.BundleFile))
	whole := strings.NewReplacer(
		"http://dashboard.tyk:3000\n  secret: env:TYK_DASHBOARD_KEY", m.listen(m.dashboard.URL)+"\n  secret: "+plantedDashboardKey,
		"addr: http://cfssl.tyk:8888", "addr: "+m.listen(m.cfssl.URL),
		"key: env:CFSSL_KEY", "key: "+m.key()+"\n  mongoConnStr: "+m.ledger.uri+"?appName="+plantedMongoPassword+"\n"+certificates,
	).Replace(string(text))
	if err := os.WriteFile(m.config, []byte(whole), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

// listen stands before a server and keeps what it is asked.
func (m *secretMesh) listen(server string) (address string) {
	m.t.Helper()
	target, err := url.Parse(server)
	if err != nil {
		m.t.Fatal(err)
	}

	proxy := httputil.NewSingleHostReverseProxy(target)
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		m.hear(r, body)
		proxy.ServeHTTP(w, r)
	}))

	m.t.Cleanup(between.Close)

	return between.URL
}

// hear keeps a request: its address and body, and its head without the Dashboard's key where that
// belongs.
func (m *secretMesh) hear(r *http.Request, body []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r.Method == http.MethodPost && r.URL.Path == "/api/certs" {
		m.learnKeys("an upload", body)
		return
	}

	head := r.Header.Clone()
	head.Del("Authorization")
	var signed struct{ Request []byte } // CFSSL's authsign: JSON in base64
	_ = json.Unmarshal(body, &signed)
	m.asked = append(m.asked, fmt.Sprint(r.Method, " ", r.URL, " ", head, "\n", string(body), "\n", string(signed.Request)))
}

// run runs the program, which must end with a status, and looks for secrets wherever it left
// something.
func (m *secretMesh) run(status int, args ...string) {
	m.t.Helper()
	m.runWith(nil, status, args...)
}

func (m *secretMesh) runWith(environ []string, status int, args ...string) {
	m.t.Helper()
	m.runs++
	r := &running{Cmd: exec.Command(m.program, args...)}
	r.Env, r.Stdout, r.Stderr = slices.Concat(environ, []string{"TYKMESH_CONFIG=" + m.config}), &r.out, &r.report
	r.failed = r.Start()
	o := r.wait()

	name := "tykmesh " + strings.Join(args, " ")
	if o.status != status && (o.status == 0 || status != anyFailure) {
		m.t.Errorf("%s: exit status %d, want %d\n%s", name, o.status, status, o.stderr)
	}

	m.mu.Lock()
	defer m.mu.Unlock()
	m.search(name+": what it says", o.stdout+o.stderr)
	m.search(name+": its arguments", strings.Join(args, " "))
	for _, request := range m.asked {
		m.search(name+": a request", request)
	}

	m.heard, m.asked = m.heard+len(m.asked), nil
	m.searchDocuments(name)
	m.searchFiles(name)
}

func (m *secretMesh) search(where, text string) {
	m.t.Helper()
	if what := m.secretIn(text); what != "" {
		m.t.Errorf("%s: %s in:\n%s", where, what, text)
	}
}

// searchDocuments looks at all that MongoDB holds, as it is there.
func (m *secretMesh) searchDocuments(after string) {
	m.t.Helper()
	documents, err := m.documents()
	if err != nil {
		m.t.Fatal(err)
	}

	for _, d := range documents {
		raw, err := bson.Marshal(d)
		if err != nil {
			m.t.Fatal(err)
		}
		m.search(fmt.Sprintf("%s: the record %v", after, lookUp(d, "_id")), string(raw))
	}
}

// searchFiles looks at the files of the CA that others can read.
func (m *secretMesh) searchFiles(after string) {
	m.t.Helper()
	err := filepath.WalkDir(m.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil || info.Mode() == 0o600 {
			return err
		}
		text, err := os.ReadFile(path)
		m.search(after+": "+path, string(text))

		return err
	})

	if err != nil {
		m.t.Fatal(err)
	}
}

// misconfigured are errors in the very lines that hold secrets.
func (m *secretMesh) misconfigured() {
	m.t.Helper()
	good, err := os.ReadFile(m.config)
	if err != nil {
		m.t.Fatal(err)
	}

	key := "key: " + m.key()
	for _, change := range [][2]string{
		{key, key + "0"},
		{key, key + "xy"},
		{key, "key: [" + m.key() + "]"},
		{key, "key: {a: " + m.key() + "}"},
		{key, "key: \"" + m.key()},
		{key, "kee: " + m.key()},
		{key, key + "\n  " + key},
		{"  " + key, " \t" + key},
		{"mongoConnStr: mongodb://", "mongoConnStr: mongodb:/"},
		{"mongoConnStr: mongodb://", "mongoConnStr: mongodb://tykmesh:" + plantedMongoPassword + "@[::"},
		{"mongoConnStr: mongodb://", "mongoConnStr: mongodb://tykmesh:" + plantedMongoPassword + "%zz@"},
		{"mongoConnStr: mongodb://", "mongoConnString: mongodb://"},
		{"addr: http://", "addr: http://tykmesh:" + plantedMongoPassword + "@"},
		{"secret: " + plantedDashboardKey, "secret: [" + plantedDashboardKey},
		{"secret: " + plantedDashboardKey, "secret: {" + plantedDashboardKey + ": 1}"},
		{"secret: " + plantedDashboardKey, "secrt: " + plantedDashboardKey},
	} {
		bad := strings.Replace(string(good), change[0], change[1], 1)
		if bad == string(good) {
			m.t.Fatalf("nothing changes: %q", change)
		}

		if err := os.WriteFile(m.config, []byte(bad), 0o600); err != nil {
			m.t.Fatal(err)
		}

		status := 2
		if strings.HasPrefix(change[1], "mongoConnStr: mongodb://") {
			status = 1 // it is the driver that knows
		}

		m.run(status, "inject", "-v", "-f", samples+"/echo.yaml")
		m.run(3, "check", "-v")
	}

	if err := os.WriteFile(m.config, good, 0o600); err != nil {
		m.t.Fatal(err)
	}
}

// failing are servers that refuse, break off, or repeat what they were told.
func (m *secretMesh) failing() {
	m.t.Helper()
	inject := []string{"inject", "-v", "-f", m.file("third.yaml")}
	repeated := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if i := bytes.Index(body, []byte("-----BEGIN PRIVATE KEY-----")); i >= 0 {
			body = body[i:]
		}
		dashboardtest.Refusal(http.StatusBadRequest, fmt.Sprintf("not understood: %s %s", r.Header.Get("Authorization"), body))(w, r)
	}

	m.runWith([]string{"TYKMESH_CA_KEY=" + plantedCFSSLKey}, 4, inject...)
	m.runWith([]string{"TYKMESH_TYK_SECRET=another-" + plantedDashboardKey}, 4, inject...)
	m.cfssl.Fail(catest.Fault{Endpoint: catest.Authsign, Nth: 1, Status: http.StatusInternalServerError, Body: "no"})
	m.run(1, inject...)
	m.ledger.fail(commandFault{nth: 2, refused: true})
	m.run(5, inject...)
	m.ledger.fail(commandFault{})
	for _, path := range []string{"/api/certs", "/api/apis"} {
		for _, answer := range []http.HandlerFunc{repeated, dashboardtest.Refusal(http.StatusInternalServerError, "no")} {
			m.dashboard.Fail(dashboardtest.Fault{Method: http.MethodPost, Path: path, Times: -1, Answer: answer})
			m.run(anyFailure, inject...)
			m.dashboard.Heal()
		}
	}

	nobody := "TYKMESH_CA_MONGOCONNSTR=mongodb://tykmesh:" + plantedMongoPassword + "@127.0.0.1:1/tykmesh?serverSelectionTimeoutMS=300"
	m.runWith([]string{nobody}, 1, inject...)
	m.runWith([]string{nobody}, 3, "check", "-v")
	m.run(0, inject...)
}
