package check

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/tykmesh/tykmesh/ca"
)

// Authority is what is asked of CFSSL.
type Authority interface {
	// Served is the CA that it signs with by its own account; Authority is the one that the mesh trusts.
	Served(ctx context.Context) (*x509.Certificate, error)
	Authority(ctx context.Context) (*x509.Certificate, error)
	// Issue makes a key and a certificate for exactly these hosts.
	Issue(ctx context.Context, hosts []string) (ca.Bundle, error)
	// OpenEndpoints are those that make a certificate for anybody.
	OpenEndpoints(ctx context.Context) ([]string, error)
}

// The parts of CFSSL, in order.
const (
	PartCFSSL    = "CFSSL"
	PartCFSSLKey = "CFSSL key"
	PartProfile  = "signing profile"
	PartCA       = "CA"
	PartSigning  = "unauthenticated signing"
)

// OpenError says that CFSSL makes certificates for anybody who reaches it.
type OpenError struct{ Endpoints []string }

func (e *OpenError) Error() string {
	return "anybody who reaches CFSSL gets certificates from it: " + strings.Join(e.Endpoints, ", ")
}

// PinnedError says that CFSSL signs with another CA than the configured one.
type PinnedError struct{ Served, Configured string }

func (e *PinnedError) Error() string {
	if e.Served == e.Configured {
		return fmt.Sprintf("CFSSL signs with another %q than the one in CA.certPath", e.Served)
	}
	return fmt.Sprintf("CFSSL signs as %q, and CA.certPath holds %q", e.Served, e.Configured)
}

// CFSSL checks a CFSSL; pinned says whether the configuration names the CA's certificate. A certificate is issued for a host that cannot
// be, and its key is thrown away: nothing less shows that the signing profile is right.
func CFSSL(ctx context.Context, cfssl Authority, pinned bool) []Result {
	var l list
	ask := cfssl.Served
	if !pinned {
		ask = cfssl.Authority // which is what it serves
	}
	served, err := ask(ctx)
	l.need(PartCFSSL, func() (string, error) { return "answers", err })
	if l.blocked == "" {
		_, err = cfssl.Issue(ctx, []string{"check.invalid"})
	}
	issued, another, unlike := err, errors.Is(err, ca.ErrForeignCA), errors.Is(err, ca.ErrNotAsAsked)
	keyless := !l.try(PartCFSSLKey, func() (string, error) {
		if another || unlike { // it did sign, and the next lines say what
			return "accepted", nil
		}
		return "accepted", issued
	})
	switch {
	case keyless:
		l.add(PartProfile, Skipped, "not tried, because of: "+PartCFSSLKey)
	case unlike:
		l.fail(PartProfile, issued)
	default:
		l.add(PartProfile, OK, "for servers and clients")
	}
	l.try(PartCA, func() (string, error) {
		configured, err := cfssl.Authority(ctx)
		switch {
		case err != nil:
			return "", err
		case !configured.Equal(served):
			return "", &PinnedError{served.Subject.CommonName, configured.Subject.CommonName}
		case another:
			return "", ca.ErrForeignCA
		}
		return fmt.Sprintf("%q, as configured", configured.Subject.CommonName), nil
	})
	if last := &l.results[len(l.results)-1]; !pinned && last.Status == OK {
		last.Status, last.Detail = Warning, fmt.Sprintf("%q, by CFSSL's own account: it is not pinned", served.Subject.CommonName)
	}
	l.try(PartSigning, func() (string, error) {
		open, err := cfssl.OpenEndpoints(ctx)
		if len(open) > 0 {
			err = &OpenError{open}
		}
		return "refused", err
	})
	return l.results
}
