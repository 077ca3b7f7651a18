package pki

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/tykmesh/tykmesh/ca"
)

// Serving says how CFSSL is to be run, and for whom.
type Serving struct {
	CertExpiry time.Duration // of what it signs
	Image      string
	Namespace  string // CFSSL's own
	// MeshNamespaces are those whose pods are on the mesh and trust the CA, AllowNamespaces those
	// whose pods may ask CFSSL. None means CFSSL's own.
	MeshNamespaces, AllowNamespaces []string
}

// DefaultServing is CFSSL as the guide to tyk-k8s has it, in the version that tests run.
func DefaultServing() Serving {
	return Serving{CertExpiry: 365 * 24 * time.Hour, Image: "cfssl/cfssl:v1.6.5", Namespace: "default"}
}

// Service and Port are where CFSSL is reached in its namespace, Deployment what runs it.
const (
	Service    = "cfssl-svc"
	Deployment = "cfssl"
	Port       = 8888
)

// Disabled are the endpoints of CFSSL that are to be off: all that do not ask for the key, but info
// and health, which tell no secret. newcert among them gives anybody a certificate and its key.
const Disabled = "sign,newcert,newkey,init_ca,scan,scaninfo,certadd,gencrl,bundle,certinfo,ocspsign,revoke,crl,/"

var imagePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/@-]*$`)

// Check says what of it cannot be.
func (s Serving) Check() error {
	for _, ns := range slices.Concat([]string{s.Namespace}, s.MeshNamespaces, s.AllowNamespaces) {
		if !ca.IsLabel(ns) {
			return fmt.Errorf("namespace %q: not one that Kubernetes takes: up to 63 small letters, digits and hyphens", ns)
		}
	}

	switch {
	case s.Image == "":
		return errors.New("CFSSL needs an image")
	case !imagePattern.MatchString(s.Image):
		return fmt.Errorf("image %q: not the name of an image", s.Image)
	}

	return checkExpiry("certificates", s.CertExpiry, ca.MaxYears)
}

// newAPIKey makes a key for authsign: 16 bytes in hex, as the guide has it.
func newAPIKey() string {
	key := make([]byte, 16)
	_, _ = rand.Read(key) // never fails
	return hex.EncodeToString(key)
}

// signingConfig is CFSSL's configuration. There is one profile, the default, because CFSSL answers
// a request for an unknown one with that; and it has a key, because CFSSL signs for anybody
// otherwise.
type signingConfig struct {
	Signing struct {
		Default signingProfile `json:"default"`
	} `json:"signing"`
	AuthKeys map[string]authKey `json:"auth_keys"`
}

type signingProfile struct {
	Usages  []string `json:"usages"`
	Expiry  string   `json:"expiry"`
	AuthKey string   `json:"auth_key"`
}

type authKey struct {
	Type string `json:"type"`
	Key  string `json:"key"`
}

// config is CFSSL's configuration with this key for authsign.
func (s Serving) config(key string) ([]byte, error) {
	const name = "ca-auth"
	var c signingConfig
	c.Signing.Default = signingProfile{ca.LeafUsages(), hours(s.CertExpiry), name}
	c.AuthKeys = map[string]authKey{name: {"standard", key}}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", ConfigFile, err)
	}

	return append(text, '\n'), nil
}

// servedHash returns a hash of what CFSSL serves. It tells nothing of the configuration: the key in
// it is 16 random bytes, which nobody can try.
func servedHash(a CA, config []byte) string {
	return fmt.Sprintf("%x", sha256.Sum256(slices.Concat(ca.EncodeCertificates(a.Certificate), config)))
}
