package plan_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/plan/plantest"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

const randomOrg = "5d64a47fed63100001b2f2ac"

// made is a certificate that random worlds are made of.
type made struct {
	dashboard.Certificate
	leaf    []byte // in PEM
	foreign bool   // by name or issuer: nobody may delete it unless the ledger has it
}

// pool makes certificates of two CAs, ours and another, and returns ours.
func pool(t *testing.T) (all []made, ours *ca.Local) {
	ours, err := ca.OpenLocal(t.TempDir(), nil)
	plantest.Must(t, err)
	theirs, err := ca.OpenLocal(t.TempDir(), nil)
	plantest.Must(t, err)
	for _, name := range []string{"echo.shop", "sleep.shop", "gone.shop", "mesh mesh.local", "mesh", "www.example.com", "echo.shop b"} {
		hosts := strings.Fields(name)
		for i, signer := range []*ca.Local{ours, ours, ours, theirs} {
			bundle, err := plantest.Issuer{Signer: signer}.Issue(context.Background(), hosts)
			plantest.Must(t, err)
			c, err := dashboard.ParseCertificate(randomOrg, bundle.PEM())
			plantest.Must(t, err)
			foreign := i == 3 || slices.Contains([]string{"mesh", "www.example.com", "echo.shop b"}, name)
			all = append(all, made{c, bundle.Certificate, foreign})
		}
	}

	return all, ours
}

// randomState returns a remote state in which anybody may have done anything. Every certificate is
// a year old in it.
func randomState(t *testing.T, r *rand.Rand, pool []made) plan.State {
	var state plan.State
	some := func(share float64) (ids []any) {
		for _, c := range pool {
			if r.Float64() < share {
				for range 1 + r.IntN(2) {
					ids = append(ids, c.ID)
				}
			}
		}

		r.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		return ids
	}

	details := r.IntN(4) > 0
	for _, c := range pool {
		if r.IntN(5) > 0 {
			stored := c.Certificate
			if !details {
				stored = dashboard.Certificate{ID: c.ID}
			}
			state.Certificates = append(state.Certificates, stored)
		}
	}

	add := func(d dashboard.Definition) {
		d["id"] = fmt.Sprintf("5f%022x", len(state.APIs))
		state.APIs = append(state.APIs, dashboard.API{Definition: d})
	}
	for _, app := range []string{"echo", "sleep", "echo"}[:r.IntN(4)] {
		svc := inject.Service{Namespace: "shop", App: app}
		for _, role := range []mesh.Role{mesh.Inbound, mesh.Mesh} {
			d := dashboard.Definition{"slug": app + "-" + string(role), "certificates": some(0.2), "is_oas": r.IntN(8) == 0}
			switch marked := r.IntN(2) == 0; {
			case marked:
				plantest.Must(t, d.Set("config_data.tykmesh", map[string]any{"namespace": svc.Namespace, "app": svc.App, "role": string(role), "paths": []any{}}))
			case role == mesh.Inbound:
				d["domain"], d["tags"] = mesh.Host(svc), []any{app}
			default:
				d["proxy"], d["tags"] = map[string]any{"target_url": "https://" + mesh.Host(svc) + ":8080"}, []any{"mesh"}
			}

			add(d)
		}
	}

	switch id := pool[r.IntN(len(pool))].ID; r.IntN(4) {
	case 0:
		add(dashboard.Definition{"slug": "foreign", "certificates": some(0.1)})
	case 1:
		add(dashboard.Definition{"slug": "foreign", "pinned_public_keys": map[string]any{"x": "abc, " + id}})
	case 2:
		add(dashboard.Definition{"slug": "foreign", "upstream_certificates": map[string]any{"*": id}})
	}

	if state.HasLedger = r.IntN(3) > 0; state.HasLedger {
		state.Records = randomRecords(r, pool)
	}

	return state
}

func randomRecords(r *rand.Rand, pool []made) (all []ca.Record) {
	pick := func() made { return pool[r.IntN(len(pool))] }
	record := func(id, role, namespace, app string, c made) ca.Record {
		return ca.Record{
			ID: id, Role: role, Namespace: namespace, App: app, Hosts: c.DNSNames, Certificate: c.leaf, Fingerprint: c.ID,
			NotBefore: c.NotBefore, Expires: c.NotAfter, Created: c.NotBefore, State: []ca.State{ca.Active, ca.Active, ca.Pending}[r.IntN(3)],
		}
	}

	for _, app := range []string{"echo", "sleep", "gone", "mesh"} {
		if r.IntN(2) == 0 {
			continue
		}

		role, namespace := ca.RoleInbound, "shop"
		if app == "mesh" {
			role, namespace = ca.RoleMesh, ""
		}

		one := record(ca.RecordID(role, namespace, app), role, namespace, app, pick())
		for range r.IntN(3) {
			one.History = append(one.History, ca.Past{Fingerprint: pick().ID})
		}

		all = append(all, one)
	}

	for i := range r.IntN(6) {
		one := record(fmt.Sprintf("5f%022x", i), ca.RoleInbound, "", "", pick())
		one.Legacy, one.State = true, ca.Active
		if r.IntN(2) == 0 {
			one.Fingerprint = strings.TrimPrefix(one.Fingerprint, randomOrg)
		}
		all = append(all, one)
	}

	return all
}

// afterPruning returns a state once a pruning is done, without the code that does it.
func afterPruning(p *plan.Plan, state plan.State) plan.State {
	drop := func(steps []*plan.Step) map[string]bool {
		ids := make(map[string]bool)
		for _, s := range steps {
			ids[s.ID] = true
		}
		return ids
	}

	certificates, records, detachments := drop(plantest.StepsOf(p, plan.CertificateKind)), drop(plantest.StepsOf(p, plan.RecordKind)), plantest.Detachments(p)

	out := plan.State{HasLedger: state.HasLedger, CA: state.CA}
	for _, api := range state.APIs {
		if d, ok := detachments[api.Definition.ID()]; ok {
			var left []any
			for i, id := range api.Definition.Certificates() {
				if rest := api.Definition.Certificates()[i+1:]; !slices.Contains(d.Former, id) && !slices.Contains(rest, id) {
					left = append(left, id)
				}
			}

			api.Definition = api.Definition.Clone()
			api.Definition["certificates"] = left
		}

		out.APIs = append(out.APIs, api)
	}

	for _, c := range state.Certificates {
		if !certificates[c.ID] {
			out.Certificates = append(out.Certificates, c)
		}
	}

	for _, r := range state.Records {
		if !records[r.ID] {
			out.Records = append(out.Records, r)
		}
	}

	return out
}

// TestPruneProperties holds prunings of random worlds against what is promised of every one.
func TestPruneProperties(t *testing.T) {
	certificates, authority := pool(t)
	byID := make(map[string]made)
	for _, c := range certificates {
		byID[c.ID] = c
	}

	ours, err := plantest.Issuer{Signer: authority}.CA(context.Background())
	plantest.Must(t, err)

	detached, deleted, forgotten := 0, 0, 0
	tries := uint64(600)
	if testing.Short() {
		tries = 120
	}

	for seed := range tries {
		r := rand.New(rand.NewPCG(seed, 0))
		state := randomState(t, r, certificates)
		state.CA = ours
		s := mesh.Settings{
			Org: randomOrg, TLS: true, MeshHosts: []string{"mesh", "mesh.local"},
			Now: func() time.Time { return time.Now().Add([]time.Duration{2 * time.Hour, 300 * 24 * time.Hour}[seed%2]) },
		}
		p := plan.Prune(plan.NewSnapshot(state, s))
		detached, deleted, forgotten = detached+len(plantest.StepsOf(p, plan.APIKind)), deleted+len(plantest.StepsOf(p, plan.CertificateKind)), forgotten+len(plantest.StepsOf(p, plan.RecordKind))
		left := afterPruning(p, state)

		text, err := json.Marshal(left.APIs)
		plantest.Must(t, err)

		recorded := make(map[string]bool)
		for _, record := range state.Records {
			for _, held := range append([]ca.Past{{Fingerprint: record.Fingerprint}}, record.History...) {
				recorded[held.Fingerprint], recorded[s.Org+held.Fingerprint] = true, true // tyk-k8s left out the organisation
			}
		}

		for _, step := range plantest.StepsOf(p, plan.CertificateKind) {
			if strings.Contains(string(text), step.ID) {
				t.Errorf("seed %d: %s is deleted although an API names it", seed, step.Name)
			}
			if byID[step.ID].foreign && !recorded[step.ID] {
				t.Errorf("seed %d: %s is deleted although it is not ours", seed, step.Name)
			}
		}

		for i, api := range left.APIs {
			before, after := state.APIs[i].Definition.Certificates(), api.Definition.Certificates()
			if len(after) == 0 && len(before) > 0 {
				t.Errorf("seed %d: %s has no certificate left", seed, api.Definition.Slug())
			}

			if d, ok := plantest.Detachments(p)[api.Definition.ID()]; ok && len(d.Former) > 0 {
				held := slices.IndexFunc(left.Certificates, func(c dashboard.Certificate) bool { return c.ID == d.Keep })
				if !slices.Contains(after, d.Keep) || held < 0 || byID[d.Keep].foreign && byID[d.Keep].IssuerCN != ours.Subject.CommonName {
					t.Errorf("seed %d: what %s keeps does not serve", seed, api.Definition.Slug())
				}
			}
		}

		for _, step := range plantest.StepsOf(p, plan.RecordKind) {
			for _, id := range step.Work.(*plan.RecordDeletion).Unused {
				if slices.ContainsFunc(left.Certificates, func(c dashboard.Certificate) bool { return c.ID == id }) {
					t.Errorf("seed %d: record %s goes although one of its certificates stays", seed, step.ID)
				}
			}
		}

		if again := plan.Prune(plan.NewSnapshot(left, s)); len(again.Steps()) > 0 {
			t.Errorf("seed %d: after a pruning there is more to prune: %v", seed, again.Steps())
		}

		shuffled := plan.State{HasLedger: state.HasLedger, CA: ours}
		shuffled.APIs, shuffled.Certificates, shuffled.Records = slices.Clone(state.APIs), slices.Clone(state.Certificates), slices.Clone(state.Records)
		r.Shuffle(len(shuffled.APIs), func(i, j int) { a := shuffled.APIs; a[i], a[j] = a[j], a[i] })
		r.Shuffle(len(shuffled.Certificates), func(i, j int) { c := shuffled.Certificates; c[i], c[j] = c[j], c[i] })
		r.Shuffle(len(shuffled.Records), func(i, j int) { c := shuffled.Records; c[i], c[j] = c[j], c[i] })
		if diff := cmp.Diff(plantest.Told(p), plantest.Told(plan.Prune(plan.NewSnapshot(shuffled, s)))); diff != "" {
			t.Errorf("seed %d: in another order:\n%s", seed, diff)
		}

		if diff := cmp.Diff(plan.NewCertificateList(plan.NewSnapshot(state, s)), plan.NewCertificateList(plan.NewSnapshot(shuffled, s))); diff != "" {
			t.Errorf("seed %d: a list in another order:\n%s", seed, diff)
		}
	}

	if detached < 100 || deleted < 100 || forgotten < 100 {
		t.Errorf("%d APIs, %d certificates and %d records: the worlds prove little", detached, deleted, forgotten)
	}
}
