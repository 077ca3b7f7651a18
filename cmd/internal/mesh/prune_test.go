package mesh

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// past is a world of tyk-k8s: what its webhook piled up with every pod.
type past struct {
	*world
	plant func(id bson.ObjectID, document bson.D) // a record as tyk-k8s wrote it
	n     byte
}

// The ledgers that a past can have.
const (
	inFile  = "file"
	inMongo = "MongoDB"
	nowhere = "no ledger"
)

// nothingPlanted leaves what is uploaded without a record.
func nothingPlanted(bson.ObjectID, bson.D) {}

func newPast(t *testing.T, ledger string) *past {
	p := &past{world: newWorld(t, dashboardtest.Options{}), plant: nothingPlanted}
	p.settings.MeshHosts, p.settings.Settle = []string{"mesh"}, time.Nanosecond
	ctx := context.Background()
	switch ledger {
	case nowhere:
		p.remote.Ledger = nil
	case inFile:
		path := filepath.Join(t.TempDir(), "ledger.db")
		opened, err := ca.OpenFileLedger(ctx, path)
		must(t, err)
		p.remote.Ledger = opened
		p.plant = func(id bson.ObjectID, document bson.D) {
			value, err := bson.MarshalExtJSON(document, false, false)
			must(t, err)
			db, err := bbolt.Open(path, 0o600, nil)
			must(t, err)
			defer db.Close()
			must(t, db.Update(func(tx *bbolt.Tx) error {
				bucket, err := tx.CreateBucketIfNotExists([]byte("k8s_ca"))
				must(t, err)
				return bucket.Put([]byte(id.Hex()), value)
			}))
		}
	case inMongo:
		uri := catest.Mongo(t)
		opened, err := ca.OpenMongo(ctx, uri)
		must(t, err)
		t.Cleanup(func() { _ = opened.Close(ctx) })
		p.remote.Ledger = opened
		client, err := mongo.Connect(options.Client().ApplyURI(uri))
		must(t, err)
		t.Cleanup(func() { _ = client.Disconnect(ctx) })
		u, err := url.Parse(uri)
		must(t, err)
		p.plant = func(_ bson.ObjectID, document bson.D) {
			_, err := client.Database(strings.Trim(u.Path, "/")).Collection("k8s_ca").InsertOne(ctx, document)
			must(t, err)
		}
	}
	return p
}

// upload stores a certificate for hosts, with a record of tyk-k8s.
func (p *past) upload(hosts ...string) (id string) {
	p.tb.Helper()
	bundle, err := p.remote.Issuer.Issue(context.Background(), hosts)
	must(p.tb, err)
	id = p.dash.PutCertificate(bundle.PEM())
	p.n++
	isMesh := hosts[0] == meshTag
	fingerprint := strings.TrimPrefix(id, p.settings.Org)
	if isMesh {
		fingerprint = id
	}
	key := bson.ObjectID{0x5f, p.n}
	p.plant(key, bson.D{
		{Key: "_id", Value: key},
		{Key: "uid", Value: "0b7c4a55-6b9b-4f0f-8a5e-1c1e7f1b3d11"},
		{Key: "bundle", Value: bson.D{
			{Key: "privatekey", Value: []byte(bundle.Key)}, {Key: "certificate", Value: bundle.Certificate},
			{Key: "bundled", Value: bundle.PEM()}, {Key: "fingerprint", Value: fingerprint},
		}},
		{Key: "bundlehistory", Value: bson.A{}},
		{Key: "created", Value: bundle.Leaf.NotBefore}, {Key: "expires", Value: bundle.Leaf.NotAfter},
		{Key: "clientegressids", Value: nil}, {Key: "serviceid", Value: ""}, {Key: "ismeshcert", Value: isMesh},
	})
	return id
}

// pods is what a webhook leaves behind that saw so many pods of an app: a certificate for each on the inbound API, and that of the mesh as
// often on the mesh API.
func (p *past) pods(app string, n int, meshID string) {
	var own, shared []any
	for range n {
		own, shared = append(own, p.upload(app+".shop")), append(shared, meshID)
	}
	made := func(tag string, certificates []any) dashboard.Definition {
		return dashboard.Definition{
			"api_id": app + tag, "tags": []any{tag}, "certificates": certificates, "active": true, "version_data": map[string]any{"not_versioned": true},
		}
	}
	p.put(app+"-inbound", app+".shop", "/", "http://localhost:6767", made(app, own))
	p.put(app+"-mesh", "mesh", "/"+app, "https://"+app+".shop:8080", made("mesh", shared))
}

// pile is a past with two services of three pods each, a controller that started twice, and a service that is gone.
func pile(t *testing.T, ledger string) *past {
	p := newPast(t, ledger)
	started := p.upload("mesh")
	p.pods("echo", 3, p.upload("mesh"))
	p.pods("sleep", 2, started)
	p.upload("gone.shop")
	p.put("shop", "shop.example", "/", "http://shop", nil)
	p.later(2 * time.Hour)
	return p
}

func (w *world) pruning() *Pruning {
	w.tb.Helper()
	state, err := Observe(context.Background(), w.remote, w.settings)
	must(w.tb, err)
	return NewPruning(state, w.settings)
}

func (w *world) prune() error {
	w.tb.Helper()
	return w.pruning().Apply(context.Background(), w.remote, nil)
}

// told is what a pruning would do, and what it leaves, a line each.
func toldOf(p *Pruning) string {
	var lines []string
	for _, s := range p.Steps() {
		line := fmt.Sprintf("%s %s %s", s.Action, s.Kind, s.Name)
		if s.Kind == RecordKind && !strings.Contains(s.Name, "/") {
			line = fmt.Sprintf("%s %s of tyk-k8s", s.Action, s.Kind)
		}
		if s.Kind == APIKind {
			line += ": " + strings.Join(s.Reasons, "; ")
		}
		lines = append(lines, line)
	}
	for _, k := range p.Kept {
		lines = append(lines, fmt.Sprintf("keep %s: %s", k.Name, k.Reason))
	}
	for _, l := range p.Laden {
		lines = append(lines, fmt.Sprintf("leave %d on %s: %s", l.Count, l.Slug, l.Reason))
	}
	return strings.Join(lines, "\n")
}

// What tyk-k8s piled up goes: every API keeps one certificate that serves, the store and the ledger what is in use, and nothing else of any
// API changes.
func TestPruneOfThePast(t *testing.T) {
	for _, ledger := range []string{inFile, inMongo, nowhere} {
		t.Run(ledger, func(t *testing.T) {
			p := pile(t, ledger)
			want := `update API echo-inbound: 2 of 3 certificates replaced
update API echo-mesh: 2 repeated
update API sleep-inbound: 1 of 2 certificates replaced
update API sleep-mesh: 1 repeated
delete certificate echo.shop
delete certificate echo.shop
delete certificate gone.shop
delete certificate sleep.shop
`
			if ledger != nowhere {
				want += strings.Repeat("delete record of tyk-k8s\n", 4)
			}
			plan := p.pruning()
			if diff := cmp.Diff(strings.TrimSpace(want), toldOf(plan)); diff != "" {
				t.Error(diff)
			}
			before := p.dash.APIs()
			must(t, plan.Apply(context.Background(), p.remote, nil))
			after := p.dash.APIs()
			for i := range before {
				if n := len(after[i].Definition.Certificates()); n != min(1, len(before[i].Definition.Certificates())) {
					t.Errorf("%s has %d certificates", after[i].Definition.Slug(), n)
				}
				if list := changes(before[i].Definition, after[i].Definition); slices.ContainsFunc(list, func(c Change) bool { return c.Path != "certificates" }) {
					t.Errorf("%s changed: %v", after[i].Definition.Slug(), list)
				}
			}
			if n, records := len(p.dash.Certificates()), len(p.records()); n != 4 || ledger != nowhere && records != 4 {
				t.Errorf("%d certificates and %d records are left", n, records)
			}
			p.dash.ClearLog()
			if again := p.pruning(); len(again.Steps()) > 0 || p.prune() != nil || p.writes() != "" {
				t.Errorf("there is more to prune:\n%s\n%s", toldOf(again), p.writes())
			}
		})
	}
}

// Nothing is taken off an API on which nothing could stay: what serves is never taken away.
func TestPruneLeavesWhatServes(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*past)
		want  string
	}{
		"due":     {func(p *past) { p.later(300 * 24 * time.Hour) }, "leave 3 on echo-inbound: expires in 64 days\nleave 2 on echo-mesh: expires in 64 days"},
		"expired": {func(p *past) { p.later(400 * 24 * time.Hour) }, "leave 3 on echo-inbound: expired on "},
		"other hosts": {func(p *past) {
			p.settings.MeshHosts = []string{"mesh", "localhost"}
			p.edit("echo-inbound", "certificates", []any{p.api("echo-inbound").Certificates()[0]})
		}, "leave 2 on echo-mesh: none is for exactly the hosts that are wanted"},
		"another CA":     {func(p *past) { p.anotherCA() }, `leave 3 on echo-inbound: not signed by "Next CA"`},
		"CA unreachable": {func(p *past) { p.remote.Issuer = noIssuer{} }, "leave 3 on echo-inbound: which of them the present CA signed is not known"},
		"not in the store": {func(p *past) {
			for _, c := range p.dash.Certificates() {
				p.dash.DropCertificate(c.ID)
			}
		}, "leave 3 on echo-inbound: none is for exactly the hosts that are wanted"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPast(t, inFile)
			p.pods("echo", 3, p.upload("mesh"))
			both := []any{p.api("echo-mesh").Certificates()[0], p.upload("mesh")}
			p.edit("echo-mesh", "certificates", both)
			p.later(2 * time.Hour)
			c.spoil(p)
			before := p.dash.APIs()
			state, _, err := Survey(context.Background(), p.remote, p.settings)
			must(t, err)
			plan := NewPruning(state, p.settings)
			if got := toldOf(plan); !strings.Contains(got, c.want) {
				t.Errorf("%s\nwant %s", got, c.want)
			}
			must(t, plan.Apply(context.Background(), p.remote, nil))
			if diff := cmp.Diff(before, p.dash.APIs()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// anotherCA replaces the CA by one with a name of its own.
func (p *past) anotherCA() {
	next := catest.New(catest.Options{Authority: catest.NewAuthority("Next CA")})
	p.tb.Cleanup(next.Close)
	signer, err := ca.New(ca.Config{Addr: next.URL, Key: catest.Key})
	must(p.tb, err)
	p.remote.Issuer = issuer{signer}
}

// What is not ours stays, whatever it looks like; and so does what is ours as long as any API names it anywhere.
func TestPruneSparesOthers(t *testing.T) {
	for _, ledger := range []string{inFile, nowhere} {
		t.Run(ledger, func(t *testing.T) {
			p := newPast(t, ledger)
			p.plant = nothingPlanted
			p.pods("echo", 1, p.upload("mesh"))
			stays := map[string]string{
				"our CA, a foreign name":             p.upload("www.example.com"),
				"our CA, a namespace of others":      p.upload("echo.warehouse"),
				"our CA, two names":                  p.upload("sleep.shop", "www.example.com"),
				"our CA, some mesh hosts, not all":   p.upload("mesh", "mesh.elsewhere"),
				"our CA, a name without a namespace": p.upload("shop"),
			}
			own := p.remote.Issuer
			p.anotherCA()
			stays["our name, another CA"] = p.upload("echo.shop")
			stays["the mesh's name, another CA"] = p.upload("mesh")
			p.remote.Issuer = own
			for place, use := range map[string]func(id string) dashboard.Definition{
				"OAS": func(id string) dashboard.Definition {
					return dashboard.Definition{"is_oas": true, "certificates": []any{id}}
				},
				"client_certificates": func(id string) dashboard.Definition { return dashboard.Definition{"client_certificates": []any{id}} },
				"upstream_certificates": func(id string) dashboard.Definition {
					return dashboard.Definition{"upstream_certificates": map[string]any{"*": id}}
				},
				"pinned": func(id string) dashboard.Definition {
					return dashboard.Definition{"pinned_public_keys": map[string]any{"x.example": "5f00, " + id}}
				},
				"comma list": func(id string) dashboard.Definition {
					return dashboard.Definition{"pinned_public_keys": map[string]any{"x.example": id + "," + strings.Repeat("0", 88)}}
				},
				"config_data": func(id string) dashboard.Definition {
					return dashboard.Definition{"config_data": map[string]any{"deep": []any{map[string]any{"er": id}}}}
				},
			} {
				id := p.upload("sleep.shop")
				stays["ours, named in "+place] = id
				p.put("by "+place, place+".example", "/"+place, "http://x", use(id))
			}
			p.later(2 * time.Hour)
			goes := p.upload("sleep.shop")
			plan := p.pruning()
			if got := toldOf(plan); strings.Count(got, "delete") != 1 || strings.Count(got, "uses it") != 6 {
				t.Errorf("it does\n%s", got)
			}
			must(t, plan.Apply(context.Background(), p.remote, nil))
			for what, id := range stays {
				if p.dash.PEM(id) == nil {
					t.Errorf("%s: deleted", what)
				}
			}
			if p.dash.PEM(goes) != nil {
				t.Error("what is ours and unused stays: this test proves nothing")
			}
		})
	}
}

// What another run may be about to put in place stays, and what the next one would; it is said.
func TestPruneSparesTheYoung(t *testing.T) {
	p := newPast(t, inFile)
	p.mustRun(echo, sleepy)
	p.upload("old.shop")
	bundle, err := p.remote.Issuer.Issue(context.Background(), []string{"next.shop"})
	must(t, err)
	must(t, p.remote.Ledger.Insert(context.Background(), ca.NewRecord(ca.RoleInbound, "shop", "next", p.settings.Org, bundle, time.Now())))
	p.edit("sleep-inbound", "certificates", []any{})
	const young = "it is less than an hour old: another run may be about to put it in place"
	want := "keep old.shop: " + young + "\nkeep record inbound/shop/next: " + young + "\nkeep sleep.shop: the next run puts it in place"
	if diff := cmp.Diff(want, toldOf(p.pruning())); diff != "" {
		t.Error(diff)
	}
	p.later(2 * time.Hour)
	want = "delete certificate old.shop\ndelete record of tyk-k8s\ndelete record inbound/shop/next\nkeep sleep.shop: the next run puts it in place"
	if diff := cmp.Diff(want, toldOf(p.pruning())); diff != "" {
		t.Error(diff)
	}
	p.settings.MeshCertificateID = p.upload("mesh")
	p.later(2 * time.Hour)
	if got := toldOf(p.pruning()); !strings.Contains(got, "keep mesh: Injector.meshCertificateID names it") {
		t.Errorf("the configured certificate:\n%s", got)
	}
}

// What a service leaves whose APIs somebody deleted goes, with its record; the record of another organisation stays.
func TestPruneOfServicesWithoutAPIs(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.mustRun(echo, sleepy)
	bundle, err := w.remote.Issuer.Issue(context.Background(), []string{"echo.shop"})
	must(t, err)
	foreign := ca.NewRecord(ca.RoleInbound, "elsewhere", "echo", strings.Repeat("0", 24), bundle, time.Now().AddDate(-1, 0, 0))
	must(t, w.remote.Ledger.Insert(context.Background(), foreign))
	w.later(2 * time.Hour)
	for _, api := range w.dash.APIs() {
		if strings.HasPrefix(api.Definition.Slug(), "echo") {
			w.dash.DropAPI(api.Definition.ID())
		}
	}
	if diff := cmp.Diff("delete certificate echo.shop\ndelete record inbound/shop/echo", toldOf(w.pruning())); diff != "" {
		t.Error(diff)
	}
	must(t, w.prune())
	if got := w.ledgerText(); strings.Count(got, "\n") != 3 || !strings.Contains(got, foreign.ID) {
		t.Errorf("records: %s", got)
	}
	w.mustRun(sleepy)
	for _, api := range w.dash.APIs() {
		w.dash.DropAPI(api.Definition.ID())
	}
	must(t, w.prune())
	if n, got := len(w.dash.Certificates()), w.ledgerText(); n != 0 || strings.Count(got, "\n") != 1 {
		t.Errorf("without a service %d certificates are left, and the records %s", n, got)
	}
}

// Whichever request of a pruning fails, and however, what serves goes on doing so, and the next pruning ends where one without faults ends.
func TestPruneConverges(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		after  bool
	}{
		"refused":     {dashboardtest.Reply(500, "text/html", "<h1>oops</h1>"), false},
		"error after": {dashboardtest.Reply(500, "text/html", "<h1>oops</h1>"), true},
		"cut":         {dashboardtest.Cut, false},
		"cut after":   {dashboardtest.Cut, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good := pile(t, inFile)
			must(t, good.prune())
			want, requests := good.state(), len(good.dash.Requests())
			if requests < 14 {
				t.Fatalf("only %d requests", requests)
			}
			for k := 1; k <= requests; k++ {
				p := pile(t, inFile)
				p.dash.Fail(dashboardtest.Fault{Request: k, After: c.after, Answer: c.answer})
				state, err := Observe(context.Background(), p.remote, p.settings)
				if err == nil {
					err = NewPruning(state, p.settings).Apply(context.Background(), p.remote, nil)
				}
				p.dash.Heal()
				p.serving(k)
				if err := p.prune(); err != nil {
					t.Errorf("request %d (%v): the next pruning: %v", k, err, err)
				}
				if diff := cmp.Diff(want, p.state()); diff != "" {
					t.Errorf("request %d (%v): state (-without faults +got):\n%s", k, err, diff)
				}
			}
		})
	}
}

// state is what there is, by names.
func (p *past) state() string {
	var lines []string
	for _, line := range strings.Split(p.snapshot(), "\n") {
		if strings.HasPrefix(line, "record ") {
			_, line, _ = strings.Cut(line, " active ")
			hosts, _, _ := strings.Cut(line, ":")
			line = "record " + hosts
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// serving checks that no API of the mesh names a certificate that is not there, and that each has one.
func (p *past) serving(k int) {
	p.tb.Helper()
	for _, api := range p.dash.APIs() {
		d := api.Definition
		if isMember(d) && len(d.Certificates()) == 0 {
			p.tb.Errorf("request %d: %s has no certificate", k, d.Slug())
		}
		for _, id := range d.Certificates() {
			if p.dash.PEM(id) == nil {
				p.tb.Errorf("request %d: %s names a certificate that was deleted", k, d.Slug())
			}
		}
	}
}

// What somebody takes into use, takes over or takes away between the plan and its steps is left alone.
func TestPruneLooksAgain(t *testing.T) {
	p := pile(t, inFile)
	plan := p.pruning()
	gone := plan.Certificates[slices.IndexFunc(plan.Certificates, func(s Step) bool { return s.Name == "gone.shop" })].ID
	p.edit("shop", "certificates", []any{gone})
	err := plan.Apply(context.Background(), p.remote, nil)
	if err == nil || !strings.Contains(err.Error(), `deleting certificate gone.shop: API "shop" (id 5f`) || p.dash.PEM(gone) == nil {
		t.Errorf("a certificate that was taken into use: %v", err)
	}
	if n := len(p.records()); n != 5 {
		t.Errorf("%d records are left: that of what was taken into use must stay, and no other", n)
	}
	if got := toldOf(p.pruning()); !strings.HasPrefix(got, "keep gone.shop: API \"shop\"") {
		t.Errorf("the next pruning:\n%s", got)
	}

	p = pile(t, inFile)
	plan = p.pruning()
	kept := plan.detachments[p.api("echo-inbound").ID()].keep
	rest := slices.DeleteFunc(p.api("echo-inbound").Certificates(), func(id string) bool { return id == kept })
	p.edit("echo-inbound", "certificates", addMembers(rest))
	p.edit("sleep-inbound", "domain", "elsewhere.example")
	p.edit("sleep-mesh", "proxy.target_url", "https://other.shop:8080")
	p.edit("sleep-mesh", "slug", "other-mesh")
	err = plan.Apply(context.Background(), p.remote, nil)
	for _, want := range []string{
		"updating API echo-inbound: the certificate that was to stay is not on it any more",
		"updating API sleep-inbound: it is no longer this service's",
		"updating API sleep-mesh: it is no longer this service's",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	if got := p.api("echo-inbound").Certificates(); !slices.Equal(got, rest) {
		t.Errorf("certificates %v", got)
	}
	p.serving(0)
}

// Gateways have the time to load a changed API before anything is deleted that it named: the deletions come after the last update, and
// after another listing.
func TestPruneOrder(t *testing.T) {
	p := pile(t, inFile)
	plan := p.pruning()
	p.dash.ClearLog()
	must(t, plan.Apply(context.Background(), p.remote, nil))
	var phases []string
	for _, r := range p.dash.Requests() {
		phase := map[string]string{"PUT": "detach", "DELETE": "delete"}[r.Method]
		if r.Path == "/api/apis" {
			phase = "list"
		}
		if phase != "" && (len(phases) == 0 || phases[len(phases)-1] != phase) {
			phases = append(phases, phase)
		}
	}
	if got := strings.Join(phases, " "); got != "detach list delete" {
		t.Error(got)
	}

	p = pile(t, inFile)
	p.settings.Settle = time.Hour
	plan = p.pruning()
	p.dash.ClearLog()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	updates := 0
	err := plan.Apply(ctx, p.remote, func(e Event) {
		if e.Kind == Done {
			if updates++; updates == 4 {
				time.AfterFunc(100*time.Millisecond, cancel) // a run that does not wait goes on meanwhile
			}
		}
	})
	var incomplete *Incomplete
	if !errors.As(err, &incomplete) || incomplete.ExitCode() != exitInterrupted || len(incomplete.Done) != 4 || len(incomplete.Errors) != 0 {
		t.Errorf("a pruning that was interrupted while it waited: %v", err)
	}
	if got := p.requests(); strings.Contains(got, "GET /api/apis?") || strings.Contains(got, "DELETE") {
		t.Errorf("requests without a wait: %s", got)
	}
}

// What fails does not stop the rest, but for what builds on it: a certificate that could not be taken off its API, the record of one that
// could not be deleted.
func TestPruneGoesOnAfterFailures(t *testing.T) {
	p := pile(t, inFile)
	p.dash.Fail(dashboardtest.Fault{Method: "PUT", Path: "/api/apis/" + p.api("echo-inbound").ID(), Times: -1, Answer: dashboardtest.Refusal(400, "no")})
	var incomplete *Incomplete
	if err := p.prune(); !errors.As(err, &incomplete) || len(incomplete.Errors) != 1 || len(incomplete.NotDone) != 5 {
		t.Errorf("an API that cannot be changed: %v", err)
	}
	if n := len(p.api("echo-inbound").Certificates()); n != 3 || len(p.dash.Certificates()) != 6 || len(p.records()) != 6 {
		t.Errorf("%d certificates on the API, %d in the store, %d records", n, len(p.dash.Certificates()), len(p.records()))
	}
	p.serving(0)

	p = pile(t, inFile)
	p.dash.Fail(dashboardtest.Fault{Method: "DELETE", Times: -1, Answer: dashboardtest.Refusal(400, "no")})
	if err := p.prune(); !errors.As(err, &incomplete) || len(incomplete.Errors) != 4 || len(incomplete.NotDone) != 8 {
		t.Errorf("certificates that cannot be deleted: %v", err)
	}
	if n := len(p.records()); n != 8 {
		t.Errorf("%d of 8 records are left, and nobody knows any more whose certificates are", n)
	}

	p = pile(t, inFile)
	gone := p.upload("lost.shop")
	p.dash.DropCertificate(gone)
	plan := p.pruning()
	p.edit("shop", "certificates", []any{gone})
	if err := plan.Apply(context.Background(), p.remote, nil); err == nil || !strings.Contains(err.Error(), `deleting record 5f`) {
		t.Errorf("the record of a certificate that an API names by now: %v", err)
	}
}

// Of certificates for one name gateways serve the last: what is there several times stays where it counts.
func TestRepeatedCertificates(t *testing.T) {
	for given, want := range map[string]string{"a a a": "a", "a b a": "b a", "b a b x": "a b", "x a": "a", "a b": "a b", "a b c c": "a b c"} {
		d := dashboard.Definition{"certificates": addList(strings.Fields(given))}
		if got := strings.Join(detached(d, []string{"x"}).Certificates(), " "); got != want {
			t.Errorf("%s without x: %s, want %s", given, got, want)
		}
	}
}

// addList is a list as definitions hold it, with what it repeats.
func addList(list []string) (out []any) {
	for _, s := range list {
		out = append(out, s)
	}
	return out
}

// The certificate of a CA is never ours to delete, whatever it names and whoever recorded it.
func TestPruneSparesCAs(t *testing.T) {
	authority := catest.NewAuthority("Mesh CA").Cert
	stored := func(id string, isCA bool) dashboard.Certificate {
		return dashboard.Certificate{ID: id, IssuerCN: "Mesh CA", DNSNames: []string{"echo.shop"}, NotAfter: time.Now().Add(time.Hour), IsCA: isCA}
	}
	state := State{
		Authority: authority, HasLedger: true,
		APIs:         []dashboard.API{{Definition: dashboard.Definition{"slug": "sleep-inbound", "domain": "sleep.shop", "tags": []any{"sleep"}}}},
		Certificates: []dashboard.Certificate{stored("leaf", false), stored("ca", true), {ID: "recorded"}},
		Records:      []ca.Record{{ID: "5f", Legacy: true, Fingerprint: "recorded", Certificate: catest.NewAuthority("Mesh CA").PEM()}},
	}
	if diff := cmp.Diff("delete certificate echo.shop", toldOf(NewPruning(state, Settings{TLS: true}))); diff != "" {
		t.Error(diff)
	}
}
