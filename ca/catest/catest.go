// Package catest is a CFSSL server for tests, made of cfssl's own signer and handlers, which can
// misbehave on request; and a MongoDB for the ledger. Only tests import it.
package catest

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"

	"github.com/cloudflare/cfssl/api/generator"
	infohandler "github.com/cloudflare/cfssl/api/info"
	"github.com/cloudflare/cfssl/api/signhandler"
	"github.com/cloudflare/cfssl/auth"
	"github.com/cloudflare/cfssl/config"
	"github.com/cloudflare/cfssl/signer"
	"github.com/cloudflare/cfssl/signer/local"

	"github.com/tykmesh/tykmesh/ca/internal/quiet"
)

// Key is the default authentication key: a secret that must not appear in any output.
const Key = "c0ffee5ec4e7c0ffee5ec4e7c0ffee55"

// The endpoints, by the last part of their paths.
const (
	Authsign = "authsign"
	Info     = "info"
	Sign     = "sign"    // only if a profile asks for no key, as in "cfssl serve"
	Newcert  = "newcert" // only with Options.Newcert

	prefix = "/api/v1/cfssl/"
)

// Options describe a server. The zero value is a well-behaved one over HTTP.
type Options struct {
	CA  *CA    // the CA; a new one by default
	Key string // Key by default

	TLS       bool // HTTPS, with a certificate of the CA for 127.0.0.1
	MutualTLS bool // HTTPS, and clients need a certificate of the CA
	OldTLS    bool // HTTPS, with at most TLS 1.1, which RFC 8996 deprecates

	Expiry time.Duration    // of certificates; 8760 hours by default
	Now    func() time.Time // the signer's clock; cfssl's own by default
	Ahead  time.Duration    // the server's clock is ahead by this much, also in the header Date

	NoProvider bool     // the default profile has no authentication key, as in the original service mesh's guide
	Profile    string   // the profile that these options describe; the default one then only makes certificates for clients
	SignWith   *CA      // a CA that signs in place of the one in info
	SignFor    []string // certificates name these hosts in place of the requested ones
	Usages     []string // of certificates; signing, key encipherment, server and client authentication by default
	SignCAs    bool     // certificates are those of a CA
	Newcert    bool     // newcert is enabled: it makes certificates without a key

	Forge func(leaf *x509.Certificate) // edits each certificate, which is then signed again

	Faults []Fault
}

// Server is a running CFSSL. All its methods are safe while it serves.
type Server struct {
	URL string
	CA  *CA

	http *httptest.Server

	mu       sync.Mutex
	requests []Request
	faults   []Fault
}

// New starts a server; Close stops it.
func New(o Options) *Server {
	quiet.CFSSL()
	if o.CA == nil {
		o.CA = NewCA("catest CA")
	}

	s := &Server{CA: o.CA, faults: slices.Clone(o.Faults)}
	s.http = httptest.NewUnstartedServer(dated(o.Ahead, s.observed(newCFSSL(o))))
	s.http.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that tests mean to fail
	if o.TLS || o.MutualTLS || o.OldTLS {
		s.http.TLS = serverTLS(o)
		s.http.StartTLS()
	} else {
		s.http.Start()
	}

	s.URL = s.http.URL

	return s
}

// Close stops the server. The system refuses later requests.
func (s *Server) Close() { s.http.Close() }

// ClientPair returns a certificate that a server with MutualTLS accepts, and its key, both in PEM.
func (s *Server) ClientPair() (certificate, key []byte) {
	return issue(s.CA, &x509.Certificate{
		Subject:     pkix.Name{CommonName: "tykmesh-test"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

func serverTLS(o Options) *tls.Config {
	certificate, key := issue(o.CA, &x509.Certificate{
		Subject:     pkix.Name{CommonName: "catest"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	t := &tls.Config{Certificates: []tls.Certificate{must(tls.X509KeyPair(certificate, key))}}
	if o.OldTLS {
		t.MinVersion, t.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	}

	if o.MutualTLS {
		t.ClientAuth = tls.RequireAndVerifyClientCert
		t.ClientCAs = x509.NewCertPool()
		t.ClientCAs.AddCert(o.CA.Cert)
	}

	return t
}

// newCFSSL sets up cfssl's handlers as "cfssl serve" does.
func newCFSSL(o Options) http.Handler {
	s := &misbehaving{Signer: newSigner(o.CA, policy(o)), o: o}
	s.other = s.Signer
	if o.SignWith != nil {
		s.other = newSigner(o.SignWith, policy(o))
	}

	mux := http.NewServeMux()
	mux.Handle(prefix+Authsign, must(signhandler.NewAuthHandlerFromSigner(s)))
	mux.Handle(prefix+Info, must(infohandler.NewHandler(s)))
	if sign, err := signhandler.NewHandlerFromSigner(s); err == nil {
		mux.Handle(prefix+Sign, sign)
	}

	if o.Newcert {
		mux.Handle(prefix+Newcert, generator.NewCertGeneratorHandlerFromSigner(generator.CSRValidate, s))
	}

	return mux
}

func newSigner(a *CA, policy *config.Signing) *local.Signer {
	return must(local.NewSigner(a.key, a.Cert, signer.DefaultSigAlgo(a.key), policy))
}

// policy returns the signing policy: one profile with an authentication key. With NoProvider, the
// key is in another profile.
func policy(o Options) *config.Signing {
	if o.Key == "" {
		o.Key = Key
	}

	if o.Expiry == 0 {
		o.Expiry = 8760 * time.Hour
	}

	if o.Usages == nil {
		o.Usages = []string{"signing", "key encipherment", "server auth", "client auth"}
	}

	profile := &config.SigningProfile{
		Usage: o.Usages, Expiry: o.Expiry, ExpiryString: o.Expiry.String(),
		Provider:     must(auth.New(o.Key, nil)),
		CAConstraint: config.CAConstraint{IsCA: o.SignCAs},
	}
	if o.Profile != "" {
		other := *profile
		other.Usage = []string{"signing", "client auth"}
		return &config.Signing{Default: &other, Profiles: map[string]*config.SigningProfile{o.Profile: profile}}
	}

	if !o.NoProvider {
		return &config.Signing{Default: profile}
	}

	open := *profile
	open.Provider = nil

	return &config.Signing{Default: &open, Profiles: map[string]*config.SigningProfile{"CA": profile}}
}

// misbehaving is cfssl's signer, changed as the options ask.
type misbehaving struct {
	*local.Signer
	other *local.Signer
	o     Options
}

// Sign signs as the options ask: with another CA, for other hosts, at another time.
func (m *misbehaving) Sign(r signer.SignRequest) ([]byte, error) {
	if m.o.SignFor != nil {
		r.Hosts = m.o.SignFor
	}

	if m.o.Now != nil || m.o.Ahead != 0 {
		now := m.o.Now
		if now == nil {
			now = time.Now
		}
		r.NotBefore = now().Add(m.o.Ahead - 5*time.Minute) // as cfssl does with its own clock
	}

	text, err := m.other.Sign(r)
	if err != nil || m.o.Forge == nil {
		return text, err
	}

	leaf := must(x509.ParseCertificate(der(text)))
	m.o.Forge(leaf)

	return certPEM(must(x509.CreateCertificate(rand.Reader, leaf, m.o.CA.Cert, leaf.PublicKey, m.o.CA.key))), nil
}

// dated sets the header Date of answers to a clock that is ahead.
func dated(ahead time.Duration, next http.Handler) http.Handler {
	if ahead == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
		next.ServeHTTP(w, r)
	})
}
