package ca

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/cloudflare/cfssl/auth"

	"github.com/tykmesh/tykmesh/ca/internal/file"
)

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
