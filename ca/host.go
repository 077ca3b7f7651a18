package ca

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// The longest names: a certificate's common name (RFC 5280, appendix A.1, ub-common-name), a DNS
// label, and a host, for which DNS's 255 octets leave 253 characters (RFC 1035, section 2.3.4).
const (
	maxCommonName = 64
	maxLabel      = 63
	maxHost       = 253
)

// CheckHosts refuses hosts that must not be sent to be signed: CFSSL signs any text, also none. It
// is pure, so that a plan can be refused before its first request.
func CheckHosts(hosts []string) error {
	if len(hosts) == 0 {
		return errors.New("a certificate needs at least one host")
	}
	for _, h := range hosts {
		if err := checkHost(h); err != nil {
			return err
		}
	}

	return nil
}

// commonName returns the common name of a host's certificate: the host, or its first label if the
// host is too long. Clients compare the alternative names alone (RFC 9525, section 2); the common
// name is for the eyes of the Dashboard's users.
func commonName(host string) string {
	if len(host) <= maxCommonName {
		return host
	}
	label, _, _ := strings.Cut(host, ".")
	return label
}

func checkHost(h string) error {
	if _, err := netip.ParseAddr(h); err == nil {
		return fmt.Errorf("host %q: an IP address; the mesh finds certificates by name", h)
	}
	if strings.Contains(h, "*") {
		return fmt.Errorf("host %q: a wildcard; a certificate names exactly the hosts of one service", h)
	}

	for label := range strings.SplitSeq(h, ".") {
		if len(h) > maxHost || !IsLabel(label) {
			return fmt.Errorf("host %q: not a DNS name in lower case", h)
		}
	}

	return nil
}

// IsLabel returns the rule for names of Services and namespaces (Kubernetes API conventions: RFC
// 1123 label). A regular expression of it would cost every start of the program a third of a
// millisecond.
func IsLabel(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= maxLabel && s[0] != '-' && s[len(s)-1] != '-'
}
