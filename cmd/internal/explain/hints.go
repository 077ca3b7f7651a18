package explain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/cmd/internal/apply"
	"github.com/tykmesh/tykmesh/cmd/internal/check"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/prose"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/checks"
	"github.com/tykmesh/tykmesh/inject/spelling"
)

// hints are the hints about errors of other packages.
var hints = []struct {
	err  error
	hint string
}{
	{dashboard.ErrUnauthorized, "Tyk.secret must be the API access key of a Dashboard user who may write APIs and certificates (Dashboard: user profile)"},
	{ca.ErrUntrusted, "add a new CA to CA.bundlePath, and bring that file to the pods, before the CA signs (tykmesh ca rotate)"},
	{ca.ErrNotYetValid, clockHint},
	{ca.ErrExpired, "replace the CA: tykmesh ca init --dir ANOTHER makes one; with --local DIR, delete DIR/ca and run it again"},
	{dashboard.ErrLicence, "each service needs two APIs, but the Dashboard's licence allows no more: delete APIs, or get a larger licence"},
	{dashboard.ErrNoGateway, "the Dashboard stores certificates through its gateway: tyk_api_config in its configuration must name a gateway that is up"},
	{dashboard.ErrExists, sharedPathHint},
}

// sharedPathHint is the hint about a Dashboard that does not let two APIs share a listen path.
const sharedPathHint = "every inbound API listens on / under its own domain: allow that in the Dashboard (enable_duplicate_slugs: true)"

// problemHint returns the hint about a problem, or about its rule, and how to accept its warnings
// if that is possible; "" if there is no hint.
func problemHint(p inject.Problem) string {
	hint := Code(p.Rule).Hint
	for _, c := range checks.All {
		if c.Code == string(p.Rule) {
			hint = cmp.Or(p.Hint, c.Hint)
		}
	}

	switch {
	case !acceptable(p.Rule):
	case p.Object == "": // it is about the configuration
		hint += "; or accept it: Injector.accept: [" + string(p.Rule) + "]"
	default:
		hint += "; or accept it: injector.tyk.io/accept: " + string(p.Rule)
	}

	return hint
}

// hintsOf returns the hints about problems, each once.
func hintsOf(problems []inject.Problem) (found []string) {
	for _, p := range problems {
		if hint := problemHint(p); hint != "" && !slices.Contains(found, hint) {
			found = append(found, hint)
		}
	}
	return found
}

// Hints returns the next things to try about an error; none if the error is clear by itself.
func Hints(err error) (found []string) {
	var own interface{ Hint() string }
	if errors.As(err, &own) && own.Hint() != "" {
		found = append(found, strings.Split(own.Hint(), "\n")...)
	}

	for _, hint := range []string{checkHint(err), caHint(err)} {
		if hint != "" {
			found = append(found, hint)
		}
	}

	found = append(found, ca.Hints(err)...)

	if unknown := (*plan.UnknownError)(nil); errors.As(err, &unknown) {
		found = append(found, "tykmesh status lists the services on the mesh, which are named NAMESPACE/APP"+spelling.Suggest(unknown.Name, unknown.Known))
	}

	found = append(found, goneHints(err)...)
	if d := (*dashboard.Error)(nil); errors.As(err, &d) {
		if hint := hintForDashboard(d); hint != "" {
			found = append(found, hint)
		}
	}

	for _, h := range hints {
		if errors.Is(err, h.err) {
			found = append(found, h.hint)
		}
	}

	if refusedDomain(err) {
		found = append(found, "if the Dashboard refuses a pattern of hosts, set a single host in Injector.meshDomain")
	}

	var incomplete *apply.Incomplete
	if errors.As(err, &incomplete) && incomplete.Partial() {
		again := "run it again: it continues where this run ended"
		if len(found) > 0 || errors.As(err, new(*plan.UnkeptError)) { // its text says what to do first
			again = "then " + again
		}
		found = append(found, again)
	}

	return found
}

// ofService matches the end of a conflict with an API that carries the mark of a service.
var ofService = regexp.MustCompile(` of service ([a-z0-9-]+/[a-z0-9-]+)(;|, in another namespace| under it|$)`)

// goneHints returns how to delete services whose APIs block others, each once. A renamed service
// keeps its route until it is deleted.
func goneHints(err error) (found []string) {
	var refused Refusal
	if !errors.As(err, &refused) {
		return nil
	}

	for _, p := range refused {
		if m := ofService.FindStringSubmatch(p.Msg); m != nil && p.Rule == inject.RuleConflict {
			hint := fmt.Sprintf("if %s was renamed or no longer exists, delete it from the mesh: tykmesh delete %[1]s", m[1])
			if !slices.Contains(found, hint) {
				found = append(found, hint)
			}
		}
	}

	return found
}

// checkHint returns the hint about errors that only check finds; "" without one.
func checkHint(err error) string {
	var org *check.OrgError
	switch {
	case errors.As(err, new(*check.OwnershipError)):
		return apply.RightKey
	case errors.As(err, new(*check.ClockError)):
		return clockHint
	case errors.As(err, new(*check.SharedPathError)) && !errors.Is(err, dashboard.ErrExists): // the client does not know these words
		return sharedPathHint
	case errors.As(err, &org):
		return "set Tyk.org to that id, or Tyk.secret to the key of a user of the other organisation"
	}

	return ""
}

// caHint returns the hint about a CA that cannot be set up; "" without one.
func caHint(err error) string {
	var (
		exists    *pki.ExistsError
		encrypted *ca.EncryptedError
		eager     *plan.EagerError
		busy      *pki.BusyError

		unfinished *pki.UnfinishedError
	)

	switch {
	case errors.As(err, &eager):
		return "--renew-before must be shorter than the lifetime of certificates, which the issuer's signing profile sets (expiry)"
	case errors.As(err, &exists):
		dir := filepath.Dir(exists.Path)
		return fmt.Sprintf("name another directory with --dir; --from %s --dir ANOTHER takes over the existing CA", prose.ShellWord(dir)) +
			"; tykmesh ca rotate replaces it by a new one"
	case errors.As(err, &busy):
		return "wait until that run ends, then run the command again"
	case errors.As(err, &unfinished):
		return fmt.Sprintf("run tykmesh ca %s --dir %s, which finishes the work", unfinished.Step, prose.ShellWord(unfinished.Dir))
	case errors.As(err, &encrypted):
		return fmt.Sprintf("decrypt it first, because tykmesh takes no password: openssl pkey -in %s -out FILE", prose.ShellWord(encrypted.Path))
	}

	return ""
}

// clockHint is the hint about clocks that differ.
const clockHint = "synchronize both clocks with an NTP server: one side's certificates are not valid yet for the other"

// hintForDashboard returns the hint about a Dashboard that gave no answer, or an unexpected one, or
// "".
func hintForDashboard(d *dashboard.Error) string {
	if errors.Is(d, context.Canceled) {
		return ""
	}

	switch ca.TLSTroubleOf(d) {
	case ca.TLSWrongHost:
		return "Tyk.url must have a host that the Dashboard's certificate names"
	case ca.TLSUntrusted:
		return "make this machine trust the CA of the Dashboard's certificate, or name it in SSL_CERT_FILE; Tyk.insecureSkipVerify: true trusts any"
	case ca.TLSPlain:
		return "Tyk.url begins with https://, but the server there speaks plain HTTP"
	case ca.TLSWanted:
		return "Tyk.url begins with http://, but the server there wants https://"
	}

	switch {
	case strings.HasPrefix(d.Message, "proxyconnect "): // net/http, about the proxy of the environment
		return "HTTP_PROXY or HTTPS_PROXY names a proxy that does not answer; correct it, or list the host of Tyk.url in NO_PROXY"
	case d.Unreachable():
		return "is Tyk.url right, and reachable from here? without any server: --local DIR"
	case d.Foreign() && d.Status/100 == 5:
		return "a proxy seems to answer for the Dashboard: is the Dashboard itself up?"
	case d.Foreign():
		return "another server seems to answer at Tyk.url (the Dashboard's address, without /api): a proxy, a login page, another service"
	case d.Status/100 == 5, d.Status == http.StatusOK:
		return "the Dashboard's log says why it failed"
	}

	return ""
}

// refusedDomain reports whether the Dashboard refused an API because of its domain. There is no
// status for that, so the text decides.
func refusedDomain(err error) bool {
	if errors.As(err, new(*check.PatternError)) {
		return true
	}
	var d *dashboard.Error
	return errors.As(err, &d) && d.Method == http.MethodPost && d.Status == http.StatusBadRequest && strings.Contains(strings.ToLower(d.Message), "domain")
}
