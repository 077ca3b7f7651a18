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

// certManagerGroup is the API group of cert-manager's own issuers, and of references that name no
// group (cert-manager API reference, IssuerReference).
const certManagerGroup = "cert-manager.io"

// Check reports whether cert-manager accepts a reference to an issuer. Its own issuers have two
// kinds; those of others have any kind, which then cannot be the default.
func (i IssuerRef) Check() error {
	own := i.Group == "" || i.Group == certManagerGroup
	switch {
	case len(validation.IsDNS1123Subdomain(i.Name)) > 0:
		return fmt.Errorf("the issuer's name %q is not valid; write {name: NAME, kind: Issuer or ClusterIssuer}", i.Name)
	case !own && len(validation.IsDNS1123Subdomain(i.Group)) > 0:
		return fmt.Errorf("the group %q is not an API group; write one such as awspca.cert-manager.io", i.Group)
	case own && !slices.Contains([]string{"", "Issuer", "ClusterIssuer"}, i.Kind):
		return fmt.Errorf("cert-manager has no issuers of the kind %q; write Issuer or ClusterIssuer, or the group of this kind", i.Kind)
	case !own && len(validation.IsDNS1035Label(strings.ToLower(i.Kind))) > 0:
		return fmt.Errorf("the kind %q of the issuer is not valid; write the kind of the issuer in the group %s", i.Kind, i.Group)
	}
	return nil
}

// MaxMethods is how many methods a mesh can add to DefaultMethods. The lab tried 21 methods in all.
// Each takes 1.4 KB of every ConfigMap, which has 14 KB without them.
const MaxMethods = 13
