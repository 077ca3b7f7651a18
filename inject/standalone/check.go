package standalone

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// CheckMethod reports whether sidecars can carry an HTTP method besides the usual ones: a word in
// capital letters (RFC 9110, section 9.1). A gateway cannot forward CONNECT (measured).
func CheckMethod(method string) error {
	isLetter := func(r rune) bool { return r >= 'A' && r <= 'Z' || r == '-' }
	switch {
	case strings.TrimFunc(method, isLetter) != "" || strings.Trim(method, "-") == "":
		return fmt.Errorf("not an HTTP method: %q; write it in capital letters", method)
	case method == "CONNECT":
		return errors.New("the gateway cannot forward CONNECT; delete it")
	case slices.Contains(DefaultMethods, method):
		return fmt.Errorf("sidecars carry %s already; delete it", method)
	}
	return nil
}

// Check reports whether a reference can name an issuer of cert-manager.
func (i IssuerRef) Check() error {
	if len(validation.IsDNS1123Subdomain(i.Name)) > 0 {
		return fmt.Errorf("the issuer's name %q is not valid; write {name: NAME, kind: Issuer or ClusterIssuer}", i.Name)
	}
	return nil
}

// MaxMethods is how many methods a mesh can add to DefaultMethods. The lab tried 21 methods in all.
// Each takes 1.4 KB of every ConfigMap, which has 14 KB without them.
const MaxMethods = 13

// CheckTokenKey reports whether sidecars can verify tokens with a key: a public key in PEM, for
// ECDSA with the curve P-256 (RFC 7518, ES256), which the lab proved.
func CheckTokenKey(text string) error {
	block, rest := pem.Decode([]byte(text))
	switch {
	case block == nil || block.Type != "PUBLIC KEY":
		return errors.New("not a public key in PEM; make a pair with tykmesh ca token")
	case strings.TrimSpace(string(rest)) != "":
		return errors.New("there is more than one key; keep the one that signs")
	}

	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return fmt.Errorf("not a public key: %w; make a pair with tykmesh ca token", err)
	}
	if ec, isEC := key.(*ecdsa.PublicKey); !isEC || ec.Curve != elliptic.P256() {
		return fmt.Errorf("a key of the type %T is not for ECDSA with the curve P-256; make a pair with tykmesh ca token", key)
	}

	return nil
}
