package ca_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudflare/cfssl/config"
	"github.com/cloudflare/cfssl/csr"
	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/catest"
)

// newCFSSL starts a CFSSL and returns it with a client.
func newCFSSL(t testing.TB, o catest.Options) (*catest.Server, *ca.Client) {
	t.Helper()
	server := catest.New(o)
	t.Cleanup(server.Close)
	return server, newClient(t, ca.Config{Addr: server.URL, Key: catest.Key})
}

func newClient(t testing.TB, c ca.Config) *ca.Client {
	t.Helper()
	client, err := ca.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func newLocal(t testing.TB, dir string) *ca.Local {
	t.Helper()
	local, err := ca.OpenLocal(dir, []csr.Name{{O: "tykmesh tests"}})
	if err != nil {
		t.Fatal(err)
	}
	return local
}

// eachSigner runs a test with CFSSL and with a key on disk.
func eachSigner(t *testing.T, test func(*testing.T, ca.Signer)) {
	t.Run("cfssl", func(t *testing.T) {
		_, client := newCFSSL(t, catest.Options{})
		test(t, client)
	})
	t.Run("local", func(t *testing.T) { test(t, newLocal(t, t.TempDir())) })
}

// Issue returns a certificate that verifies against the CA for each host, for servers and clients,
// and for no other host; with its key.
func TestIssuedCertificatesVerify(t *testing.T) {
	hosts := []string{"mesh", "mesh.local", "localhost"}
	eachSigner(t, func(t *testing.T, s ca.Signer) {
		for _, key := range []ca.KeyRequest{{}, {Algo: ca.ECDSA, Size: 384}, {Algo: ca.RSA, Size: 2048}} {
			b, err := ca.Issue(t.Context(), s, ca.Request{Hosts: hosts, Names: []csr.Name{{O: "Mesh", C: "GB"}}, Key: key})
			if err != nil {
				t.Fatalf("%v: %v", key, err)
			}

			roots := x509.NewCertPool()
			if !roots.AppendCertsFromPEM(b.Chain) {
				t.Fatal("the chain is not a certificate")
			}

			for _, host := range hosts {
				for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
					options := x509.VerifyOptions{DNSName: host, Roots: roots, KeyUsages: []x509.ExtKeyUsage{usage}}
					if _, err := b.Leaf.Verify(options); err != nil {
						t.Errorf("%v: %s: %v", key, host, err)
					}
				}
			}

			if diff := cmp.Diff(hosts, b.Leaf.DNSNames); diff != "" {
				t.Errorf("%v: hosts (-want +got):\n%s", key, diff)
			}

			if got := b.Leaf.Subject.String(); got != "CN=mesh,O=Mesh,C=GB" {
				t.Errorf("%v: the subject is %s", key, got)
			}

			if _, err := tls.X509KeyPair(b.PEM(), b.PEM()); err != nil {
				t.Errorf("%v: what is uploaded is no key pair: %v", key, err)
			}
		}
	})
}

// TestLongNames: a service and its namespace may have 63 bytes each, which is too long for a common
// name. The certificate names the host nevertheless.
func TestLongNames(t *testing.T) {
	app, namespace := "a"+strings.Repeat("b", 62), strings.Repeat("n", 63)
	eachSigner(t, func(t *testing.T, s ca.Signer) {
		for host, want := range map[string]string{
			app[:56] + ".default":   "CN=" + app[:56] + ".default,O=Mesh", // 64 bytes
			app[:57] + ".default":   "CN=" + app[:57] + ",O=Mesh",
			app + "." + namespace:   "CN=" + app + ",O=Mesh",
			"a." + namespace + ".b": "CN=a,O=Mesh",
		} {
			b, err := ca.Issue(t.Context(), s, ca.Request{Hosts: []string{host}, Names: []csr.Name{{O: "Mesh"}}})
			if err != nil {
				t.Errorf("%s: %v", host, err)
				continue
			}

			if got := b.Leaf.Subject.String(); got != want {
				t.Errorf("%s: the subject is %s, want %s", host, got, want)
			}

			roots := x509.NewCertPool()
			roots.AppendCertsFromPEM(b.Chain)
			if _, err := b.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: roots}); err != nil {
				t.Errorf("%s: %v", host, err)
			}
		}
	})
}

// Many certificates can be issued at once with one signer, which requests the CA only once.
func TestConcurrentIssues(t *testing.T) {
	server, client := newCFSSL(t, catest.Options{})
	local := newLocal(t, t.TempDir())
	var wg sync.WaitGroup
	for i := range 16 {
		for _, s := range []ca.Signer{client, local} {
			wg.Go(func() {
				if _, err := ca.Issue(t.Context(), s, ca.Request{Hosts: []string{fmt.Sprintf("app%d.default", i)}}); err != nil {
					t.Error(err)
				}
			})
		}
	}

	wg.Wait()
	if n := len(server.Requests()); n != 17 {
		t.Errorf("16 certificates took %d requests, want 17", n)
	}
}

// One certificate costs one request. The CA costs another, once.
func TestNothingIsAskedTwice(t *testing.T) {
	server, client := newCFSSL(t, catest.Options{})
	for _, host := range []string{"echo.default", "sleep.default"} {
		if _, err := ca.Issue(t.Context(), client, ca.Request{Hosts: []string{host}}); err != nil {
			t.Fatal(err)
		}
	}
	wantRequests(t, server, "info 200", "authsign echo.default 200", "authsign sleep.default 200")
}

func wantRequests(t *testing.T, s *catest.Server, want ...string) {
	t.Helper()
	var got []string
	for _, r := range s.Requests() {
		got = append(got, r.String())
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests to CFSSL (-want +got):\n%s", diff)
	}
}

func TestIssueRefusesBeforeItAsks(t *testing.T) {
	server, client := newCFSSL(t, catest.Options{})
	long := strings.Repeat("a", 63)
	for _, test := range []struct {
		name string
		r    ca.Request
		want string
	}{
		{"no host", ca.Request{}, "at least one host"},
		{"empty host", ca.Request{Hosts: []string{""}}, "not a DNS name"},
		{"address", ca.Request{Hosts: []string{"10.0.0.1"}}, "an IP address"},
		{"wildcard", ca.Request{Hosts: []string{"*.default"}}, "a wildcard"},
		{"two in one", ca.Request{Hosts: []string{"a.default,b.default"}}, "not a DNS name"},
		{"spaces", ca.Request{Hosts: []string{"Dingbat Boobledroog"}}, "not a DNS name"},
		{"underscore", ca.Request{Hosts: []string{"mesh", "a_b"}}, "not a DNS name"},
		{"upper case", ca.Request{Hosts: []string{"Echo.default"}}, "not a DNS name"},
		{"dash first", ca.Request{Hosts: []string{"-echo.default"}}, "not a DNS name"},
		{"dash last", ca.Request{Hosts: []string{"echo-.default"}}, "not a DNS name"},
		{"empty label", ca.Request{Hosts: []string{"echo..default"}}, "not a DNS name"},
		{"final dot", ca.Request{Hosts: []string{"echo.default."}}, "not a DNS name"},
		{"long label", ca.Request{Hosts: []string{"mesh", long + "a.default"}}, "not a DNS name"},
		{"long host", ca.Request{Hosts: []string{"mesh", strings.Repeat("a.", 127) + "a"}}, "not a DNS name"},
		{"weak key", ca.Request{Hosts: []string{"mesh"}, Key: ca.KeyRequest{Algo: ca.RSA, Size: 1024}}, "2048 to 8192"},
		{"endless key", ca.Request{Hosts: []string{"mesh"}, Key: ca.KeyRequest{Algo: ca.RSA, Size: 1 << 20}}, "2048 to 8192"},
		{"curve", ca.Request{Hosts: []string{"mesh"}, Key: ca.KeyRequest{Algo: ca.ECDSA, Size: 224}}, "256, 384 or 521"},
		{"ed25519", ca.Request{Hosts: []string{"mesh"}, Key: ca.KeyRequest{Algo: "ed25519"}}, "gateways cannot read"},
		{"no algorithm", ca.Request{Hosts: []string{"mesh"}, Key: ca.KeyRequest{Algo: "dsa", Size: 2048}}, "rsa or ecdsa"},
	} {
		_, err := ca.Issue(t.Context(), client, test.r)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one with %q", test.name, err, test.want)
		}
	}

	wantRequests(t, server)
}

// CFSSL signs something else than requested: each time there is a reason, and no bundle.
func TestIssueChecksTheAnswer(t *testing.T) {
	past := func() time.Time { return time.Now().Add(-48 * time.Hour) }
	future := func() time.Time { return time.Now().Add(2 * time.Hour) }
	for _, test := range []struct {
		name string
		o    catest.Options
		want string
	}{
		{"another CA", catest.Options{SignWith: catest.NewCA("foreign CA")}, `signed by another CA, not by "catest CA"`},
		{"another CA of the same name", catest.Options{SignWith: catest.NewCA("catest CA")}, `signed by another CA, not by "catest CA"`},
		{"more hosts", catest.Options{SignFor: []string{"echo.default", "evil.default"}}, "hosts echo.default, evil.default -> echo.default"},
		{"other hosts", catest.Options{SignFor: []string{"evil.default"}}, "hosts evil.default -> echo.default"},
		{"an address too", catest.Options{SignFor: []string{"echo.default", "10.0.0.1"}}, "it names more than hosts"},
		{"an e-mail address too", catest.Options{SignFor: []string{"echo.default", "root@echo.default"}}, "it names more than hosts"},
		{"a URI too", catest.Options{SignFor: []string{"echo.default", "spiffe://default/echo"}}, "it names more than hosts"},
		{"expired", catest.Options{Now: past, Expiry: 24 * time.Hour}, "expired on"},
		{"nearly expired", catest.Options{Now: past, Expiry: 50 * time.Hour}, "expires in 2 h"},
		{"a clock that is wrong", catest.Options{Now: future}, "it is not valid yet"},
		{"servers only", catest.Options{Usages: []string{"signing", "server auth"}}, "both server and client"},
		{"the CA profile", catest.Options{Usages: []string{"cert sign"}}, "both server and client"},
		{"and for certificates", allowing("cert sign"), "may sign certificates"},
		{"and for revocation lists", allowing("crl sign"), "may sign certificates or revocation lists"},
		{"and for anything", allowing("any"), "more than server and client"},
		{"and for code", allowing("code signing"), "more than server and client"},
		{"and for OCSP", allowing("ocsp signing"), "more than server and client"},
		{"and for a use that has no name", catest.Options{Forge: func(leaf *x509.Certificate) {
			leaf.UnknownExtKeyUsage = []asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 2, 3, 5}} // Kerberos' domain controllers
		}}, "more than server and client"},
		{"a hundred years", catest.Options{Expiry: 99 * 365 * 24 * time.Hour, CA: catest.NewCAFor("CA", past(), past().AddDate(100, 0, 0))}, "for more than 10 years"},
		{"a little more than ten years", catest.Options{Expiry: 3661 * 24 * time.Hour}, "for more than 10 years"},
		{"backdated", catest.Options{Now: func() time.Time { return time.Now().AddDate(0, 0, -8) }}, "more than a week before"},
		{"a CA's", catest.Options{SignCAs: true}, "the certificate of a CA"},
		{"expired CA", catest.Options{CA: catest.NewCAFor("old CA", past().AddDate(-1, 0, 0), past())}, `the CA "old CA" expired on`},
		{"CA of tomorrow", catest.Options{CA: catest.NewCAFor("new CA", future(), future().AddDate(1, 0, 0))},
			`the CA "new CA" is not valid before`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, client := newCFSSL(t, test.o)
			b, err := ca.Issue(t.Context(), client, ca.Request{Hosts: []string{"echo.default"}})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}

			if b.Leaf != nil || b.Key != nil {
				t.Error("there is a bundle beside the error")
			}
		})
	}
}

// allowing returns the default signing profile with one more usage.
func allowing(usage string) catest.Options {
	return catest.Options{Usages: append(config.DefaultConfig().Usage, usage)}
}

// TestProfiles: certificates of common signing profiles are accepted.
func TestProfiles(t *testing.T) {
	for name, o := range map[string]catest.Options{
		"cfssl's own":            {Usages: config.DefaultConfig().Usage, Expiry: config.DefaultConfig().Expiry},
		"tyk-k8s's":              {Usages: []string{"signing", "key encipherment", "server auth", "client auth"}, Expiry: 8760 * time.Hour},
		"ca init's":              {Usages: ca.LeafUsages(), Expiry: time.Hour},
		"of ten years":           {Expiry: 87600 * time.Hour},
		"with usages to spare":   allowing("data encipherment"),
		"without key usages":     {Usages: []string{"server auth", "client auth"}},
		"backdated by a day":     {Now: func() time.Time { return time.Now().AddDate(0, 0, -1) }},
		"of a CA that ends soon": {CA: catest.NewCAFor("old CA", time.Now().AddDate(-1, 0, 0), time.Now().AddDate(0, 0, 9))},
	} {
		_, client := newCFSSL(t, o)
		if _, err := ca.Issue(t.Context(), client, ca.Request{Hosts: []string{"echo.default"}}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A certificate for a foreign key is refused, whatever its signer.
func TestIssueWantsItsOwnKey(t *testing.T) {
	_, client := newCFSSL(t, catest.Options{})
	other, err := ca.Issue(t.Context(), client, ca.Request{Hosts: []string{"echo.default"}})
	if err != nil {
		t.Fatal(err)
	}

	_, err = ca.Issue(t.Context(), replayed{client, other.Certificate}, ca.Request{Hosts: []string{"echo.default"}})
	if err == nil || !strings.Contains(err.Error(), "for another key") {
		t.Errorf("error %v", err)
	}
}

// replayed answers every request with the same certificate.
type replayed struct {
	ca.Signer
	leaf []byte
}

func (r replayed) Sign(context.Context, []string, []byte) ([]byte, error) { return r.leaf, nil }

// A pinned CA wins over the one in CFSSL's info.
func TestPinnedAuthority(t *testing.T) {
	server := catest.New(catest.Options{})
	t.Cleanup(server.Close)

	dir := t.TempDir()
	files := map[string]struct {
		text []byte
		want string // of New, or of Issue
	}{
		"right.pem":   {server.CA.PEM(), ""},
		"foreign.pem": {catest.NewCA("foreign CA").PEM(), `signed by another CA, not by "foreign CA"`},
		"expired.pem": {catest.NewCAFor("old CA", time.Unix(0, 0), time.Unix(1, 0)).PEM(), "expired on 1970-01-01"},
		"garbage.pem": {[]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "garbage.pem"},
		"empty.pem":   {nil, "no certificate in PEM form"},
	}

	leaf, _ := server.ClientPair()
	files["leaf.pem"] = struct {
		text []byte
		want string
	}{leaf, "not the certificate of a CA"}

	for name, test := range files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, test.text, 0o600); err != nil {
			t.Fatal(err)
		}

		client, err := ca.New(ca.Config{Addr: server.URL, Key: catest.Key, CertPath: path})
		if err == nil {
			_, err = ca.Issue(t.Context(), client, ca.Request{Hosts: []string{"echo.default"}})
		}

		if got := errText(err); test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s: error %q, want one with %q", name, got, test.want)
		}
	}

	if _, err := ca.New(ca.Config{Addr: server.URL, Key: catest.Key, CertPath: filepath.Join(dir, "absent.pem")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}

	for _, r := range server.Requests() {
		if r.Endpoint == catest.Info {
			t.Error("info was asked for although the CA is pinned")
		}
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// The reasons to replace a certificate, as inject and certs list show them.
func TestUnusable(t *testing.T) {
	server, client := newCFSSL(t, catest.Options{Expiry: 300 * 24 * time.Hour})
	b, err := ca.Issue(t.Context(), client, ca.Request{Hosts: []string{"mesh", "mesh.local"}})
	if err != nil {
		t.Fatal(err)
	}

	authority, hosts := server.CA.Cert, b.Leaf.DNSNames
	left := func(d time.Duration) time.Time { return b.Leaf.NotAfter.Add(-d) }
	const day = 24 * time.Hour
	for _, test := range []struct {
		name      string
		hosts     []string
		authority *x509.Certificate
		now       time.Time
		want      string
	}{
		{"new", hosts, authority, time.Now(), ""},
		{"hosts in another order", []string{"mesh.local", "mesh"}, authority, time.Now(), ""},
		{"a third left", hosts, authority, left(100 * day), ""},
		{"less than a third left", hosts, authority, left(100*day - time.Second), "expires in 99 days"},
		{"hours left", hosts, authority, left(30 * time.Hour), "expires in 30 h"},
		{"expired", hosts, authority, left(-time.Second), "expired on " + b.Leaf.NotAfter.Format(time.DateOnly)},
		{"host gone", []string{"mesh"}, authority, time.Now(), "hosts mesh, mesh.local -> mesh"},
		{"host added", append([]string{"a"}, hosts...), authority, time.Now(), "hosts mesh, mesh.local -> a, mesh, mesh.local"},
		{"CA changed", hosts, catest.NewCA("next CA").Cert, time.Now(), `not signed by "next CA"`},
	} {
		terms := ca.Terms{CA: test.authority, Now: test.now}
		if got := terms.Unusable(b.Leaf, test.hosts); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}

	for _, test := range []struct {
		left, before time.Duration
		want         string
	}{
		{200 * day, 200 * day, ""},
		{200*day - time.Second, 200 * day, "expires in 199 days"},
		{31 * day, 30 * day, ""}, // later than without
	} {
		terms := ca.Terms{CA: authority, RenewBefore: test.before, Now: left(test.left)}
		if got := terms.Unusable(b.Leaf, hosts); got != test.want {
			t.Errorf("renewed %v before its end, %v before it: %q, want %q", test.before, test.left, got, test.want)
		}
	}
}
