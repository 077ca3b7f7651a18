package apply

import (
	"context"
	"errors"
	"net/http"
	"path"
	"sync"
	"testing"

	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
	"github.com/tykmesh/tykmesh/inject"
)

// TestRunsAtOnce: however many runs register the same services at the same moment, one API a slug
// and one record a certificate is left.
func TestRunsAtOnce(t *testing.T) {
	for name, o := range map[string]dashboardtest.Options{
		"current": {UniqueSlugs: true}, "assigns ids": {AssignsAPIID: true}, "assigns ids for good": {AssignsAPIID: true, KeepsAPIID: true, OnlyDatabaseIDs: true},
	} {
		t.Run(name, func(t *testing.T) {
			for range 5 {
				w := newWorld(t, o)
				var g sync.WaitGroup

				errs := make([]error, 6)
				for i := range errs {
					g.Go(func() {
						services, _, _ := plan.Wanted([]inject.Workload{echo, sleepy}, w.settings)
						state, err := Observe(context.Background(), w.remote, w.settings)
						if err == nil {
							todo, _ := plan.Register(services, plan.NewSnapshot(state, w.settings))
							_, err = Run(context.Background(), todo, w.remote, nil)
						}
						errs[i] = err
					})
				}

				g.Wait()
				must(t, errors.Join(errs...))
				w.api("echo-inbound")
				w.api("echo-mesh")
				w.api("sleep-inbound")
				w.api("sleep-mesh")
				if n := len(w.dash.Certificates()); n != 3 {
					t.Errorf("%d certificates", n)
				}

				if todo := w.plan(echo, sleepy); !todo.Empty() {
					t.Errorf("the next run wants to %v", todo.Steps())
				}
			}
		})
	}
}

// TestRunsAtOnceWithoutALedger: runs at the same moment may each issue certificates: one of each
// stays, and each run deletes its own others.
func TestRunsAtOnceWithoutALedger(t *testing.T) {
	for range 5 {
		w := newWorld(t, dashboardtest.Options{})
		w.remote.Ledger = nil
		var g sync.WaitGroup

		errs := make([]error, 6)
		for i := range errs {
			g.Go(func() { _, errs[i] = w.run(context.Background(), echo, sleepy) })
		}

		g.Wait()
		must(t, errors.Join(errs...))
		if n := len(w.dash.APIs()); n != 4 {
			t.Errorf("%d APIs for two services", n)
		}

		w.serves()
		w.settled(echo, sleepy)
	}
}

// TestDeletedMeanwhile: an API that is deleted between the plan and its update is created anew, as
// where another run takes back the one that it made too much.
func TestDeletedMeanwhile(t *testing.T) {
	for _, slug := range []string{"echo-inbound", "echo-mesh"} {
		w := newWorld(t, dashboardtest.Options{})
		w.mustRun(echo, sleepy)
		w.later(nearEnd)
		todo := w.plan(echo, sleepy)
		w.dash.DropAPI(w.api(slug).ID())
		_, err := Run(context.Background(), todo, w.remote, nil)
		must(t, err)
		w.serves()
	}
}

// TestRivals: seven other runs have the id of this run's choice one after the other, and take their
// own APIs back: this run's API was the first, stays, and gets the id.
func TestRivals(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{AssignsAPIID: true})
	w.anyAPIID = false
	w.dash.Fail(dashboardtest.Fault{
		Method: http.MethodPut, Path: "/api/apis/*", Times: 7,
		Answer: dashboardtest.Refusal(http.StatusConflict, "Found API with the same ID"),
	})
	w.mustRun(echo, sleepy)
	w.serves()
	w.settled(echo, sleepy)
}

// TestMeshAPIDeletedMeanwhile: an API that only lent its place to the certificate of the mesh is
// nothing to a run once it is gone.
func TestMeshAPIDeletedMeanwhile(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.mustRun(echo, sleepy)
	w.later(nearEnd)

	todo := w.plan(echo)
	if others := plan.Filter(todo.All, func(s *plan.Step) bool { return s.Shared }); len(others) != 1 {
		t.Fatalf("%d others", len(others))
	}

	w.dash.DropAPI(w.api("sleep-mesh").ID())
	_, err := Run(context.Background(), todo, w.remote, nil)
	must(t, err)
}

// TestCreatedAndDeleted: another run sees this run's new API beside a lower one of the same
// service, and deletes it before it gets the id of this run's choice.
func TestCreatedAndDeleted(t *testing.T) {
	for _, noID := range []bool{false, true} {
		w := newWorld(t, dashboardtest.Options{AssignsAPIID: true, NoIDInCreate: noID})
		todo := w.plan(echo, sleepy)
		w.mustRun(echo, sleepy)
		first := w.api("echo-inbound").ID()
		w.dash.Fail(dashboardtest.Fault{Method: http.MethodPut, Path: "/api/apis/*", Answer: func(rw http.ResponseWriter, r *http.Request) {
			w.dash.DropAPI(path.Base(r.URL.Path))
			dashboardtest.Refusal(http.StatusNotFound, "API not found")(rw, r)
		}})
		_, err := Run(context.Background(), todo, w.remote, nil)
		must(t, err)
		w.serves()
		if id := w.api("echo-inbound").ID(); id != first {
			t.Errorf("API %s stays, want %s", id, first)
		}
	}
}
