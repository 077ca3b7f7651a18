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

// CheckHosts returns an error for hosts that must not be signed: CFSSL signs any text, even "". It
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
// host is too long. The Dashboard shows it to its users; clients only compare the alternative names
// (RFC 9525, section 2).
func commonName(host string) string {
	if len(host) <= maxCommonName {
		return host
	}
	label, _, _ := strings.Cut(host, ".")
	return label
}

func checkHost(h string) error {
	if _, err := netip.ParseAddr(h); err == nil {
		return fmt.Errorf("host %q: is an IP address; the mesh finds certificates by name", h)
	}
	if strings.Contains(h, "*") {
		return fmt.Errorf("host %q: is a wildcard; a certificate must name exactly the hosts of one service", h)
	}

	for label := range strings.SplitSeq(h, ".") {
		if len(h) > maxHost || !IsLabel(label) {
			return fmt.Errorf("host %q: not a DNS name in lower case", h)
		}
	}

	return nil
}

// IsLabel reports whether s can be the name of a Service or a namespace (Kubernetes API
// conventions: RFC 1123 label). A regular expression would cost every start of the program a third
// of a millisecond.
func IsLabel(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= maxLabel && s[0] != '-' && s[len(s)-1] != '-'
}
