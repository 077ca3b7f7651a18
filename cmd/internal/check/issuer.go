package check

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/tykmesh/tykmesh/ca"
)

// Issuer makes certificates.
type Issuer interface {
	// CA returns the CA that signs them, which the mesh trusts.
	CA(ctx context.Context) (*x509.Certificate, error)
	// Issue makes a key and a certificate for exactly these hosts.
	Issue(ctx context.Context, hosts []string) (ca.Bundle, error)
}

// Server is a signer behind the network, with the questions that only a check asks.
type Server interface {
	// Name returns the kind of server, for messages: "CFSSL".
	Name() string
	// Served returns the CA with which the server says that it signs.
	Served(ctx context.Context) (*x509.Certificate, error)
	// CheckAccess returns an error if the server issues certificates without a key.
	CheckAccess(ctx context.Context) error
}

// The parts of an issuer, in order, after the server itself and its key.
const (
	PartProfile = "signing profile"
	PartCA      = "CA"
	PartSigning = "unauthenticated signing"
)

// PinnedError says that a server signs with another CA than the configured one.
type PinnedError struct{ Server, Served, Configured string }

// Error names both CAs.
func (e *PinnedError) Error() string {
	if e.Served == e.Configured {
		return fmt.Sprintf("%s signs with another %q than the one in CA.certPath", e.Server, e.Served)
	}
	return fmt.Sprintf("%s signs as %q, and CA.certPath contains %q", e.Server, e.Served, e.Configured)
}

// Hint names the settings that disagree.
func (e *PinnedError) Hint() string {
	return fmt.Sprintf("CA.addr leads to another %s than expected, or CA.certPath contains an old certificate", e.Server)
}

// Signing checks the CA that signs certificates. signer signs for issuer; if it is a Server, the
// server is checked, too. pinned says whether the configuration names the CA's certificate.
func Signing(ctx context.Context, signer ca.Signer, issuer Issuer, pinned bool) []Result {
	if server, is := signer.(Server); is {
		return signingServer(ctx, server, issuer, pinned)
	}
	return signingKey(ctx, issuer)
}

// signingServer issues a certificate for a host that cannot exist, and discards its key: nothing
// less shows that the signing profile is right.
func signingServer(ctx context.Context, server Server, issuer Issuer, pinned bool) []Result {
	var l list
	var bundle ca.Bundle

	ask := server.Served
	if !pinned {
		ask = issuer.CA // which asks the server, too, and remembers the answer
	}

	served, err := ask(ctx)
	l.need(server.Name(), func() (string, error) { return "answers", err })
	if l.blocked == "" {
		bundle, err = issuer.Issue(ctx, []string{checkHost})
	}

	issued := err
	another := errors.Is(issued, ca.ErrForeignCA)
	l.issuance(server.Name()+" key", issued)
	l.try(PartCA, func() (string, error) {
		configured, err := issuer.CA(ctx)
		switch {
		case err != nil:
			return "", err
		case !ca.SameCA(configured, served):
			return "", &PinnedError{server.Name(), served.Subject.CommonName, configured.Subject.CommonName}
		case another:
			return "", ca.ErrForeignCA
		}

		return fmt.Sprintf("%q, as configured", configured.Subject.CommonName), nil
	})

	if last := &l.results[len(l.results)-1]; !pinned && last.Status == OK {
		last.Status, last.Detail = Warning, fmt.Sprintf("%q, according to %s; CA.certPath does not pin it", served.Subject.CommonName, server.Name())
	}

	l.outlived(served, bundle)
	l.try(PartSigning, func() (string, error) { return "refused", server.CheckAccess(ctx) })

	return l.results
}

// issuance adds the results for the key and the signing profile. issued is the error of issuing a
// certificate: if there is one, only one of the two has failed.
func (l *list) issuance(partKey string, issued error) {
	another := errors.Is(issued, ca.ErrForeignCA) // the result for the CA reports it
	signed := issued == nil || another || errors.Is(issued, ca.ErrNotAsAsked)
	switch {
	case errors.Is(issued, ca.ErrNoProfile):
		l.add(partKey, Skipped, "not tried, because of: "+PartProfile)
		l.fail(PartProfile, issued)
	case !signed:
		l.try(partKey, func() (string, error) { return "", issued })
		l.add(PartProfile, Skipped, "not tried, because of: "+partKey)
	default:
		l.add(partKey, OK, "accepted")
		l.try(PartProfile, func() (string, error) {
			if another {
				issued = nil
			}
			return "for servers and clients", issued
		})
	}
}

// checkHost is a host that cannot exist (RFC 6761, section 6.4), for certificates that are
// discarded.
const checkHost = "check.invalid"

// signingKey checks a CA whose key is on this machine.
func signingKey(ctx context.Context, issuer Issuer) []Result {
	var l list
	var bundle ca.Bundle

	authority, err := issuer.CA(ctx)
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

// outlived turns the last result, which is about the CA, into a warning if the CA expires before
// the certificates that it signs now: clients reject those then.
func (l *list) outlived(authority *x509.Certificate, signed ca.Bundle) {
	last := &l.results[len(l.results)-1]
	if last.Status != Failed && signed.Leaf != nil && !signed.Leaf.NotAfter.Before(authority.NotAfter) {
		last.Status = Warning
		last.Detail += fmt.Sprintf("; it expires on %s, before the certificates that it signs now", authority.NotAfter.UTC().Format(time.DateOnly))
	}
}
