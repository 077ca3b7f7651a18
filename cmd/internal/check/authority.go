package check

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/ca"
)

// Issuer is what makes certificates.
type Issuer interface {
	// Authority is the CA that signs them, which the mesh trusts.
	Authority(ctx context.Context) (*x509.Certificate, error)
	// Issue makes a key and a certificate for exactly these hosts.
	Issue(ctx context.Context, hosts []string) (ca.Bundle, error)
}

// Authority is what is asked of CFSSL.
type Authority interface {
	Issuer
	// Served is the CA that it signs with by its own account.
	Served(ctx context.Context) (*x509.Certificate, error)
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

// CFSSL checks a CFSSL; pinned says whether the configuration names the CA's certificate. A
// certificate is issued for a host that cannot be, and its key is thrown away: nothing less shows
// that the signing profile is right.
func CFSSL(ctx context.Context, cfssl Authority, pinned bool) []Result {
	var l list
	var bundle ca.Bundle

	ask := cfssl.Served
	if !pinned {
		ask = cfssl.Authority // which is what it serves
	}

	served, err := ask(ctx)
	l.need(PartCFSSL, func() (string, error) { return "answers", err })
	if l.blocked == "" {
		bundle, err = cfssl.Issue(ctx, []string{checkHost})
	}

	issued := err
	another := errors.Is(issued, ca.ErrForeignCA)

	signed := issued == nil || another || errors.Is(issued, ca.ErrNotAsAsked) // the lines below say what it signed
	switch {
	case errors.Is(issued, ca.ErrNoProfile):
		l.add(PartCFSSLKey, Skipped, "not tried, because of: "+PartProfile)
		l.fail(PartProfile, issued)
	case !signed:
		l.try(PartCFSSLKey, func() (string, error) { return "", issued })
		l.add(PartProfile, Skipped, "not tried, because of: "+PartCFSSLKey)
	default:
		l.add(PartCFSSLKey, OK, "accepted")
		l.try(PartProfile, func() (string, error) {
			if another {
				return "for servers and clients", nil
			}
			return "for servers and clients", issued
		})
	}

	l.try(PartCA, func() (string, error) {
		configured, err := cfssl.Authority(ctx)
		switch {
		case err != nil:
			return "", err
		case !ca.SameAuthority(configured, served):
			return "", &PinnedError{served.Subject.CommonName, configured.Subject.CommonName}
		case another:
			return "", ca.ErrForeignCA
		}

		return fmt.Sprintf("%q, as configured", configured.Subject.CommonName), nil
	})

	if last := &l.results[len(l.results)-1]; !pinned && last.Status == OK {
		last.Status, last.Detail = Warning, fmt.Sprintf("%q, by CFSSL's own account: it is not pinned", served.Subject.CommonName)
	}

	l.outlived(served, bundle)
	l.try(PartSigning, func() (string, error) {
		open, err := cfssl.OpenEndpoints(ctx)
		if len(open) > 0 {
			err = &OpenError{open}
		}
		return "refused", err
	})

	return l.results
}

// checkHost is a host that cannot be (RFC 6761, section 6.4), for certificates that are thrown
// away.
const checkHost = "check.invalid"

// Key checks a CA whose key is on this machine.
func Key(ctx context.Context, issuer Issuer) []Result {
	var l list
	var bundle ca.Bundle

	authority, err := issuer.Authority(ctx)
	if err == nil {
		bundle, err = issuer.Issue(ctx, []string{checkHost})
	}

	l.try(PartCA, func() (string, error) {
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%q, whose key signs here", authority.Subject.CommonName), nil
	})

	l.outlived(authority, bundle)

	return l.results
}

// outlived turns the last result, that a CA is right, into a warning if the CA ends before what it
// signs now: nobody accepts that then.
func (l *list) outlived(authority *x509.Certificate, signed ca.Bundle) {
	last := &l.results[len(l.results)-1]
	if last.Status != Failed && signed.Leaf != nil && !signed.Leaf.NotAfter.Before(authority.NotAfter) {
		last.Status = Warning
		last.Detail += fmt.Sprintf("; it expires on %s, and what it signs now would be valid for longer", authority.NotAfter.UTC().Format(time.DateOnly))
	}
}
