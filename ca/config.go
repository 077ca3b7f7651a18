package ca

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	"github.com/cloudflare/cfssl/auth"

	"github.com/tykmesh/tykmesh/ca/internal/file"
)

// Config describes an issuer: a CFSSL, or a CA whose key is in a file. Its fields have tyk-k8s's
// names where tyk-k8s has them. A Config prints without its key.
type Config struct {
	// Addr is CFSSL's address, or several in the order of preference, separated by commas. The
	// default scheme is http (https if Secure is true); without a scheme, the default port is 8888.
	Addr string
	// Key is the key of authsign in hex: the secret itself, not a reference to it.
	Key string
	// Profile is the signing profile; "" is the default one.
	Profile string
	// CertPath is a file with the CA's certificate in PEM, followed by those above it, which go
	// into bundles. "" trusts the certificate that CFSSL returns.
	CertPath string
	// KeyPath is a file with the CA's private key. If it is set, that key signs and there is no
	// CFSSL. Only Open reads it.
	KeyPath string
	// Secure asks for TLS. SkipCACheck, which counts only with Secure, accepts any certificate of
	// the server.
	Secure, SkipCACheck bool
	// TLSRemoteCA is a file with the CAs that may sign the server's certificate; "" means those of
	// the system.
	TLSRemoteCA string
	// MutualTLSCert and MutualTLSKey are the files of a client certificate, for a CFSSL started
	// with
	// -mutual-tls-ca.
	MutualTLSCert, MutualTLSKey string

	// Trace, unless nil, is called after each request, from many goroutines.
	Trace func(Call) `json:"-"`
	// Now is the clock for the validity of CA certificates; nil is time.Now.
	Now func() time.Time `json:"-"`
}

// Call is one request to an issuer, without its secrets.
type Call struct {
	Issuer     string // the kind of issuer, in lower case: "cfssl"
	Server, Op string
	Status     int // 0 without an answer
	Duration   time.Duration
	Date       time.Time // of the server's clock, to the second (RFC 9110, section 6.6.1); zero if unknown
}

// shown is a Config that may be printed.
type shown Config

func (c Config) shown() shown {
	if c.Key != "" {
		c.Key = redacted
	}
	if strings.Contains(c.Addr, "@") { // New refuses it, but the Config may be printed first
		c.Addr = redacted
	}
	return shown(c)
}

// Format prints the configuration without the key, for every verb.
func (c Config) Format(f fmt.State, verb rune) {
	_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), c.shown())
}

// MarshalJSON returns the configuration without the key.
func (c Config) MarshalJSON() ([]byte, error) { return json.Marshal(c.shown()) }

// LogValue returns the configuration without the key.
func (c Config) LogValue() slog.Value { return slog.AnyValue(c.shown()) }

// chain returns the CA's certificate and those above it from CertPath; nil without CertPath.
func (c Config) chain(now time.Time) ([]*x509.Certificate, error) {
	if c.CertPath == "" {
		return nil, nil
	}
	chain, err := readChain(c.CertPath, now)
	if err != nil && !errors.As(err, new(*fs.PathError)) {
		err = fmt.Errorf("%s: %w", c.CertPath, err)
	}

	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCertPath, err)
	}

	return chain, nil
}

// provider returns cfssl's authentication with the key. It checks the key first, because cfssl's
// parser quotes a wrong byte, and accepts env:NAME and file:PATH, which the caller has resolved.
func (c Config) provider() (auth.Provider, error) {
	switch _, err := hex.DecodeString(c.Key); {
	case c.Key == "":
		return nil, errors.New("no CFSSL key")
	case errors.Is(err, hex.ErrLength):
		return nil, errors.New("the CFSSL key has an odd number of hexadecimal digits")
	case err != nil:
		return nil, errors.New("the CFSSL key is not hexadecimal")
	}

	return auth.New(c.Key, nil)
}

// tls returns the TLS configuration of connections to CFSSL.
func (c Config) tls() (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: c.Secure && c.SkipCACheck}
	if c.TLSRemoteCA != "" {
		text, err := file.Read(c.TLSRemoteCA)
		if err != nil {
			return nil, fmt.Errorf("reading the CAs of CFSSL's own certificate: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("the CAs of CFSSL's own certificate in %s: no certificate in PEM form", c.TLSRemoteCA)
		}
	}

	if c.MutualTLSCert != "" || c.MutualTLSKey != "" {
		pair, err := loadPair(c.MutualTLSCert, c.MutualTLSKey)
		if err != nil {
			return nil, fmt.Errorf("reading the client certificate for CFSSL, %s with the key %s: %w", c.MutualTLSCert, c.MutualTLSKey, err)
		}
		t.Certificates = []tls.Certificate{pair}
	}

	return t, nil
}

// loadPair returns the same as tls.LoadX509KeyPair, but reads files up to a limit.
func loadPair(certPath, keyPath string) (tls.Certificate, error) {
	cert, certErr := file.Read(certPath)
	key, keyErr := file.Read(keyPath)
	if err := cmp.Or(certErr, keyErr); err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(cert, key)
}
