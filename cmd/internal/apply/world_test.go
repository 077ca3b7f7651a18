package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sort"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/plan/plantest"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
	"github.com/tykmesh/tykmesh/inject"
)

// issuer, workload and the rest have short names in these tests.
type issuer = plantest.Issuer

var (
	workload, route, annotated = plantest.Workload, plantest.Route, plantest.Annotated
	toldOf, stepsOf            = plantest.Told, plantest.StepsOf
	must                       = plantest.Must
)

// world is a Dashboard, a CFSSL and a ledger, and the settings that fit them.
type world struct {
	tb       testing.TB
	dash     *dashboardtest.Server
	cfssl    *catest.Server
	remote   mesh.Remote
	settings mesh.Settings

	anyAPIID bool         // the Dashboard may have chosen the api_id
	ahead    atomic.Int64 // of all clocks but the system's
}

// now returns the time of this world's servers and runs.
func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

// later moves the clocks from the system's time on.
func (w *world) later(d time.Duration) { w.ahead.Store(int64(d)) }

func newWorld(tb testing.TB, o dashboardtest.Options) *world {
	tb.Helper()
	w := &world{tb: tb}
	o.Now = w.now
	w.dash = dashboardtest.New(o)
	tb.Cleanup(w.dash.Close)
	client, err := dashboard.New(dashboard.Config{URL: w.dash.URL, Secret: w.dash.Secret, Org: w.dash.Org, Backoff: time.Millisecond})
	must(tb, err)
	ledger, err := ca.OpenFileLedger(context.Background(), filepath.Join(tb.TempDir(), "ledger.db"))
	must(tb, err)
	tb.Cleanup(func() { _ = ledger.Close(context.Background()) })
	w.remote = mesh.Remote{APIs: client, Certificates: client, Ledger: ledger}
	w.withAuthority(catest.NewCA("catest CA"))
	w.settings = mesh.Settings{
		Org: w.dash.Org, TLS: true, MeshHosts: []string{"mesh", "mesh.local", "localhost"},
		InboundTarget: "http://localhost:6767", MeshPort: 8080, Parallel: 4, Now: w.now, Settle: time.Nanosecond, BuiltIn: &mesh.BuiltIn{},
	}

	return w
}

// withAuthority has certificates issued by this CA from now on.
func (w *world) withAuthority(authority *catest.CA) {
	w.tb.Helper()
	w.cfssl = catest.New(catest.Options{CA: authority, Now: w.now})
	w.tb.Cleanup(w.cfssl.Close)
	signer, err := ca.New(ca.Config{Addr: w.cfssl.URL, Key: catest.Key, Now: w.now})
	must(w.tb, err)
	w.remote.Issuer = issuer{Signer: signer, Now: w.now}
}

// plan observes and plans, and wants no problem.
func (w *world) plan(workloads ...inject.Workload) *plan.Plan {
	w.tb.Helper()
	todo, problems := w.tryPlan(workloads...)
	if len(problems) > 0 {
		w.tb.Fatalf("problems: %v", problems)
	}
	return todo
}

func (w *world) tryPlan(workloads ...inject.Workload) (*plan.Plan, []inject.Problem) {
	w.tb.Helper()
	services, _, problems := plan.Wanted(workloads, w.settings)
	if len(problems) > 0 {
		return nil, problems
	}

	state, err := Observe(context.Background(), w.remote, w.settings)
	must(w.tb, err)
	snapshot, err := Resolve(context.Background(), w.remote, services, plan.NewSnapshot(state, w.settings))
	must(w.tb, err)

	todo, problems := plan.Register(services, snapshot)
	if todo != nil {
		must(w.tb, Prove(context.Background(), todo, w.remote))
	}

	return todo, problems
}

// run observes, plans and applies.
func (w *world) run(ctx context.Context, workloads ...inject.Workload) (map[inject.Service]inject.Binding, error) {
	w.tb.Helper()
	services, _, problems := plan.Wanted(workloads, w.settings)
	if len(problems) > 0 {
		w.tb.Fatalf("problems: %v", problems)
	}

	state, err := Observe(ctx, w.remote, w.settings)
	if err != nil {
		return nil, err
	}

	snapshot, err := Resolve(ctx, w.remote, services, plan.NewSnapshot(state, w.settings))
	if err != nil {
		return nil, err
	}

	todo, problems := plan.Register(services, snapshot)
	if len(problems) > 0 {
		w.tb.Fatalf("problems: %v", problems)
	}

	if err := Prove(ctx, todo, w.remote); err != nil {
		return nil, err
	}

	return Run(ctx, todo, w.remote, nil)
}

// failure returns the error of an Apply alone.
func failure(_ map[inject.Service]inject.Binding, err error) error { return err }

// mustRun is run without an error, checked to leave nothing to do.
func (w *world) mustRun(workloads ...inject.Workload) map[inject.Service]inject.Binding {
	w.tb.Helper()
	bindings, err := w.run(context.Background(), workloads...)
	must(w.tb, err)
	w.settled(workloads...)
	return bindings
}

// settled checks L7: a further run lists once and writes nothing.
func (w *world) settled(workloads ...inject.Workload) {
	w.tb.Helper()
	w.dash.ClearLog()
	before := w.ledgerText()
	_, err := w.run(context.Background(), workloads...)
	must(w.tb, err)

	want := "GET /api/apis?p=-2"
	if w.settings.TLS {
		want += " GET /api/certs?mode=detailed&p=-1"
	}

	if got := w.requests(); got != want {
		w.tb.Errorf("a run with nothing to do made requests: %s", got)
		for _, s := range w.plan(workloads...).Steps() {
			w.tb.Logf("planned: %v", s)
		}
	}

	if diff := cmp.Diff(before, w.ledgerText()); diff != "" {
		w.tb.Errorf("a run with nothing to do wrote to the ledger:\n%s", diff)
	}
}

// requests returns those since the log was cleared, sorted, in one line.
func (w *world) requests() string {
	var all []string
	for _, r := range w.dash.Requests() {
		line := r.Method + " " + r.Name
		if r.Query != "" {
			line += "?" + r.Query
		}
		all = append(all, line)
	}

	sort.Strings(all)
	return strings.Join(all, " ")
}

// writes returns the requests that change something.
func (w *world) writes() string {
	var all []string
	for _, r := range w.dash.Requests() {
		if r.Method != "GET" {
			all = append(all, r.Method+" "+r.Name)
		}
	}

	sort.Strings(all)
	return strings.Join(all, " ")
}

func (w *world) records() []ca.Record {
	w.tb.Helper()
	if w.remote.Ledger == nil {
		return nil
	}
	records, err := w.remote.Ledger.Records(context.Background())
	must(w.tb, err)
	return records
}

func (w *world) ledgerText() string {
	w.tb.Helper()
	var b strings.Builder
	for _, r := range w.records() {
		fmt.Fprintln(&b, r.ID, r.State, r.Fingerprint, len(r.History))
	}
	return b.String()
}

// api returns the one registered API with a slug.
func (w *world) api(slug string) dashboard.Definition {
	w.tb.Helper()
	var found []dashboard.Definition
	for _, a := range w.dash.APIs() {
		if a.Definition.Slug() == slug {
			found = append(found, a.Definition)
		}
	}

	if len(found) != 1 {
		w.tb.Fatalf("%d APIs have the slug %q", len(found), slug)
	}

	return found[0]
}

// edit changes a registered API as somebody does in the Dashboard.
func (w *world) edit(slug, path string, value any) {
	w.tb.Helper()
	d := w.api(slug)
	must(w.tb, d.Set(path, value))
	w.dash.PutAPI(dashboard.API{Definition: d})
}

func (w *world) drop(slug, path string) {
	w.tb.Helper()
	w.dash.PutAPI(dashboard.API{Definition: w.api(slug).Without([]string{path})})
}

// serve checks that the store has every certificate that an API names.
func (w *world) serve() {
	w.tb.Helper()
	stored := make(map[string]bool)
	for _, c := range w.dash.Certificates() {
		stored[c.ID] = true
	}

	for _, a := range w.dash.APIs() {
		for _, id := range a.Definition.Certificates() {
			if !stored[id] {
				w.tb.Errorf("API %s names a certificate that is not in the store", a.Definition.Name())
			}
		}
	}
}

// snapshot returns the remote state with ids, keys and times left out: what L6 compares.
func (w *world) snapshot() string {
	w.tb.Helper()
	names := make(map[string]string)
	var lines []string
	for _, c := range w.dash.Certificates() {
		names[c.ID] = "certificate of " + strings.Join(c.DNSNames, ",")
		lines = append(lines, "stored "+names[c.ID])
	}

	named := func(id string) string {
		if name := names[id]; name != "" {
			return name
		}
		return "a certificate that is not stored"
	}

	for _, a := range w.dash.APIs() {
		d := a.Definition.Clone()
		delete(d, "id")
		if o, ok := mesh.MarkedOwner(d); w.anyAPIID || ok && d.APIID() == mesh.APIID(w.settings.Org, o.Service, o.Role) {
			d["api_id"] = "derived"
		} else {
			d["api_id"] = "assigned"
		}

		for i, id := range d.Certificates() {
			d["certificates"].([]any)[i] = named(id)
		}

		text, err := json.Marshal(d)
		must(w.tb, err)
		lines = append(lines, "API "+string(text))
	}

	for _, r := range w.records() {
		lines = append(lines, fmt.Sprintf("record %s %s %v: %s", r.ID, r.State, r.Hosts, named(r.Fingerprint)))
	}

	sort.Strings(lines)

	return strings.Join(lines, "\n")
}
