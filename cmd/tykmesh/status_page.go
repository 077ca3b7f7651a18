package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/cmd/internal/live"
	"github.com/tykmesh/tykmesh/cmd/internal/overview"
	"github.com/tykmesh/tykmesh/cmd/internal/page"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
)

// The formats of --output that show the whole mesh.
const (
	formatMarkdown = "markdown"
	formatHTML     = "html"
)

// overviews are the formats that show the whole mesh.
var overviews = []string{formatMarkdown, formatHTML}

// showing returns the writers of these formats.
func showing(mesh func() *overview.Mesh) map[string]func(io.Writer) error {
	return map[string]func(io.Writer) error{
		formatMarkdown: func(w io.Writer) error { return overview.Markdown(w, *mesh()) },
		formatHTML:     func(w io.Writer) error { return page.Write(w, mesh()) },
	}
}

// newOverview returns the services that a Dashboard has, as a page shows them.
func newOverview(inventory plan.Inventory, x *plan.Snapshot, size statusSize, partial error) *overview.Mesh {
	m := &overview.Mesh{
		Title: "Mesh of the Dashboard", Now: x.Settings.Time(),
		CallsNote: "The Dashboard does not know who calls whom, so there are no arrows.",
	}
	if partial != nil {
		m.Findings = append(m.Findings, overview.Finding{Severity: string(live.Warning), Message: partial.Error()})
	}

	if c := x.CA(); c != nil && len(inventory.Services) > 0 {
		m.Certificates = append(m.Certificates, overview.Certificate{Name: "CA " + c.Subject.CommonName, NotAfter: c.NotAfter})
	}
	m.Certificates = append(m.Certificates, certificateOf("mesh", inventory.Certificate)...)
	for _, text := range inventory.Certificate.Drift {
		m.Findings = append(m.Findings, overview.Finding{Severity: string(live.Warning), Object: "mesh certificate", Message: text})
	}

	for _, s := range inventory.Services {
		row := overview.Service{Namespace: s.Service.Namespace, App: s.Service.App, Drift: s.Drift}
		if s.Route != "" {
			row.Routes = []string{s.Route}
		}

		var apis []string
		for _, a := range s.APIs {
			apis = append(apis, a.Slug)
		}
		row.Facts = []overview.Fact{{Title: "APIs", Text: strings.Join(apis, ", ")}}
		m.Services = append(m.Services, row)
		m.Certificates = append(m.Certificates, certificateOf(row.Name(), s.Certificate)...)
	}

	for _, o := range inventory.Orphans {
		name := o.ID
		if o.Name != "" {
			name = o.Name + " (" + o.ID + ")"
		}
		m.Orphans = append(m.Orphans, overview.Orphan{Kind: string(o.Kind), Name: name, Reason: o.Reason, Command: "tykmesh certs prune"})
	}
	if len(m.Services) > 0 {
		m.Notes = append(m.Notes, size.String())
	}

	return m
}

// certificateOf returns the certificate of a service or of the mesh, if there has to be one.
func certificateOf(name string, c plan.CertificateStatus) []overview.Certificate {
	switch {
	case c.Lost:
		return []overview.Certificate{{Name: name, Fault: "lost"}}
	case c.ID == "" && len(c.Drift) == 0:
		return nil
	case c.ID == "":
		return []overview.Certificate{{Name: name, Fault: "missing"}}
	}
	return []overview.Certificate{{Name: name, NotAfter: c.Expires}}
}

// newLiveOverview returns the services that live objects show, as a page shows them.
func newLiveOverview(m *live.Mesh, now time.Time) *overview.Mesh {
	out := &overview.Mesh{Title: "Mesh without a Dashboard", Now: now, CallsNote: "Arrows come from the callers that services name; services that name none are open to all of the mesh."}
	for _, a := range m.Authorities {
		out.Certificates = append(out.Certificates, overview.Certificate{Name: "CA " + a.Name, NotAfter: a.NotAfter})
	}

	for _, s := range m.Services {
		row := newLiveRow(s, now)
		out.Services = append(out.Services, row)
		if c := s.Certificate; c.Secret != "" {
			out.Certificates = append(out.Certificates, overview.Certificate{Name: row.Name(), NotAfter: c.NotAfter, Fault: faultOf(c.State)})
		}
		for _, caller := range s.Allow {
			if from, ok := callerOf(caller); ok {
				out.Calls = append(out.Calls, overview.Call{From: from, To: row.Name()})
			}
		}
	}

	for _, d := range m.Diagnostics {
		f := overview.Finding{Severity: string(d.Severity), Service: d.Namespace + "/" + d.App, Object: d.Object, Message: d.Message}
		if d.Next != "" {
			f.Hints = []string{d.Next}
		}
		out.Findings = append(out.Findings, f)
	}
	for _, o := range m.Orphans {
		out.Orphans = append(out.Orphans, overview.Orphan{Kind: o.Kind, Name: o.Namespace + "/" + o.Name, Reason: o.Reason, Command: o.Command})
	}
	for _, kind := range m.Lacks {
		out.Notes = append(out.Notes, fmt.Sprintf("The input holds no %s.", kind))
	}

	return out
}

// newLiveRow returns the row of a service.
func newLiveRow(s *live.Service, now time.Time) overview.Service {
	callers := strings.Join(s.Allow, ", ")
	if slices.Contains(s.Allow, "*") {
		callers = "all of the mesh"
	}

	row := overview.Service{Namespace: s.Namespace, App: s.App, Routes: routesOf(s)}
	row.Facts = []overview.Fact{
		{Title: "Workloads", Text: strings.Join(s.Workloads, ", ")},
		{Title: "Port", Text: orUnknown(portText(s.Port))},
		{Title: "TLS", Text: orUnknown(string(s.TLS))},
		{Title: "Callers", Text: orUnknown(callers)},
		{Title: "ConfigMap", Text: configsOf(s)},
		{Title: "Token", Text: liveEnd(s.Token.Secret, s.Token.State, s.Token.Expires, now)},
	}

	return row
}

// faultOf returns why the certificate in a Secret is not usable; "" for one that is, or may be.
func faultOf(state live.State) string {
	if state == live.Missing || state == live.Unreadable {
		return string(state)
	}
	return ""
}

// callerOf returns the name of a caller, which a definition calls app.namespace. All callers have
// none.
func callerOf(subject string) (name string, ok bool) {
	dot := strings.LastIndexByte(subject, '.')
	if dot < 0 {
		return "", false
	}

	return subject[dot+1:] + "/" + subject[:dot], true
}
