package pki

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/tykmesh/tykmesh/ca"
)

// Serving describes how CFSSL runs, and for which pods.
type Serving struct {
	CertExpiry time.Duration // of issued certificates
	Image      string
	Namespace  string // of CFSSL
	// The pods of MeshNamespaces trust the CA, and the pods of AllowNamespaces may call CFSSL.
	// Empty means CFSSL's own namespace.
	MeshNamespaces, AllowNamespaces []string
}

// DefaultServing returns the CFSSL of the guide to tyk-k8s, in the version that the tests run.
func DefaultServing() Serving {
	return Serving{CertExpiry: 365 * 24 * time.Hour, Image: "cfssl/cfssl:v1.6.5", Namespace: "default"}
}

// Service and Port are the address of CFSSL in its namespace, Deployment is its workload.
const (
	Service    = "cfssl-svc"
	Deployment = "cfssl"
	Port       = 8888
)

var imagePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/@-]*$`)

// Check returns an error if a value is invalid.
func (s Serving) Check() error {
	for _, ns := range slices.Concat([]string{s.Namespace}, s.MeshNamespaces, s.AllowNamespaces) {
		if !ca.IsLabel(ns) {
			return fmt.Errorf("namespace %q: not a valid name: use up to 63 lower-case letters, digits and hyphens", ns)
		}
	}

	switch {
	case s.Image == "":
		return errors.New("CFSSL needs an image: name one")
	case !imagePattern.MatchString(s.Image):
		return fmt.Errorf("image %q: not a valid name of an image", s.Image)
	}

	return checkExpiry("certificates", s.CertExpiry, ca.MaxYears)
}

// newAPIKey returns a key for authsign: 16 random bytes in hex, as in the guide.
func newAPIKey() string {
	key := make([]byte, 16)
	_, _ = rand.Read(key) // never fails
	return hex.EncodeToString(key)
}

// config returns CFSSL's configuration with this key for authsign. It has one profile, the default,
// because CFSSL answers a request for an unknown profile with that. The profile has a key, because
// CFSSL signs for any caller otherwise.
func (s Serving) config(key string) ([]byte, error) {
	return execute(templates, ConfigFile, struct {
		Usages      []string
		Expiry, Key string
	}{ca.LeafUsages(), hours(s.CertExpiry), key})
}

// servedHash returns a hash of the certificate and the configuration that CFSSL serves. It reveals
// nothing of the configuration: the key in it is 16 random bytes, too many to try.
func servedHash(a CA, config []byte) string {
	return fmt.Sprintf("%x", sha256.Sum256(slices.Concat(ca.EncodeCertificates(a.Certificate), config)))
}
