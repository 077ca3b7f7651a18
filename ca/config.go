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

// Config says where CFSSL is. The fields that tyk-k8s has too are named as it names them. A Config
// prints without its key.
type Config struct {
	// Addr is CFSSL's address, or several separated by commas: each is tried when the ones before
	// cannot be reached. Without a scheme it is http (https if Secure), and port 8888 unless it has
	// one.
	Addr string
	// Key is the key of authsign in hex: the secret itself, not where to find it.
	Key string
	// Profile is the signing profile; "" is the default one.
	Profile string
	// CertPath is the CA's certificate in PEM, and after it those above it that go with what it
	// signs. "" trusts the one that CFSSL gives.
	CertPath string
	// Secure asks for TLS. SkipCACheck, which counts only with Secure, leaves the server's
	// certificate unchecked.
	Secure, SkipCACheck bool
	// TLSRemoteCA is a file with the CAs that may sign the server's certificate; "" means those of
	// the system.
	TLSRemoteCA string
	// MutualTLSCert and MutualTLSKey are the files of a client certificate, for a CFSSL that was
	// started with -mutual-tls-ca.
	MutualTLSCert, MutualTLSKey string

	// Trace, unless nil, is called after each request, from many goroutines.
	Trace func(Call) `json:"-"`
	// Now is the clock that CA certificates are judged by; nil is time.Now.
	Now func() time.Time `json:"-"`
}

// Call is one request to CFSSL, as far as it may be shown.
type Call struct {
	Server, Op string
	Status     int // 0 when no answer came
	Duration   time.Duration
	Date       time.Time // of the server's clock, to the second (RFC 9110, section 6.6.1); zero where it did not say
}

// shown is a Config that may be printed.
type shown Config

func (c Config) shown() shown {
	if c.Key != "" {
		c.Key = redacted
	}
	if strings.Contains(c.Addr, "@") { // New refuses it, but it may be printed before
		c.Addr = redacted
	}
	return shown(c)
}

// Format prints the configuration without the key, whatever the verb.
func (c Config) Format(f fmt.State, verb rune) {
	_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), c.shown())
}

// MarshalJSON returns the configuration without the key.
func (c Config) MarshalJSON() ([]byte, error) { return json.Marshal(c.shown()) }

// LogValue returns the configuration without the key.
func (c Config) LogValue() slog.Value { return slog.AnyValue(c.shown()) }

// chain reads the CA's certificate and those above it from CertPath; nil without one.
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

// provider makes cfssl's authentication of the key. cfssl's parser is not asked about a wrong one:
// it quotes the wrong byte, and it takes env:NAME and file:PATH, which a configuration resolves
// before.
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

// tls returns the configuration of connections to CFSSL.
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

// loadPair is tls.LoadX509KeyPair, but for files that have no end.
func loadPair(certPath, keyPath string) (tls.Certificate, error) {
	cert, certErr := file.Read(certPath)
	key, keyErr := file.Read(keyPath)
	if err := cmp.Or(certErr, keyErr); err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(cert, key)
}
