package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/cmd/internal/overview"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject"
)

// Reports in Markdown show the mesh of a run. It is made here.

// overview returns the mesh of the stream: its services, their calls and their certificates.
func (i injected) overview(r *report.Run, now time.Time) overview.Mesh {
	m := overview.Mesh{Now: now}
	services := make(map[inject.Service]*overview.Service)
	workloads := make(map[inject.Service][]string)
	for _, o := range i.stream.Objects {
		svc := o.Service
		if svc.App == "" || o.Outcome == inject.Refused {
			continue
		}

		s := services[svc]
		if s == nil {
			s = &overview.Service{Namespace: svc.Namespace, App: svc.App, Change: changeOf(r.Plan.Steps.Of(svc.String()))}
			services[svc] = s
		}
		if w := o.Workload(); w != nil && w.Route != "" && !i.standalone && !slices.Contains(s.Routes, w.Route) {
			s.Routes = append(s.Routes, w.Route)
		}
		workloads[svc] = append(workloads[svc], fmt.Sprintf("%s %s", o.Kind, o.Name))
	}

	for _, identity := range i.stream.Identities() {
		if s := services[identity.Service]; s != nil {
			for _, name := range identity.Names {
				s.Routes = append(s.Routes, "mesh/"+name)
			}
		}
	}

	for svc, s := range services {
		s.Facts = []overview.Fact{{Title: "workloads", Text: strings.Join(workloads[svc], ", ")}}
		m.Services = append(m.Services, *s)
	}
	slices.SortFunc(m.Services, overview.Service.Compare)

	for _, c := range i.stream.Calls {
		m.Calls = append(m.Calls, overview.Call{From: c.From.String(), To: c.To.String()})
	}

	if i.plan != nil {
		m.Certificates = endsOf(i.plan)
		m.Notes = append(m.Notes, newStatusSize(i.plan.Routes, i.plan.Settings).String())
	}

	return m
}

// changeOf returns the change of a service by a plan, in a word.
func changeOf(own report.Steps) string {
	isNew := func(s report.Event) bool { return s.Action == string(plan.Create) }
	switch {
	case len(own) == 0:
		return ""
	case slices.ContainsFunc(own, isNew):
		return "create"
	}
	return "update"
}

// endsOf returns the certificates that services and the mesh have after a plan.
func endsOf(todo *plan.Plan) (all []overview.Certificate) {
	for _, end := range todo.Ends {
		c := overview.Certificate{Name: plan.MeshName, NotAfter: end.NotAfter}
		if end.Service.App != "" {
			c.Name = end.Service.String()
		}
		if end.Action == plan.Issue {
			c.Note = "new"
		}
		all = append(all, c)
	}

	return all
}

// heldCertificates returns the certificates of a list that are there.
func heldCertificates(list []plan.HeldCertificate) (all []overview.Certificate) {
	for _, c := range list {
		if c.ID == "" && c.Use != plan.UseCA {
			continue
		}
		note := notesOn(c, "")
		if c.Renewal != "" {
			note = strings.Join(slices.DeleteFunc([]string{"certs renew replaces it: " + c.Renewal, note}, func(s string) bool { return s == "" }), ", ")
		}
		all = append(all, overview.Certificate{Name: c.Name, NotAfter: c.NotAfter, Note: strings.TrimSpace(note)})
	}

	return all
}

// checksMesh returns the parts that check has looked at.
func checksMesh(checks report.Checks) (m overview.Mesh) {
	m.Verdict = "ready"
	if len(checks.Failed()) > 0 {
		m.Verdict = "not ready"
	}

	for _, d := range checks {
		m.Parts = append(m.Parts, overview.Part{Name: d.Object, Status: d.Severity, Text: strings.ReplaceAll(d.Message, "\n", "; "), Hints: d.Hints})
	}

	return m
}
