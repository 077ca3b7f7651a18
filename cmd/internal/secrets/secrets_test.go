package secrets_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/cmd/internal/secrets"
	"github.com/tykmesh/tykmesh/inject"
)

// world has a CA, a token key and a ledger, and a clock that tests move.
type world struct {
	t        *testing.T
	signer   ca.Signer
	cert     *x509.Certificate
	key      *ca.TokenKey
	public   []byte
	ledger   *ca.FileLedger
	now      time.Time
	fails    string // a host that is not signed
	progress []int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Now()}
	w.newCA()
	w.newTokenKey()

	var err error
	if w.ledger, err = ca.OpenFileLedger(t.Context(), filepath.Join(t.TempDir(), "ledger.db")); err != nil {
		t.Fatal(err)
	}

	return w
}

// newCA has another CA sign from now on.
func (w *world) newCA() {
	w.t.Helper()
	dir, authority := w.t.TempDir(), catest.NewCAFor("mesh", w.now.Add(-time.Hour), w.now.Add(20*365*24*time.Hour))
	certPath, keyPath := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "key.pem")
	if err := errors.Join(os.WriteFile(certPath, authority.PEM(), 0o600), os.WriteFile(keyPath, authority.KeyPEM(), 0o600)); err != nil {
		w.t.Fatal(err)
	}

	signer, err := ca.Open(ca.Config{CertPath: certPath, KeyPath: keyPath, Now: w.clock})
	if err != nil {
		w.t.Fatal(err)
	}

	chain, err := signer.Chain(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}

	w.signer, w.cert = signer, chain[0]
}

func (w *world) newTokenKey() {
	w.t.Helper()
	dir := w.t.TempDir()
	_, err := ca.CreateTokenKey(dir, func() error { return nil })
	if err == nil {
		w.key, err = ca.ReadTokenKey(filepath.Join(dir, ca.TokenKeyFile))
	}
	if err == nil {
		w.public, err = w.key.Public()
	}

	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) clock() time.Time { return w.now }

func (w *world) issue(ctx context.Context, hosts []string) (ca.Bundle, error) {
	if w.fails != "" && hosts[0] == w.fails {
		return ca.Bundle{}, errors.New("planned")
	}
	return ca.Issue(ctx, w.signer, ca.Request{Hosts: hosts, Now: w.clock})
}

func (w *world) terms() secrets.Terms {
	return secrets.Terms{Certificate: &ca.Terms{CA: w.cert, Now: w.now}, Token: &ca.Terms{Now: w.now}, TokenKey: w.public, HasLedger: true}
}

func (w *world) records() []ca.Record {
	w.t.Helper()
	records, err := w.ledger.Records(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return records
}

// due returns the Secrets that are due, as "kind app".
func (w *world) due(identities []secrets.Identity) (due []secrets.Due, names []string) {
	w.t.Helper()
	due, kept := w.terms().Due(identities, w.records(), secrets.Stored{})
	if len(due)+kept != 2*len(identities) {
		w.t.Fatalf("%d due and %d kept of %d services", len(due), kept, len(identities))
	}
	for _, d := range due {
		names = append(names, fmt.Sprintf("%s %s", d.Kind, d.App))
	}

	return due, names
}

// run does what certs secrets does, up to a point: it makes, prints and records.
func (w *world) run(identities []secrets.Identity) (text string, err error) {
	w.t.Helper()
	due, _ := w.due(identities)
	w.progress = nil

	maker := secrets.Maker{Issue: w.issue, TokenKey: w.key, Parallel: 3, Now: w.clock, Progress: func(made, total int) {
		if total != len(due) {
			w.t.Errorf("%d of %d", made, total)
		}
		w.progress = append(w.progress, made)
	}}

	made, err := maker.Make(w.t.Context(), due, w.records(), secrets.Stored{})
	if err != nil {
		return "", err
	}

	var b strings.Builder
	if err := secrets.Write(&b, made); err != nil {
		return "", err
	}

	return b.String(), secrets.Record(w.t.Context(), w.ledger, made)
}

// decode returns the Secrets of a text by namespace/name, strictly decoded.
func decode(t *testing.T, text string) map[string]corev1.Secret {
	t.Helper()
	all := make(map[string]corev1.Secret)
	for _, document := range strings.Split(text, "---\n") {
		if document == "" {
			continue
		}
		var s corev1.Secret
		if err := yaml.UnmarshalStrict([]byte(document), &s); err != nil {
			t.Fatalf("%v:\n%s", err, document)
		}
		all[s.Namespace+"/"+s.Name] = s
	}

	return all
}

func service(namespace, app string, more ...string) secrets.Identity {
	return secrets.NewIdentity(inject.Service{Namespace: namespace, App: app}, append([]string{"a." + namespace + ".svc", app + "." + namespace + ".svc", "mesh"}, more...))
}

// After a run nothing is due, and what changed since then is due alone: hosts, the CA, the token
// key, the time. A random life of a mesh keeps that.
func TestWhatIsDue(t *testing.T) {
	w := newWorld(t)
	mesh := []secrets.Identity{service("shop", "echo"), service("shop", "sleep"), service("1", "echo"), service("true", "n")}
	for round := range 12 {
		text, err := w.run(mesh)
		if err != nil {
			t.Fatal(err)
		}
		if _, names := w.due(mesh); len(names) > 0 {
			t.Fatalf("due after a run: %v", names)
		}
		if round == 0 && len(decode(t, text)) != 8 {
			t.Fatalf("printed:\n%s", text)
		}

		var want []string
		switch i := rand.IntN(len(mesh)); rand.IntN(5) {
		case 0:
			mesh[i] = service(mesh[i].Namespace, mesh[i].App, fmt.Sprintf("new-%d.shop.svc", round))
			want = []string{"certificate " + mesh[i].App}
		case 1:
			w.newCA()
			for _, id := range mesh {
				want = append(want, "certificate "+id.App)
			}

		case 2:
			w.newTokenKey()
			for _, id := range mesh {
				want = append(want, "token "+id.App)
			}

		case 3: // nothing
		default:
			w.now = w.now.Add(250 * 24 * time.Hour)
			for _, id := range mesh {
				want = append(want, "certificate "+id.App, "token "+id.App)
			}
			w.newCA() // which lives on
		}

		if _, got := w.due(mesh); !slices.Equal(got, want) {
			t.Fatalf("round %d: due are %v, want %v", round, got, want)
		}
	}
}

// Certificates and tokens are due when a third of their life is left, and not before.
func TestAThirdIsLeft(t *testing.T) {
	w := newWorld(t)
	mesh := []secrets.Identity{service("shop", "echo")}
	if _, err := w.run(mesh); err != nil {
		t.Fatal(err)
	}

	begin := w.now
	for _, r := range w.records() {
		third := r.Expires.Sub(r.NotBefore) / 3
		if life := 3 * third; life.Round(24*time.Hour) != 365*24*time.Hour {
			t.Errorf("%s lives for %v", r.ID, life)
		}

		w.now = r.Expires.Add(-third - time.Minute)
		if _, got := w.due(mesh); slices.Contains(got, strings.ReplaceAll(r.Role, ca.RoleWorkload, "certificate")+" echo") {
			t.Errorf("%s is due a minute before", r.ID)
		}

		w.now = r.Expires.Add(-third + time.Minute)
		if _, got := w.due(mesh); !slices.Contains(got, strings.ReplaceAll(r.Role, ca.RoleWorkload, "certificate")+" echo") {
			t.Errorf("%s is not due a minute after", r.ID)
		}

		w.now = begin
	}
}

// If one Secret cannot be made, none is: the error names all that failed, in order.
func TestAllOrNothing(t *testing.T) {
	w := newWorld(t)
	mesh := []secrets.Identity{service("shop", "echo"), service("shop", "sleep"), service("shop", "web")}
	w.fails = "sleep.shop.svc"
	text, err := w.run(mesh)
	if err == nil || err.Error() != "issuing certificate sleep.shop: planned" || text != "" || len(w.records()) != 0 {
		t.Errorf("%v, with %d records and\n%s", err, len(w.records()), text)
	}

	w.fails = ""
	if _, err := w.run(mesh); err != nil || !slices.Equal(w.progress, []int{1, 2, 3, 4, 5, 6}) {
		t.Error(err, w.progress)
	}
}

// Another run that records first does no harm: both Secrets are valid, and the first record stays.
func TestRunsAtOnce(t *testing.T) {
	w := newWorld(t)
	mesh := []secrets.Identity{service("shop", "echo")}
	for range 2 {
		due, _ := w.due(mesh)
		maker := secrets.Maker{Issue: w.issue, TokenKey: w.key, Now: w.clock}
		one, err := maker.Make(t.Context(), due, nil, secrets.Stored{})
		if err != nil {
			t.Fatal(err)
		}

		other, err := maker.Make(t.Context(), due, nil, secrets.Stored{})
		if err != nil {
			t.Fatal(err)
		}

		if err := errors.Join(secrets.Record(t.Context(), w.ledger, one), secrets.Record(t.Context(), w.ledger, other)); err != nil {
			t.Fatal(err)
		}

		if _, names := w.due(mesh); len(names) > 0 {
			t.Errorf("due: %v", names)
		}

		if n := len(w.records()); n != 2 {
			t.Errorf("%d records", n)
		}

		w.now = w.now.Add(300 * 24 * time.Hour)
		w.newCA()
	}
}

// Tokens live as long as the certificates of their services, whether those are new, recorded, or
// issued elsewhere.
func TestTokensLiveAsCertificates(t *testing.T) {
	w := newWorld(t)
	mesh := []secrets.Identity{service("shop", "echo")}
	lives := func() (certificate, token time.Duration) {
		for _, r := range w.records() {
			if r.Role == ca.RoleToken {
				token = r.Expires.Sub(r.NotBefore)
			} else {
				certificate = r.Expires.Sub(r.NotBefore)
			}
		}
		return certificate.Round(time.Minute), token.Round(time.Minute)
	}
	for range 2 {
		if _, err := w.run(mesh); err != nil {
			t.Fatal(err)
		}
		if certificate, token := lives(); certificate != token || token == 0 {
			t.Errorf("%v and %v", certificate, token)
		}
		w.newTokenKey() // the certificate stays
	}

	terms := w.terms()
	terms.Certificate = nil
	due, kept := terms.Due([]secrets.Identity{service("shop", "late")}, w.records(), secrets.Stored{})
	made, err := secrets.Maker{TokenKey: w.key, Now: w.clock}.Make(t.Context(), due, w.records(), secrets.Stored{})
	if err != nil || len(made) != 1 || kept != 0 {
		t.Fatal(len(made), kept, err)
	}

	if err := secrets.Record(t.Context(), w.ledger, made); err != nil {
		t.Fatal(err)
	}

	for _, r := range w.records() {
		if r.App == "late" && r.Expires.Sub(r.NotBefore) != ca.TokenLife {
			t.Errorf("%v", r.Expires.Sub(r.NotBefore))
		}
	}
}

// A certificate can be both ends of a call, its own name is its common name, and its key is first.
func TestContent(t *testing.T) {
	w := newWorld(t)
	text, err := w.run([]secrets.Identity{service("shop", "echo")})
	if err != nil {
		t.Fatal(err)
	}

	all := decode(t, text)
	content := all["shop/echo-tykmesh"].Data["tls.pem"]
	key, rest := pem.Decode(content)
	certificate, rest := pem.Decode(rest)
	authority, rest := pem.Decode(rest)
	if key.Type != "PRIVATE KEY" || certificate.Type != "CERTIFICATE" || authority.Type != "CERTIFICATE" || len(rest) > 0 {
		t.Fatalf("%s", content)
	}

	leaf, err := x509.ParseCertificate(certificate.Bytes)
	if err != nil {
		t.Fatal(err)
	}

	roots := x509.NewCertPool()
	roots.AddCert(w.cert)
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "mesh", KeyUsages: []x509.ExtKeyUsage{usage}}); err != nil {
			t.Error(err)
		}
	}

	if leaf.Subject.CommonName != "echo.shop.svc" {
		t.Errorf("common name %s", leaf.Subject.CommonName)
	}

	if token := all["shop/echo-tykmesh-token"].Data["token"]; strings.Count(string(token), ".") != 2 || strings.TrimSpace(string(token)) != string(token) {
		t.Errorf("token %q", token)
	}
}
