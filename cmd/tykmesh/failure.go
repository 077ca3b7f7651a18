package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/cmd/internal/check"
	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/spelling"
)

// printError tells people why a run failed: each refusal with its place, everything else behind
// "error:", then what is done and what is not, and what to do next.
func printError(w io.Writer, err error) {
	var refused refusal
	if errors.As(err, &refused) {
		for _, p := range refused {
			fmt.Fprintln(w, problemEntry(severityError, p).line())
		}

		fmt.Fprintf(w, "error: %s: nothing was changed and nothing is printed\n", plural(len(refused), "problem"))
		for _, rule := range rulesOf(refused) {
			if hint := ruleHint(rule); hint != "" {
				fmt.Fprintf(w, "hint: %s\n", hint)
			}
		}

		printHints(w, err)

		return
	}

	for _, line := range errorLines(err) {
		fmt.Fprintf(w, "error: %s\n", line)
	}

	var incomplete *mesh.Incomplete
	if errors.As(err, &incomplete) && incomplete.Partial() {
		printSteps(w, "done", incomplete.Done)
		printSteps(w, "not done", incomplete.NotDone)
		printSteps(w, "unknown", incomplete.Unknown)
	}

	if late := (*unprintedError)(nil); errors.As(err, &late) {
		printSteps(w, statusDone, late.done)
	}

	if missing := (*unregisteredError)(nil); errors.As(err, &missing) {
		for _, s := range missing.steps {
			fmt.Fprintf(w, "to do: %s\n", s)
		}
	}

	printHints(w, err)
}

func printHints(w io.Writer, err error) {
	for _, hint := range hintsFor(err) {
		fmt.Fprintf(w, "hint: %s\n", hint)
	}
}

func printSteps(w io.Writer, what string, steps []mesh.Step) {
	for _, s := range steps {
		fmt.Fprintf(w, "%s: %s %s %s\n", what, s.Action, s.Kind, s.Name)
	}
}

// hints are what to do about errors that come from below.
var hints = []struct {
	err  error
	hint string
}{
	{dashboard.ErrUnauthorized, "Tyk.secret must be the API access key of a Dashboard user who may write APIs and certificates (Dashboard: user profile)"},
	{ca.ErrUntrusted, "CA.bundlePath holds what pods trust: a new CA goes into it, and from there to the pods, before it signs (tykmesh ca rotate)"},
	{ca.ErrNotYetValid, clockHint},
	{ca.ErrExpired, "another CA has to take its place: tykmesh ca init --dir ANOTHER makes one; --local DIR does by itself where DIR/ca is gone"},
	{dashboard.ErrLicence, "the Dashboard's licence allows no more APIs, and each service needs two: delete APIs, or get a licence for more"},
	{dashboard.ErrNoGateway, "the Dashboard keeps certificates in its gateway: tyk_api_config in its configuration must lead to one that is up"},
	{dashboard.ErrExists, sharedPathHint},
}

// sharedPathHint is what to do about a Dashboard that keeps two APIs from sharing a listen path.
const sharedPathHint = "every inbound API listens on / and is told apart by its domain: the Dashboard must allow that (enable_duplicate_slugs: true)"

// ruleHints are what to do about what the checks across the stream find.
var ruleHints = map[inject.Rule]string{
	inject.RuleAnnotation: "tykmesh help annotations lists them, with what each takes",
	inject.RuleSelector:   "behind a Service on the mesh belong pods with a sidecar: annotate their pod templates",
	inject.RuleTarget:     "a targetPort is the name or the number of a port of the pods",
	inject.RuleRoute:      "callers need a Service that is called as the app label, annotated, with a selector of these pods",
	inject.RuleIngress: "a second Service without the annotation leads straight to the app by the old port; through the sidecar it takes port 8080, or the old one with " +
		"Injector.servicePorts: preserve, and of nginx " +
		"upstream-vhost: APP.NAMESPACE, with TLS backend-protocol: HTTPS",
	inject.RulePolicy: "pods on the mesh are called on port 8080 and call others there: let it through",
	inject.RuleSecurity: "the namespace has to allow it (pod-security.kubernetes.io/enforce), or who sets the rules up is another one: injector.tyk.io/intercept: none, " +
		"with a CNI plugin or HTTP_PROXY",
	inject.RuleHostNetwork: "such pods cannot be on the mesh: hostNetwork has to go, or the annotation",
	inject.RuleJob:         "of the built-in sidecars, native ones end with their pods: Injector.nativeSidecar: true, or Injector.kubeVersion of 1.29 or later",
	inject.RuleScaler:      "give the sidecar resources.requests, or scale by a metric of type ContainerResource",
	inject.RuleMesh:        "take the pods off one of the two meshes; with the built-in sidecar injector.tyk.io/intercept: none leaves their calls to the other one",
	inject.RuleQuota: "Sidecar.cpu, cpuLimit, memory and memoryLimit are the sidecar's amounts, Injector.rulesCPU and its like those of its init containers; " +
		"a LimitRange gives a default to every container of a namespace",
	inject.RuleDomain: "give the namespace another name, like NAMESPACE-mesh",
}

// ruleHint is what to do about a finding, and how to accept it if that is possible; "" where the
// finding says it all.
func ruleHint(rule inject.Rule) string {
	hint := ruleHints[rule]
	if hint == "" {
		return ""
	}
	if _, err := inject.ParseAccepted(string(rule)); err != nil {
		return hint
	}

	return fmt.Sprintf("%s; or it is meant so: injector.tyk.io/accept: %s", hint, rule)
}

// rulesOf returns the rules of problems, each once.
func rulesOf(problems []inject.Problem) (rules []inject.Rule) {
	for _, p := range problems {
		if !slices.Contains(rules, p.Rule) {
			rules = append(rules, p.Rule)
		}
	}
	return rules
}

// hintsFor are what to type or to look at next; none where the error says it all.
func hintsFor(err error) (found []string) {
	var own interface{ Hint() string }
	if errors.As(err, &own) && own.Hint() != "" {
		found = append(found, own.Hint())
	}

	for _, hint := range []string{checkHint(err), caHint(err)} {
		if hint != "" {
			found = append(found, hint)
		}
	}

	found = append(found, ca.Hints(err)...)

	if unknown := (*mesh.UnknownError)(nil); errors.As(err, &unknown) {
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
		found = append(found, "a Dashboard that refuses a pattern of hosts takes one host: Injector.meshDomain")
	}

	var incomplete *mesh.Incomplete
	if errors.As(err, &incomplete) && incomplete.Partial() {
		again := "run it again: it takes up where this run ended"
		if len(found) > 0 || errors.As(err, new(*mesh.UnkeptError)) { // which says what to do first
			again = "then " + again
		}
		found = append(found, again)
	}

	return found
}

// ofService matches the end of a conflict with an API that has the mark of a service.
var ofService = regexp.MustCompile(` of service ([a-z0-9-]+/[a-z0-9-]+)(;|, in another namespace| under it|$)`)

// goneHints returns how to take services off the mesh that hold what others want, each once. A
// renamed service goes on holding its route.
func goneHints(err error) (found []string) {
	var refused refusal
	if !errors.As(err, &refused) {
		return nil
	}

	for _, p := range refused {
		if m := ofService.FindStringSubmatch(p.Msg); m != nil && p.Rule == inject.RuleConflict {
			hint := fmt.Sprintf("if %s was renamed or is gone: tykmesh delete %[1]s takes it off the mesh", m[1])
			if !slices.Contains(found, hint) {
				found = append(found, hint)
			}
		}
	}

	return found
}

// settingError returns an error that a setting turned out to be, once it was used.
func settingError(c config.Config, key string, err error) error {
	return c.Fail(key, err, strings.Join(hintsFor(err), "; "))
}

// leftWarning is what becomes of replaced certificates that could not be deleted, for the reason
// that the first of them gave.
func leftWarning(n int, reason error) string {
	var partial *mesh.PartialError
	var unproved *mesh.UnprovedError
	switch {
	case errors.As(reason, &partial):
		return fmt.Sprintf("%s kept: %v, and another one may use what was replaced; %s", plural(n, "replaced certificate"), partial, mesh.RightKey)
	case errors.As(reason, &unproved):
		return fmt.Sprintf("%s kept: %v; %s", plural(n, "replaced certificate"), unproved, mesh.RightKey)
	}

	return fmt.Sprintf("%s could not be deleted: %v; nothing uses what is left, the next run tries again, and so does tykmesh certs prune",
		plural(n, "replaced certificate"), reason)
}

// checkHint is what to do about what check alone finds.
func checkHint(err error) string {
	var org *check.OrgError
	switch {
	case errors.As(err, new(*check.OwnershipError)):
		return mesh.RightKey
	case errors.As(err, new(*check.SharedPathError)) && !errors.Is(err, dashboard.ErrExists): // in words that the client does not know
		return sharedPathHint
	case errors.As(err, &org):
		return "set Tyk.org to that id, or Tyk.secret to the key of a user of the other organisation"
	}

	return ""
}

// caHint is what to do about a CA that cannot be set up.
func caHint(err error) string {
	var (
		exists    *pki.ExistsError
		encrypted *ca.EncryptedError
		eager     *mesh.EagerError
		busy      *pki.BusyError

		unfinished *pki.UnfinishedError
	)

	switch {
	case errors.As(err, &eager):
		return "--renew-before must be shorter than the lifetime of certificates, which the issuer's signing profile sets (expiry)"
	case errors.As(err, &exists):
		dir := filepath.Dir(exists.Path)
		return fmt.Sprintf("--dir names another folder; --from %s --dir ANOTHER brings the CA that is there", shellWord(dir)) +
			"; tykmesh ca rotate puts a new one in its place"
	case errors.As(err, &busy):
		return "wait until that is done, and type the same again"
	case errors.As(err, &unfinished):
		return fmt.Sprintf("run tykmesh ca %s --dir %s, which finishes the work", unfinished.Step, shellWord(unfinished.Dir))
	case errors.As(err, &encrypted):
		return fmt.Sprintf("no password can be given: openssl pkey -in %s -out FILE decrypts it", shellWord(encrypted.Path))
	}

	return ""
}

// clockHint is what to do about clocks that differ.
const clockHint = "certificates that one of them makes are not valid yet for the other: let both take their time from an NTP server"

// hintForDashboard is what to look at when the Dashboard gave no answer, or one that it should not
// give.
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
		return "Tyk.url begins with https://, but what listens there speaks plain HTTP"
	case ca.TLSWanted:
		return "Tyk.url begins with http://, but what listens there wants https://"
	}

	switch {
	case d.Unreachable():
		return "is Tyk.url right, and reachable from here? without any server: --local DIR"
	case d.Foreign() && d.Status/100 == 5:
		return "something in front of the Dashboard seems to answer in its place: is the Dashboard itself up?"
	case d.Foreign():
		return "what answers at Tyk.url (the Dashboard's address, without /api) seems to be something else: a proxy, a login page, another service"
	case d.Status/100 == 5, d.Status == http.StatusOK:
		return "the Dashboard's log says why it failed"
	}

	return ""
}

// refusedDomain reports whether the Dashboard refused an API for its domain, which it has no status
// of its own for.
func refusedDomain(err error) bool {
	if errors.As(err, new(*check.PatternError)) {
		return true
	}
	var d *dashboard.Error
	return errors.As(err, &d) && d.Method == http.MethodPost && d.Status == http.StatusBadRequest && strings.Contains(strings.ToLower(d.Message), "domain")
}
