// Package plantest holds workloads, an issuer and the texts of plans for tests.
package plantest

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Workload returns a workload with the route /<app>. Its positions follow from its name.
func Workload(namespace, app string, change ...func(*inject.Workload)) inject.Workload {
	pos := manifest.Position{File: namespace + "-" + app + ".yaml", Line: 1, Column: 1}
	at := func(line int) manifest.Position { return manifest.Position{File: pos.File, Line: line, Column: 9} }

	w := inject.Workload{
		Object: fmt.Sprintf("document 1 (Deployment %s/%s)", namespace, app), Pos: pos,
		Service: inject.Service{Namespace: namespace, App: app},
		Route:   "/" + app, RoutePos: at(10), TemplatePos: at(11),
	}
	for _, c := range change {
		c(&w)
	}

	for i := range w.Fields {
		w.Fields[i].Pos = at(20 + i)
	}

	return w
}

// Route sets the route of a workload.
func Route(r string) func(*inject.Workload) { return func(w *inject.Workload) { w.Route = r } }

// Annotated adds an annotation of the form kind.service.tyk.io/path.
func Annotated(kind, path string, value any) func(*inject.Workload) {
	return func(w *inject.Workload) {
		w.Fields = append(w.Fields, inject.Field{
			Key: kind + ".service.tyk.io/" + path, Path: strings.ReplaceAll(path, "-", "_"), Value: value,
		})
		slices.SortFunc(w.Fields, func(a, b inject.Field) int { return strings.Compare(a.Key, b.Key) })
	}
}

// Issuer issues certificates as cmd/tykmesh does.
type Issuer struct {
	ca.Signer
	Now func() time.Time // nil: time.Now
}

// CA returns the CA's certificate.
func (i Issuer) CA(ctx context.Context) (*x509.Certificate, error) {
	chain, err := i.Chain(ctx)
	if err != nil {
		return nil, err
	}
	return chain[0], nil
}

// Issue makes a key and a certificate for hosts.
func (i Issuer) Issue(ctx context.Context, hosts []string) (ca.Bundle, error) {
	return ca.Issue(ctx, i.Signer, ca.Request{Hosts: hosts, Key: ca.KeyRequest{Algo: ca.ECDSA, Size: 256}, Now: i.Now})
}

// Told returns a line for each step of a pruning, and for each thing that it leaves.
func Told(p *plan.Plan) string {
	var lines []string
	for _, s := range p.Steps() {
		line := fmt.Sprintf("%s %s %s", s.Action, s.Kind, s.Name)
		if s.Kind == plan.RecordKind && !strings.Contains(s.Name, "/") {
			line = fmt.Sprintf("%s %s of tyk-k8s", s.Action, s.Kind)
		}

		if s.Kind == plan.APIKind {
			line += ": " + strings.Join(s.Reasons, "; ")
		}

		lines = append(lines, line)
	}

	for _, k := range p.Kept {
		lines = append(lines, fmt.Sprintf("keep %s: %s", k.Name, k.Reason))
	}

	for _, l := range p.APIsWithSurplus {
		lines = append(lines, fmt.Sprintf("leave %d on %s: %s", l.Count, l.Slug, l.Reason))
	}

	return strings.Join(lines, "\n")
}

// StepsOf returns the steps of a kind.
func StepsOf(p *plan.Plan, k plan.Kind) []*plan.Step {
	return plan.Filter(p.All, func(s *plan.Step) bool { return s.Kind == k })
}

// Detachments returns which certificates are taken off APIs, by database id.
func Detachments(p *plan.Plan) map[string]*plan.Detachment {
	all := make(map[string]*plan.Detachment)
	for _, s := range StepsOf(p, plan.APIKind) {
		if d, ok := s.Work.(*plan.Detachment); ok {
			all[s.ID] = d
		}
	}
	return all
}

// Must ends a test with an error.
func Must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// Settings returns those of a small mesh without TLS.
func Settings() mesh.Settings {
	return mesh.Settings{Org: "5d64a47fed63100001b2f2ac", MeshHosts: []string{"mesh"}, InboundTarget: "http://localhost:6767", MeshPort: 8080}
}
