package check

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/tykmesh/tykmesh/dashboard"
)

// APIs is what is asked of the Dashboard about APIs.
type APIs interface {
	APIs(ctx context.Context) ([]dashboard.API, error)
	API(ctx context.Context, id string) (dashboard.API, error)
	Administrator(ctx context.Context) (bool, error)
	CreateAPI(ctx context.Context, d dashboard.Definition) (dashboard.Created, error)
	DeleteAPI(ctx context.Context, id string) error
}

// Certificates is what is asked of it about certificates.
type Certificates interface {
	Certificates(ctx context.Context) ([]dashboard.Certificate, error)
	DeleteCertificate(ctx context.Context, id string) error
}

// The parts of a Dashboard, in order.
const (
	PartDashboard    = "Dashboard"
	PartDashboardKey = "Dashboard key"
	PartAPIs         = "APIs"
	PartOwnership    = "ownership"
	PartListenPath   = "listen path /"
	PartCertificates = "certificates"
)

// SharedPathError says that a Dashboard keeps two APIs from listening on / although their domains
// differ.
type SharedPathError struct{ Err error }

func (e *SharedPathError) Error() string { return "a second API on / is refused: " + e.Err.Error() }

// Unwrap returns the Dashboard's refusal.
func (e *SharedPathError) Unwrap() error { return e.Err }

// PatternError says that a Dashboard takes no pattern of hosts as a domain.
type PatternError struct{ Err error }

func (e *PatternError) Error() string {
	return "an API whose domain is a pattern is refused: " + e.Err.Error()
}

// Unwrap returns the Dashboard's refusal.
func (e *PatternError) Unwrap() error { return e.Err }

// OrgError says that the key is not one of the configured organisation.
type OrgError struct{ Configured, Actual string } // Actual is "" where the Dashboard does not tell

func (e *OrgError) Error() string {
	if e.Actual == "" {
		return fmt.Sprintf("Tyk.org is %s, and that is not the key's organisation", e.Configured)
	}
	return fmt.Sprintf("the key is one of organisation %s, and Tyk.org is %s", e.Actual, e.Configured)
}

// RightError says that a key may read something and not write it.
type RightError struct{ Err error }

func (*RightError) Error() string { return "may be read with this key, and not written" }

// Unwrap returns the Dashboard's refusal.
func (e *RightError) Unwrap() error { return e.Err }

// OwnershipError says that the Dashboard may hide APIs from the key.
type OwnershipError struct{ Sign string }

func (e *OwnershipError) Error() string {
	return "the Dashboard may hide APIs of other owners from this key: " + e.Sign
}

// ownership finds out whether the key sees every API: without that nothing proves that a
// certificate is unused, or that an API is not there (Tyk Dashboard, API ownership).
func ownership(ctx context.Context, apis APIs, listed []dashboard.API) (detail string, err error) {
	o, err := dashboard.OwnershipOf(ctx, apis, listed)
	if err != nil {
		return "", err
	}
	if o.Sign == "" {
		return "nothing hints at APIs of other owners", nil
	}
	if admin, err := apis.Administrator(ctx); err == nil && admin {
		return "the key is an administrator's, who sees every API", nil
	}

	return "", &OwnershipError{o.Sign} // who may not list users is no administrator
}

// right reports whether the deletion of what does not exist shows that a key may write: whoever
// answers that there is no such thing, or that it cannot be deleted, would have let this key do it.
func right(err error, org string) error {
	var e *dashboard.Error
	switch {
	case !errors.As(err, &e) || e.Foreign():
		return err
	case e.Status == http.StatusForbidden:
		return &RightError{err}
	case strings.Contains(e.Message, "non-owned"): // Tyk Dashboard API, certificates
		return &OrgError{Configured: org}
	case e.Status == http.StatusBadRequest:
		return nil
	case errors.Is(err, dashboard.ErrNotVisible): // the key was accepted just now, so this is about the object
		return nil
	}

	return err
}

// Dashboard checks a Dashboard for an organisation. meshDomain is the domain of mesh APIs; certs is
// nil where no certificates are needed. seesAll says that the key is known to see every API.
func Dashboard(ctx context.Context, apis APIs, certs Certificates, org, meshDomain string, seesAll bool) []Result {
	var l list
	listed, err := apis.APIs(ctx)
	l.need(PartDashboard, func() (string, error) {
		if status := statusOf(err); err != nil && status != http.StatusUnauthorized && status != http.StatusForbidden {
			return "", err
		}
		return "answers", nil
	})

	l.need(PartDashboardKey, func() (string, error) {
		if statusOf(err) == http.StatusUnauthorized {
			return "", err
		}
		return "accepted", sameOrg(listed, org)
	})

	l.need(PartAPIs, func() (string, error) {
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("may be written; there are %d", len(listed)), right(apis.DeleteAPI(ctx, dashboard.AbsentID), org)
	})

	if !seesAll {
		l.warn(PartOwnership, func() (string, error) { return ownership(ctx, apis, listed) })
	}

	l.try(PartListenPath, func() (string, error) { return sharedPath(ctx, apis, listed, org, meshDomain) })
	if l.blocked == PartAPIs { // certificates are another right
		l.blocked = ""
	}

	if certs == nil {
		return l.results
	}

	l.try(PartCertificates, func() (string, error) {
		stored, err := certs.Certificates(ctx)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("may be written; there are %d", len(stored)), right(certs.DeleteCertificate(ctx, org+strings.Repeat("0", fingerprintDigits)), org)
	})

	return l.results
}

// fingerprintDigits is the length of a SHA-256 in hex; certificate ids have the organisation in
// front of it.
const fingerprintDigits = 2 * sha256.Size

func statusOf(err error) int {
	var e *dashboard.Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// sameOrg compares the organisation with that of what is listed, which is always the key's.
func sameOrg(listed []dashboard.API, org string) error {
	for _, api := range listed {
		if actual := api.Definition.OrgID(); actual != "" && actual != org {
			return &OrgError{Configured: org, Actual: actual}
		}
	}
	return nil
}

// sharedPath finds out whether two APIs may listen on / if their domains differ, as all inbound
// APIs do, and whether the domain may be a pattern. What is listed may tell; else it tries.
func sharedPath(ctx context.Context, apis APIs, listed []dashboard.API, org, meshDomain string) (detail string, err error) {
	if err := removeLeftBehind(ctx, apis, listed); err != nil {
		return "", err
	}

	isPattern := strings.ContainsAny(meshDomain, "{}")
	if n := onRoot(listed); n > 1 && (!isPattern || hasPattern(listed)) {
		return fmt.Sprintf("%d APIs share it", n), nil
	}

	other := "two.check.invalid"
	if isPattern {
		other = `{host:two\.check\.invalid|three\.check\.invalid}`
	}

	made := probes{apis: apis}
	defer func() {
		if left := made.cleanUp(ctx); left != nil {
			err = errors.Join(err, fmt.Errorf("the APIs %s* that were made to try it are still there; the next check takes them away: %w", leftBehind, left))
		}
	}()
	if err := made.create(ctx, org, "one.check.invalid"); err != nil {
		return "", err
	}
	if err := made.second(ctx, org, other); err != nil {
		return "", err
	}

	return "two APIs that were made to try it could share it", nil
}

// probes are the APIs that a check makes.
type probes struct {
	apis APIs
	ids  []string // those that are known: the answer to a create may be lost
}

// create makes a probe.
func (p *probes) create(ctx context.Context, org, domain string) error {
	made, err := p.apis.CreateAPI(ctx, probe(org, domain))
	if err == nil {
		p.ids = append(p.ids, made.ID)
	}
	return err
}

// second creates an API beside the first probe, and says why it is refused: for the path that they
// share, or, where another domain would do, for its domain.
func (p *probes) second(ctx context.Context, org, domain string) error {
	err := p.create(ctx, org, domain)
	if !clashes(err) {
		return err
	}
	if strings.ContainsAny(domain, "{}") {
		if literal := p.create(ctx, org, "four.check.invalid"); literal == nil {
			return &PatternError{err}
		}
	}

	return &SharedPathError{err}
}

// clashes reports whether a second probe was refused for the first one: it differs from it in its
// names and its domain alone. The words for a clash are not documented.
func clashes(err error) bool {
	var e *dashboard.Error
	return errors.As(err, &e) && e.Refused() && !errors.Is(err, dashboard.ErrUnauthorized) && !errors.Is(err, dashboard.ErrLicence) && e.Status != 0
}

// cleanUp takes away what was made, also where the answer to a create was lost or the listing does
// not show it, and what a check at the same time has made: it has been made by then, and needs no
// more. It goes on for a while after ctx has ended.
func (p *probes) cleanUp(ctx context.Context) error {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	var errs []error
	for _, id := range p.ids {
		if err := p.apis.DeleteAPI(ctx, id); err != nil && !errors.Is(err, dashboard.ErrNotFound) {
			errs = append(errs, err)
		}
	}

	listed, err := p.apis.APIs(ctx)
	if err == nil {
		err = removeLeftBehind(ctx, p.apis, listed)
	}

	return errors.Join(append(errs, err)...)
}

// onRoot is how many APIs of different domains listen on /.
func onRoot(listed []dashboard.API) int {
	domains := make(map[string]bool)
	for _, api := range listed {
		if d := api.Definition; d.ListenPath() == "/" && !d.IsOAS() {
			domains[d.Domain()] = true
		}
	}
	return len(domains)
}

func hasPattern(listed []dashboard.API) bool {
	for _, api := range listed {
		if strings.ContainsAny(api.Definition.Domain(), "{}") {
			return true
		}
	}
	return false
}

// probe returns an API that no gateway serves: it is not active, and no gateway has its tag.
func probe(org, domain string) dashboard.Definition {
	name := newName()
	return dashboard.Definition{
		"name": name, "slug": name, "api_id": strings.TrimPrefix(name, leftBehind) + strings.Repeat("0", 16), "org_id": org,
		"active": false, "use_keyless": true, "domain": domain, "tags": []any{leftBehind + "tag"},
		"auth":         map[string]any{"auth_header_name": "Authorization"},
		"proxy":        map[string]any{"listen_path": "/", "target_url": "http://check.invalid", "strip_listen_path": false},
		"version_data": map[string]any{"not_versioned": true, "versions": map[string]any{"Default": map[string]any{"name": "Default"}}},
	}
}

// removeLeftBehind deletes what an interrupted check has left.
func removeLeftBehind(ctx context.Context, apis APIs, listed []dashboard.API) error {
	for _, api := range listed {
		if strings.HasPrefix(api.Definition.Slug(), leftBehind) {
			if err := apis.DeleteAPI(ctx, api.Definition.ID()); err != nil && !errors.Is(err, dashboard.ErrNotFound) { // the listing may lag behind
				return err
			}
		}
	}

	return nil
}
