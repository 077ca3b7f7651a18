package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
	"github.com/tykmesh/tykmesh/inject"
)

var (
	cart = workload("shop", "cart")
	mail = workload("shop", "mail")
)

// owning are Dashboards on which users own APIs, from before and after they learned to tell a
// hidden API from one that does not exist, and to tell who uses a certificate.
var owning = map[string]dashboardtest.Options{
	"old":                        {UnknownIs401: true, NoCertificateAPIs: true},
	"new":                        {NoCertificateAPIs: true},
	"tells own uses":             {},
	"tells all uses":             {ShowsForeignUses: true},
	"old, tells all uses":        {UnknownIs401: true, ShowsForeignUses: true},
	"writers become owners":      {OwnedByWriter: true},
	"old, writers become owners": {OwnedByWriter: true, UnknownIs401: true, NoCertificateAPIs: true},
}

// newOwnedWorld returns a world in which an administrator has registered cart and mail, and team B
// owns cart's APIs. Team A acts from now on.
func newOwnedWorld(t *testing.T, o dashboardtest.Options) *world {
	o.Ownership = true
	o.Rights = dashboardtest.Rights{Admin: true, User: "admin"}
	o.Keys = map[string]dashboardtest.Rights{"key-of-a": {User: "a", Groups: []string{"A"}}}
	w := newWorld(t, o)
	_, err := w.run(context.Background(), cart, mail)
	must(t, err)
	for _, a := range w.dash.APIs() {
		owner := "[]"
		if strings.HasPrefix(a.Definition.Slug(), "cart-") {
			owner = `["B"]`
		}
		w.dash.PutAPI(dashboard.API{Definition: a.Definition, Envelope: map[string]json.RawMessage{
			"user_group_owners": json.RawMessage(owner), "user_owners": json.RawMessage("[]"),
		}})
	}

	w.as("key-of-a")

	return w
}

// as acts with another key.
func (w *world) as(key string) {
	w.tb.Helper()
	client, err := dashboard.New(dashboard.Config{URL: w.dash.URL, Secret: key, Org: w.dash.Org, Backoff: time.Millisecond})
	must(w.tb, err)
	w.remote.APIs, w.remote.Certificates = client, client
}

// intact checks that cart still has its APIs once, and each API the certificates that it names.
func (w *world) intact() {
	w.tb.Helper()
	w.serve()
	w.api("cart-inbound")
	w.api("cart-mesh")
}

// TestOwnership: nothing is taken from a team whose APIs this key does not see, and nothing is
// created over them.
func TestOwnership(t *testing.T) {
	for _, act := range []struct {
		name    string
		do      func(*world) error
		partial bool // the error says that not every API is shown
	}{
		{name: "renew", do: func(w *world) error {
			w.later(300 * 24 * time.Hour)
			return w.renewing()
		}},
		{name: "renew, asked for", do: func(w *world) error { return w.renewing(plan.MeshName) }},
		{name: "prune", partial: true, do: func(w *world) error {
			w.later(2 * time.Hour)
			return failure(Run(context.Background(), plan.Prune(plan.NewSnapshot(w.state(), w.settings)), w.remote, nil))
		}},
		{name: "delete mail", partial: true, do: func(w *world) error {
			return failure(Run(context.Background(), plan.Remove([]inject.Service{mail.Service}, plan.NewSnapshot(w.state(), w.settings)), w.remote, nil))
		}},
		{name: "delete cart", partial: true, do: func(w *world) error {
			return failure(Run(context.Background(), plan.Remove([]inject.Service{cart.Service}, plan.NewSnapshot(w.state(), w.settings)), w.remote, nil))
		}},
		{name: "inject cart", do: func(w *world) error {
			_, err := w.run(context.Background(), cart)
			if !errors.As(err, new(*HiddenError)) {
				w.tb.Errorf("error %v, want one about a hidden API", err)
			}
			return err
		}},
		{name: "inject mail with another route", do: func(w *world) error {
			w.later(300 * 24 * time.Hour)
			_, err := w.run(context.Background(), workload("shop", "mail", route("/post")))
			return err
		}},
	} {
		for kind, options := range owning {
			for _, ledger := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%s/ledger %v", act.name, kind, ledger), func(t *testing.T) {
					t.Parallel()
					w := newOwnedWorld(t, options)
					if !ledger {
						w.remote.Ledger = nil
					}

					err := act.do(w)
					if act.partial && !errors.As(err, new(*PartialError)) {
						t.Errorf("error %v, want one that says that not every API is shown", err)
					}

					w.intact()

					// An administrator finishes the work.
					w.as(w.dash.Secret)
					_, err = w.run(context.Background(), cart, mail)
					must(t, err)
					w.intact()
				})
			}
		}
	}
}

// renewing renews the named certificates, or those that are due.
func (w *world) renewing(names ...string) error {
	w.tb.Helper()
	todo, err := plan.Renew(plan.NewSnapshot(w.state(), w.settings), names)
	must(w.tb, err)
	_, err = Run(context.Background(), todo, w.remote, nil)
	return err
}

// state returns the remote state.
func (w *world) state() plan.State {
	w.tb.Helper()
	state, err := Observe(context.Background(), w.remote, w.settings)
	must(w.tb, err)
	return state
}

// TestHiddenAndRenamed: where the Dashboard chooses api_ids, an API that is not shown cannot be
// found by its id. Signs of owners are enough not to create a second one.
func TestHiddenAndRenamed(t *testing.T) {
	for name, o := range map[string]dashboardtest.Options{
		"chooses for good, old":  {AssignsAPIID: true, KeepsAPIID: true, UnknownIs401: true},
		"chooses for good, seen": {AssignsAPIID: true, KeepsAPIID: true, OwnedByWriter: true},
		"chooses for good, uses": {AssignsAPIID: true, KeepsAPIID: true, ShowsForeignUses: true},
		"chooses":                {AssignsAPIID: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newOwnedWorld(t, o)
			if o.OwnedByWriter { // team A owns mail, so the listing has owners
				w.as(w.dash.Secret)
				for _, a := range w.dash.APIs() {
					if strings.HasPrefix(a.Definition.Slug(), "mail-") {
						w.dash.PutAPI(dashboard.API{Definition: a.Definition, Envelope: map[string]json.RawMessage{"user_group_owners": json.RawMessage(`["A"]`)}})
					}
				}
				w.as("key-of-a")
			}

			if _, err := w.run(context.Background(), cart); !errors.As(err, new(*HiddenError)) {
				t.Errorf("error %v, want one about a hidden API", err)
			}

			w.intact()
		})
	}
}

// TestProvenAdministrators: a key that is known to see every API may delete. A Dashboard that hides
// keys does not tell; the configuration can.
func TestProvenAdministrators(t *testing.T) {
	for _, c := range []struct {
		name          string
		key           string
		hides, saysSo bool
		deletes       bool
	}{
		{"administrator", dashboardtest.DefaultSecret, false, false, true},
		{"administrator, hidden", dashboardtest.DefaultSecret, true, false, false},
		{"administrator, by configuration", dashboardtest.DefaultSecret, true, true, true},
		{"user", "key-of-a", false, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newOwnedWorld(t, dashboardtest.Options{HidesKeys: c.hides, NoCertificateAPIs: true})
			w.as(c.key)
			w.settings.SeesAllAPIs = c.saysSo
			before := w.api("cart-mesh").Certificates()[0]
			must(t, w.renewing(plan.MeshName))
			if deleted := w.dash.PEM(before) == nil; deleted != c.deletes {
				t.Errorf("the replaced certificate was deleted: %v, want %v", deleted, c.deletes)
			}

			w.intact()
			if todo := w.plan(mail); !todo.Empty() {
				t.Errorf("the next run wants to %v", todo.Steps())
			}
		})
	}
}

// TestOldDashboards: one that cannot tell who uses a certificate still has those deleted that the
// run itself took off every API. Others stay, and are not planned again and again.
func TestOldDashboards(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{NoCertificateAPIs: true})
	w.mustRun(echo, sleepy)
	w.later(nearEnd)
	w.mustRun(echo, sleepy)
	w.serves()

	w.later(2 * nearEnd)
	w.dash.Fail(dashboardtest.Fault{Method: "DELETE", Times: -1, Answer: dashboardtest.Refusal(403, "not yours")})
	_, err := w.run(context.Background(), echo, sleepy)
	must(t, err)
	w.dash.Heal()
	if n := len(w.dash.Certificates()); n != 6 {
		t.Fatalf("%d certificates", n)
	}

	if todo := w.plan(echo, sleepy); !todo.Empty() {
		t.Errorf("a plan with what no proof allows: %v", todo.Steps())
	}

	var unproved *UnprovedError
	if err := failure(Run(context.Background(), plan.Prune(plan.NewSnapshot(w.state(), w.settings)), w.remote, nil)); !errors.As(err, &unproved) {
		t.Errorf("pruning: %v", err)
	}

	w.settings.SeesAllAPIs = true
	w.mustRun(echo, sleepy)
	w.serves()
}

// TestTruncatedListings: APIs that a listing cuts off keep their certificates, whatever the run is
// about.
func TestTruncatedListings(t *testing.T) {
	for n := range 4 {
		for name, act := range map[string]func(*world) error{
			"delete": func(w *world) error {
				return failure(Run(context.Background(), plan.Remove([]inject.Service{echo.Service, sleepy.Service}, plan.NewSnapshot(w.state(), w.settings)), w.remote, nil))
			},
			"prune": func(w *world) error {
				w.later(2 * time.Hour)
				return failure(Run(context.Background(), plan.Prune(plan.NewSnapshot(w.state(), w.settings)), w.remote, nil))
			},
			"renew": func(w *world) error {
				w.later(nearEnd)
				return w.renewing()
			},
			"inject": func(w *world) error {
				w.later(nearEnd)
				_, err := w.run(context.Background(), echo, sleepy)
				return err
			},
		} {
			for _, old := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %d APIs, old %v", name, n, old), func(t *testing.T) {
					w := newWorld(t, dashboardtest.Options{Truncates: n + 1, NoCertificateAPIs: old})
					_, err := w.run(context.Background(), echo, sleepy)
					must(t, err)
					_ = act(w)
					w.serve()
				})
			}
		}
	}
}

// TestHalfListed: a listing may show one API of a service and cut off the other. Not even an
// administrator's key proves then, where the Dashboard cannot tell, that the other one uses no
// certificate.
func TestHalfListed(t *testing.T) {
	for _, role := range []mesh.Role{mesh.Inbound, mesh.Mesh} {
		t.Run(string(role), func(t *testing.T) {
			w := newWorld(t, dashboardtest.Options{NoCertificateAPIs: true})
			w.remote.Ledger = nil
			w.settings.SeesAllAPIs = true
			w.mustRun(echo)
			state := w.state()
			state.APIs = slices.DeleteFunc(state.APIs, func(a dashboard.API) bool { return a.Definition.Slug() == echo.Service.App+"-"+string(role) })

			d := deletion{unlisted: plan.NewSnapshot(state, w.settings).Unlisted()}
			for _, a := range w.dash.APIs() {
				d.ids = append(d.ids, a.Definition.Certificates()...)
			}

			r := &run{Remote: w.remote, settings: w.settings}
			proof, err := r.judge(context.Background(), state.APIs, d)
			must(t, err)
			for _, id := range d.ids {
				if proof.refuses(id) == nil {
					t.Errorf("certificate %s is said to be unused", id)
				}
			}
		})
	}
}
