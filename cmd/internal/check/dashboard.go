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

// APIs is the part of the Dashboard for APIs.
type APIs interface {
	APIs(ctx context.Context) ([]dashboard.API, error)
	API(ctx context.Context, id string) (dashboard.API, error)
	Administrator(ctx context.Context) (bool, error)
	CreateAPI(ctx context.Context, d dashboard.Definition) (dashboard.Created, error)
	DeleteAPI(ctx context.Context, id string) error
}

// Certificates is the part of the Dashboard for certificates.
type Certificates interface {
	Certificates(ctx context.Context) ([]dashboard.Certificate, error)
	DeleteCertificate(ctx context.Context, id string) error
}

// The parts of a Dashboard, in order.
const (
	PartDashboard    = "Dashboard"
	PartDashboardKey = "Dashboard key"
	PartAPIs         = "APIs"
	PartTags         = "tags of mesh APIs"
	PartOwnership    = "ownership"
	PartListenPath   = "listen path /"
	PartCertificates = "certificates"
)

// SharedPathError says that a Dashboard refuses a second API on /, although its domain differs.
type SharedPathError struct{ Err error }

// Error includes the Dashboard's refusal.
func (e *SharedPathError) Error() string { return "a second API on / is refused: " + e.Err.Error() }

// Unwrap returns the Dashboard's refusal.
func (e *SharedPathError) Unwrap() error { return e.Err }

// PatternError says that a Dashboard refuses a pattern of hosts as a domain.
type PatternError struct{ Err error }

// Error includes the Dashboard's refusal.
func (e *PatternError) Error() string {
	return "an API whose domain is a pattern is refused: " + e.Err.Error()
}

// Unwrap returns the Dashboard's refusal.
func (e *PatternError) Unwrap() error { return e.Err }

// OrgError says that the key does not belong to the configured organisation.
type OrgError struct{ Configured, Actual string } // Actual is "" if unknown

// Error names the organisations.
func (e *OrgError) Error() string {
	if e.Actual == "" {
		return fmt.Sprintf("Tyk.org is %s, which is not the key's organisation", e.Configured)
	}
	return fmt.Sprintf("the key belongs to organisation %s, but Tyk.org is %s", e.Actual, e.Configured)
}

// RightError says that a key may read objects but not write them.
type RightError struct{ Err error }

// Error does not name the objects: the result's part does.
func (*RightError) Error() string { return "the key may read them, but not write them" }

// Unwrap returns the Dashboard's refusal.
func (e *RightError) Unwrap() error { return e.Err }

// OwnershipError says that the Dashboard may hide APIs from the key.
type OwnershipError struct{ Sign string }

// Error includes the sign.
func (e *OwnershipError) Error() string {
	return "the Dashboard may hide APIs of other owners from this key: " + e.Sign
}

// ownership checks whether the key sees every API. Without that, nothing proves that a certificate
// is unused or that an API does not exist (Tyk Dashboard, API ownership).
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

	return "", &OwnershipError{o.Sign} // an administrator could have listed the users
}

// right returns an error unless the answer to deleting an absent object shows that the key may
// write. A Dashboard that answers that there is no such object, or that it cannot be deleted, has
// accepted the key.
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
	case errors.Is(err, dashboard.ErrNotVisible): // about the object: the listing has accepted the key
		return nil
	}

	return err
}

// Mesh is the part of the configuration that a Dashboard is checked for.
type Mesh struct {
	Org     string
	Domain  string // of mesh APIs
	SeesAll bool   // the key sees every API

	// Tag returns the tag by which sidecars load an API of the mesh; ok is false for any other API.
	Tag func(dashboard.Definition) (tag string, ok bool)
}

// Dashboard checks a Dashboard for a mesh. certs is nil if no certificates are needed.
func Dashboard(ctx context.Context, apis APIs, certs Certificates, m Mesh) []Result {
	var l list
	org := m.Org
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
		return fmt.Sprintf("writable; there are %d", len(listed)), right(apis.DeleteAPI(ctx, dashboard.AbsentID), org)
	})

	l.warn(PartTags, func() (string, error) { return tags(listed, m) })

	if !m.SeesAll {
		l.warn(PartOwnership, func() (string, error) { return ownership(ctx, apis, listed) })
	}

	l.try(PartListenPath, func() (string, error) { return sharedPath(ctx, apis, listed, org, m.Domain) })
	if l.blocked == PartAPIs { // certificates need another right
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
		return fmt.Sprintf("writable; there are %d", len(stored)), right(certs.DeleteCertificate(ctx, org+strings.Repeat("0", fingerprintDigits)), org)
	})

	return l.results
}

// fingerprintDigits is the length of a SHA-256 in hex, which follows the organisation's id in the
// id of a certificate.
const fingerprintDigits = 2 * sha256.Size

func statusOf(err error) int {
	var e *dashboard.Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// sameOrg returns an error if the listed APIs, which always belong to the key's organisation,
// belong to another one than org.
func sameOrg(listed []dashboard.API, org string) error {
	for _, api := range listed {
		if actual := api.Definition.OrgID(); actual != "" && actual != org {
			return &OrgError{Configured: org, Actual: actual}
		}
	}
	return nil
}

// sharedPath checks whether APIs of different domains may share the listen path /, as all inbound
// APIs do, and whether the domain may be a pattern. If the listing does not show it, sharedPath
// creates two APIs.
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
			err = errors.Join(err, fmt.Errorf("the test APIs %s* could not be deleted; the next check deletes them: %w", leftBehind, left))
		}
	}()
	if err := made.create(ctx, org, "one.check.invalid"); err != nil {
		return "", err
	}
	if err := made.sameOrg(ctx, org); err != nil {
		return "", err
	}
	if err := made.second(ctx, org, other); err != nil {
		return "", err
	}

	return "two test APIs could share it", nil
}

// probes are the APIs that a check creates.
type probes struct {
	apis APIs
	ids  []string // the known ones: the answer to a create may be lost
}

// create creates a probe.
func (p *probes) create(ctx context.Context, org, domain string) error {
	made, err := p.apis.CreateAPI(ctx, probe(org, domain))
	if err == nil {
		p.ids = append(p.ids, made.ID)
	}
	return err
}

// sameOrg returns an error if the Dashboard gave the probes another organisation than org, which is
// the key's (Tyk Dashboard API, create). A probe that cannot be read shows nothing.
func (p *probes) sameOrg(ctx context.Context, org string) error {
	for _, id := range p.ids {
		if api, err := p.apis.API(ctx, id); err == nil {
			return sameOrg([]dashboard.API{api}, org)
		}
	}
	return nil
}

// second creates another probe. If it is refused, the error says why: for the shared path or, if
// another domain is accepted, for its domain.
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

// clashes reports whether a second probe was refused because of the first one, from which it
// differs only in its names and its domain. The Dashboard's words for a clash are not documented.
func clashes(err error) bool {
	var e *dashboard.Error
	return errors.As(err, &e) && e.Refused() && !errors.Is(err, dashboard.ErrUnauthorized) && !errors.Is(err, dashboard.ErrLicence) && e.Status != 0
}

// cleanUp deletes all probes, those by id that the listing may not show, and those in the listing
// whose creation had no answer. It also deletes the probes of concurrent checks, which need no more
// than their creation. It goes on for cleanUpTime after ctx has ended.
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

// onRoot returns the number of domains with an API on /.
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

// probe returns an API that no gateway serves: it is inactive, and no gateway has its tag.
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

// removeLeftBehind deletes the probes in a listing.
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
