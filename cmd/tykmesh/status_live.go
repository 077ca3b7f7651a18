package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/cmd/internal/exit"
	"github.com/tykmesh/tykmesh/cmd/internal/explain"
	"github.com/tykmesh/tykmesh/cmd/internal/live"
	"github.com/tykmesh/tykmesh/cmd/internal/overview"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/display"
)

// liveKinds are the kinds that status -f reads, as kubectl abbreviates them.
const liveKinds = "deploy,sts,ds,rs,svc,cm,secret"

// liveFlags name live objects: what kubectl get -o yaml has printed.
type liveFlags struct{ inputFlags }

func (g *liveFlags) add(c *command) {
	g.inputFlags.add(c)
	c.Flags().Lookup("filename").Usage = "read live objects, as kubectl get -o yaml prints them, from `PATH`: a file, a directory, or - for standard input; may be repeated"
}

// addBeside adds the flags to a command that asks servers without them.
func (g *liveFlags) addBeside(c *command, servers *listFlags) {
	g.add(c)
	c.rules = append(c.rules, func() []flagRule {
		return []flagRule{
			{g.given() && servers.local != "", "--filename and --local exclude each other: live objects show the mesh of a cluster"},
			{g.recursive && !g.given(), "--recursive needs a directory: name it with -f"},
		}
	})
}

// given reports whether the command reads live objects.
func (g *liveFlags) given() bool { return len(g.files) > 0 }

// readLive returns the state of the mesh in live objects, and tells which kinds of objects are not
// there.
func readLive(ctx context.Context, p process, f liveFlags, r *report.Run) (*live.Mesh, error) {
	docs, err := readDocuments(ctx, p, f.inputFlags, "", r)
	if err != nil {
		return nil, err
	}

	m, unreadable := live.Read(docs, p.now())

	var problems []inject.Problem
	for _, u := range unreadable {
		problems = append(problems, inject.Problem{Rule: inject.RuleSyntax, Pos: u.Err.Pos, Object: fmt.Sprintf("document %d", u.Document), Msg: display.Line(u.Err.Msg)})
	}
	if err := explain.Refuse(docs, problems); err != nil {
		return nil, err
	}

	warnOfLacks(r, m)
	if m.Dashboard > 0 {
		r.Warn("%s on the mesh of a Dashboard: tykmesh status without -f asks it", report.Plural(m.Dashboard, "workload"))
	}

	return m, nil
}

// warnOfLacks warns of kinds of which there is no object, if the mesh needs some.
func warnOfLacks(r *report.Run, m *live.Mesh) {
	for _, text := range lacksOf(m) {
		r.Warn("%s", text)
	}
}

// lacksOf returns a sentence for each kind that the mesh needs, and of which there is no object.
func lacksOf(m *live.Mesh) (texts []string) {
	unknown := map[string]string{"Service": "routes", "ConfigMap": "definitions", "Secret": "certificates and tokens"}
	hasSecret := func(s *live.Service) bool { return s.Certificate.Secret != "" || s.Token.Secret != "" }
	for _, kind := range m.Lacks {
		if len(m.Services) > 0 && (kind != "Secret" || slices.ContainsFunc(m.Services, hasSecret)) {
			texts = append(texts, fmt.Sprintf("the input holds no %s, so %s are unknown; add %s to kubectl get", kind, unknown[kind], strings.ToLower(kind)))
		}
	}
	return texts
}

// runLive does the work of status -f.
func (f *statusCmd) runLive(ctx context.Context, p process, r *report.Run) (report.Output, error) {
	m, err := readLive(ctx, p, f.liveFlags, r)
	if err != nil {
		return nil, err
	}

	if err := f.nameFlags.live(m); err != nil {
		return nil, err
	}

	if slices.ContainsFunc(m.Diagnostics, func(d live.Diagnostic) bool { return d.Severity == live.Error }) {
		r.Exit = exit.Changes
	}

	switch {
	case len(m.Services) > 0 || len(m.Orphans) > 0:
		r.Lastly("%s on the mesh%s", report.Plural(len(m.Services), "service"), countLive(m))
	case m.Dashboard == 0:
		r.Lastly("nothing is on the mesh%s", f.inNamespace())
	}

	list := newLiveList(m, p.now())
	mesh := func() overview.Mesh { return newLiveOverview(m, p.now()) }
	list.Further = showing(mesh)
	r.Show(mesh)

	return r.Output(list, f.format), nil
}

// countLive counts the diagnostics and orphans, for the summary.
func countLive(m *live.Mesh) (text string) {
	count := make(map[live.Severity]int)
	for _, d := range m.Diagnostics {
		count[d.Severity]++
	}

	for _, severity := range []live.Severity{live.Error, live.Warning} {
		if n := count[severity]; n > 0 {
			text += ", " + report.Plural(n, string(severity))
		}
	}
	if n := len(m.Orphans); n > 0 {
		text += ", " + report.Plural(n, "orphan")
	}

	return text
}

// newLiveList returns the list of services.
func newLiveList(m *live.Mesh, now time.Time) report.List {
	out := report.List{Document: newLiveDocument(m, now), Table: func(t *report.Table) { writeLiveTable(t, m, now) }}
	for _, s := range m.Services {
		out.Names = append(out.Names, s.Namespace+"/"+s.App)
	}

	return out
}

// writeLiveTable writes a line for each service, then the diagnostics, then the orphans.
func writeLiveTable(t *report.Table, m *live.Mesh, now time.Time) {
	if len(m.Services) > 0 {
		t.Head(liveColumns()...)
	}

	for _, s := range m.Services {
		t.Row(s.Namespace, s.App, strings.Join(s.Workloads, ", "), orDash(strings.Join(routesOf(s), ", ")), orUnknown(portText(s.Port)), orUnknown(string(s.TLS)),
			orUnknown(strings.Join(s.Allow, ", ")), configsOf(s), liveEnd(s.Certificate.Secret, s.Certificate.State, s.Certificate.NotAfter, now),
			liveEnd(s.Token.Secret, s.Token.State, s.Token.Expires, now),
			orDash(s.Certificate.Secret), orDash(strings.Join(s.Certificate.Hosts, ", ")), orDash(s.Certificate.Issuer), orDash(s.Certificate.Fingerprint), orDash(s.Token.Secret))
	}

	for i, a := range m.Authorities {
		if i == 0 {
			t.Gap()
		}
		t.Line("CA %s: %s", a.Name, endOf(a.NotAfter, now))
	}

	for i, d := range m.Diagnostics {
		if i == 0 && len(m.Services) > 0 {
			t.Gap()
		}
		t.Line("%s: %s/%s: %s: %s; %s", d.Severity, d.Namespace, d.App, d.Object, d.Message, d.Next)
	}

	for i, o := range m.Orphans {
		if i == 0 && len(m.Services) > 0 {
			t.Gap()
		}
		text := fmt.Sprintf("orphan: %s %s/%s: %s", o.Kind, o.Namespace, o.Name, o.Reason)
		if o.Command != "" {
			text += "; " + o.Command
		}
		t.Line("%s", text)
	}
}

// liveColumns returns the columns of services in live objects. The last ones are for -o wide.
func liveColumns() []report.Column {
	columns := report.Columns("NAMESPACE", "SERVICE", "WORKLOADS", "ROUTES", "PORT", "TLS", "CALLERS", "CONFIGMAP", "CERTIFICATE", "TOKEN")
	columns[8].Style, columns[9].Style = report.Ends, report.Ends

	return append(columns, report.WideColumns("CERTIFICATE SECRET", "HOSTS", "ISSUER", "FINGERPRINT", "TOKEN SECRET")...)
}

// routesOf returns the paths by which callers of the service's own namespace reach it.
func routesOf(s *live.Service) (routes []string) {
	for _, name := range s.Routes {
		routes = append(routes, "mesh/"+name)
	}
	return routes
}

// configsOf returns the ConfigMaps of a service, and which of them are not there.
func configsOf(s *live.Service) string {
	var texts []string
	for _, c := range s.Configs {
		text := c.Name
		if c.State != live.Present {
			text += " (" + stateText(c.State) + ")"
		}
		texts = append(texts, text)
	}

	return strings.Join(texts, ", ")
}

// liveEnd returns when the content of a Secret ends, or why that is not known.
func liveEnd(secret string, state live.State, end, now time.Time) string {
	switch {
	case secret == "":
		return "-"
	case state != live.Present:
		return stateText(state)
	}
	return endOf(end, now)
}

// stateText returns a state in a table, where a fault must be seen.
func stateText(state live.State) string {
	if state == live.Missing || state == live.Unreadable {
		return strings.ToUpper(string(state))
	}
	return string(state)
}

func orUnknown(text string) string {
	if text == "" {
		return "unknown"
	}
	return text
}

func portText(port int) string {
	if port == 0 {
		return ""
	}
	return fmt.Sprint(port)
}

// liveDocument is the output of status -f -o json. Lists are never null.
type liveDocument struct {
	Services    []liveService    `json:"services"`
	Authorities []liveAuthority  `json:"authorities"`
	Diagnostics []liveDiagnostic `json:"diagnostics"`
	Orphans     []liveOrphan     `json:"orphans"`
	Lacks       []string         `json:"lacks"` // kinds of which the input holds no object
}

type (
	liveAuthority struct {
		Name      string     `json:"name"`
		NotBefore *time.Time `json:"notBefore"`
		Expires   *time.Time `json:"expires"`
		DaysLeft  *int       `json:"daysLeft"` // below 0: expired
	}
	liveService struct {
		Namespace   string           `json:"namespace"`
		Service     string           `json:"service"`
		Workloads   []string         `json:"workloads"`
		Routes      []string         `json:"routes"`         // the names of Services: mesh/NAME
		Port        int              `json:"port,omitempty"` // of the sidecars
		TLS         live.TLS         `json:"tls,omitempty"`  // off, tls or mutual
		Callers     []string         `json:"callers"`        // app.namespace, or *; none if unknown
		ConfigMaps  []liveConfigMap  `json:"configMaps"`
		Certificate *liveCertificate `json:"certificate,omitempty"`
		Token       *liveToken       `json:"token,omitempty"`
	}
	liveConfigMap struct {
		Name  string     `json:"name"`
		State live.State `json:"state"` // present, missing or unknown
	}
	liveCertificate struct {
		Secret    string     `json:"secret"`
		State     live.State `json:"state"` // also unreadable
		NotBefore *time.Time `json:"notBefore,omitempty"`
		Expires   *time.Time `json:"expires,omitempty"`
		DaysLeft  *int       `json:"daysLeft,omitempty"` // below 0: expired
		Hosts     []string   `json:"hosts"`
		Lacking   []string   `json:"lackingHosts"`
		Issuer    string     `json:"issuer,omitempty"`

		Fingerprint string `json:"fingerprint,omitempty"` // SHA-256
	}
	liveToken struct {
		Secret   string     `json:"secret"`
		State    live.State `json:"state"`
		Subject  string     `json:"subject,omitempty"`
		Expires  *time.Time `json:"expires,omitempty"`
		DaysLeft *int       `json:"daysLeft,omitempty"`
	}
	liveDiagnostic struct {
		Severity  live.Severity `json:"severity"` // error or warning
		Namespace string        `json:"namespace"`
		Service   string        `json:"service"`
		Object    string        `json:"object"`
		Message   string        `json:"message"`
		Next      string        `json:"next"` // what to do
	}
	liveOrphan struct {
		Kind      string `json:"kind"`
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
		Reason    string `json:"reason"`
		Command   string `json:"command,omitempty"` // deletes it
	}
)

func newLiveDocument(m *live.Mesh, now time.Time) liveDocument {
	doc := liveDocument{Services: []liveService{}, Authorities: []liveAuthority{}, Diagnostics: []liveDiagnostic{}, Orphans: []liveOrphan{}, Lacks: append([]string{}, m.Lacks...)}
	for _, s := range m.Services {
		row := liveService{
			Namespace: s.Namespace, Service: s.App, Workloads: s.Workloads, Routes: append([]string{}, s.Routes...), Port: s.Port, TLS: s.TLS,
			Callers: append([]string{}, s.Allow...), ConfigMaps: []liveConfigMap{},
		}
		for _, c := range s.Configs {
			row.ConfigMaps = append(row.ConfigMaps, liveConfigMap(c))
		}
		if c := s.Certificate; c.Secret != "" {
			row.Certificate = &liveCertificate{
				Secret: c.Secret, State: c.State, NotBefore: timeOf(c.NotBefore), Expires: timeOf(c.NotAfter), DaysLeft: daysLeft(c.NotAfter, now),
				Hosts: append([]string{}, c.Hosts...), Lacking: append([]string{}, c.Lacking...), Issuer: c.Issuer, Fingerprint: c.Fingerprint,
			}
		}
		if t := s.Token; t.Secret != "" {
			row.Token = &liveToken{Secret: t.Secret, State: t.State, Subject: t.Subject, Expires: timeOf(t.Expires), DaysLeft: daysLeft(t.Expires, now)}
		}

		doc.Services = append(doc.Services, row)
	}

	for _, a := range m.Authorities {
		doc.Authorities = append(doc.Authorities, liveAuthority{a.Name, timeOf(a.NotBefore), timeOf(a.NotAfter), daysLeft(a.NotAfter, now)})
	}
	for _, d := range m.Diagnostics {
		doc.Diagnostics = append(doc.Diagnostics, liveDiagnostic{d.Severity, d.Namespace, d.App, d.Object, d.Message, d.Next})
	}
	for _, o := range m.Orphans {
		doc.Orphans = append(doc.Orphans, liveOrphan(o))
	}

	return doc
}

// daysLeft returns in how many days a time comes; nil for an unknown one.
func daysLeft(t, now time.Time) *int {
	if t.IsZero() {
		return nil
	}
	return new(int(math.Floor(t.Sub(now).Hours() / 24)))
}
