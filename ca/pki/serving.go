package pki

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"
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

// Disabled are the endpoints of CFSSL that must be off.
const Disabled = ca.Disabled

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

//go:embed k8s/*.yaml
var templates embed.FS

// values are what the templates of the manifests are filled with.
type values struct {
	Serving
	Service, Deployment, Disabled   string
	Port                            int
	Cert, Key, Config, APIKey, Root string
	Hash                            string
}

// manifests returns the Kubernetes objects of the CA and its CFSSL.
func (s Serving) manifests(a Authority, config []byte, key string) ([]File, error) {
	s.MeshNamespaces, s.AllowNamespaces = s.orOwn(s.MeshNamespaces), s.orOwn(s.AllowNamespaces)
	v := values{
		Serving: s,
		Service: Service, Deployment: Deployment, Disabled: Disabled, Port: Port,
		Cert: string(ca.EncodeCertificates(a.Certificate)), Key: string(a.Key), Config: string(config), APIKey: key, Root: string(ca.EncodeCertificates(a.Root())),
		Hash: servedHash(a, config),
	}

	all, err := template.New("").Option("missingkey=error").Funcs(template.FuncMap{
		"json":   quoted,
		"base64": func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	}).ParseFS(templates, "k8s/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("reading the templates of the manifests: %w", err)
	}

	files := []File{{Name: KeysFile, Mode: secret}, {Name: TrustFile, Mode: public}, {Name: ServerFile, Mode: public}}
	for i, f := range files {
		var b bytes.Buffer
		if err := all.ExecuteTemplate(&b, strings.TrimPrefix(f.Name, Manifests+"/"), v); err != nil {
			return nil, fmt.Errorf("writing %s: %w", f.Name, err)
		}
		files[i].Text = b.Bytes()
	}

	return files, nil
}

// servedHash returns a hash of what CFSSL serves. It tells nothing of the configuration: the key in
// it is 16 random bytes, which nobody can try.
func servedHash(a Authority, config []byte) string {
	return fmt.Sprintf("%x", sha256.Sum256(slices.Concat(ca.EncodeCertificates(a.Certificate), config)))
}

// orOwn returns a set of namespaces in order: CFSSL's own where there are none.
func (s Serving) orOwn(namespaces []string) []string {
	if len(namespaces) == 0 {
		return []string{s.Namespace}
	}
	return slices.Compact(slices.Sorted(slices.Values(namespaces)))
}

// quoted returns a value as a JSON string, which YAML reads as the same whatever is in it.
func quoted(v any) (string, error) {
	text, err := json.Marshal(fmt.Sprint(v))
	return string(text), err
}
