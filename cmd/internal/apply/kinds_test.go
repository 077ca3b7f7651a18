package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
	"github.com/tykmesh/tykmesh/inject"
)

var (
	inTeamA       = dashboardtest.Rights{User: "ann", Groups: []string{"A"}}
	administrator = dashboardtest.Rights{User: "root", Admin: true}
)

// kindsOfDashboards are Dashboards that do not store what they are sent, or do not show what they
// store. said is what a first run says of the API echo-inbound; refused are those that cannot carry
// a mesh.
var kindsOfDashboards = []struct {
	name    string
	options dashboardtest.Options
	said    string
	refused string
}{
	{name: "adds slashes", options: dashboardtest.Options{AddsSlashes: true}},
	{name: "adds defaults", options: dashboardtest.Options{AddsDefaults: true}},
	{name: "forces strip_listen_path", options: dashboardtest.Options{Forces: "proxy.strip_listen_path=true"}, said: "proxy.strip_listen_path false (it has true)"},
	{name: "a policy sets a field", options: dashboardtest.Options{Forces: "disable_rate_limit=false"}, said: "disable_rate_limit true (it has false)"},
	{name: "drops unknown fields", options: dashboardtest.Options{DropsUnknown: true}, said: "proxy.foo_bar"},
	{name: "drops expiration", options: dashboardtest.Options{Drops: "expiration"}, said: "expiration"},
	{name: "drops config_data", options: dashboardtest.Options{Drops: "config_data"}, said: "the mark of tykmesh in config_data"},
	{name: "drops slugs", options: dashboardtest.Options{Drops: "slug"}, said: "slug echo-inbound (it has none)"},
	{name: "drops categories", options: dashboardtest.Options{DropsCategories: true}, said: "name echo-inbound #echo (it has echo-inbound)"},
	{
		name:    "drops config_data, chooses api_ids",
		options: dashboardtest.Options{Drops: "config_data", AssignsAPIID: true, KeepsAPIID: true}, said: "the mark of tykmesh in config_data",
	},
	{name: "drops all of these", options: dashboardtest.Options{Drops: "config_data slug expiration", DropsUnknown: true, DropsCategories: true}, said: "expiration"},
	{name: "listen path of old", options: dashboardtest.Options{ListenPathIsID: true}, refused: "the Dashboard does not keep listen path / (it has /"},
	{name: "not active", options: dashboardtest.Options{Forces: "active=false"}, refused: "the Dashboard does not keep active true (it has false)"},
	{name: "lists late", options: dashboardtest.Options{Lag: 3}},
	{name: "lists and reads late", options: dashboardtest.Options{Lag: 3, LagsByID: true}},
	{name: "hides what others own", options: dashboardtest.Options{Ownership: true, Rights: inTeamA, OwnedByWriter: true}},
	{name: "hides what others own, old", options: dashboardtest.Options{Ownership: true, Rights: inTeamA, UnknownIs401: true, NoCertificateAPIs: true}},
	{
		name: "hides what others own, chooses api_ids", options: dashboardtest.Options{Ownership: true, Rights: administrator, OwnedByWriter: true, AssignsAPIID: true, KeepsAPIID: true},
	},
	{name: "hides what others own from users", options: dashboardtest.Options{Ownership: true, Rights: administrator, OwnedByWriter: true}},
	{name: "tells no uses", options: dashboardtest.Options{NoCertificateAPIs: true}},
	{name: "truncates", options: dashboardtest.Options{Truncates: 2}},
	{name: "lists late, chooses api_ids", options: dashboardtest.Options{Lag: 6, AssignsAPIID: true, KeepsAPIID: true}},
}

// TestKindsOfDashboards: on any of them there are two APIs a service after three runs, the fourth
// writes nothing, whatever was there before is still there, and no certificate in use is deleted.
// The first run, and no other, names the fields that the Dashboard does not keep.
func TestKindsOfDashboards(t *testing.T) {
	odd := workload("shop", "echo", route("/echo-svc"), annotated("bool", "proxy.strip-listen-path", false),
		annotated("string", "proxy.foo-bar", "x"), annotated("string", "expiration", "2030-01-01"))
	few := []inject.Workload{odd, sleepy}

	many := slices.Clone(few) // so many that they are read back by a listing
	for i := range fewReads {
		many = append(many, workload("shop", fmt.Sprint("app-", i)))
	}

	for n, c := range kindsOfDashboards {
		for way, workloads := range [][]inject.Workload{few, many} {
			if !tried(n, way, 2) {
				continue
			}

			t.Run(fmt.Sprintf("%s, %d services", c.name, len(workloads)), func(t *testing.T) {
				t.Parallel()
				testKind(t, c.options, c.said, c.refused, workloads)
			})
		}
	}
}

func testKind(t *testing.T, o dashboardtest.Options, firstSays, refused string, workloads []inject.Workload) {
	w := newWorld(t, o)
	foreign := w.put("foreign", "foreign.example", "/", "http://x", nil)
	if o.Ownership {
		w.dash.GiveAPI(foreign, nil, []string{"B"})
	}

	var said []string
	for n := range 3 {
		what, err := w.sayingRun(workloads...)
		said = append(said, what)
		switch {
		case refused == "" && err != nil:
			t.Fatalf("run %d: %v", n+1, err)
		case refused != "" && (err == nil || !strings.Contains(err.Error(), refused)):
			t.Fatalf("run %d: %v, want %q", n+1, err, refused)
		}
	}

	if !strings.Contains(said[0], firstSays) {
		t.Errorf("the first run said %q, want %q", said[0], firstSays)
	}

	if said[1]+said[2] != "" {
		t.Errorf("the second run said %q, the third %q", said[1], said[2])
	}

	w.dash.ClearLog()

	what, _ := w.sayingRun(workloads...)
	if got := w.writes(); got != "" || what != "" {
		t.Errorf("the fourth run wrote %s, and said %q", got, what)
	}

	w.sound(foreign, len(workloads))

	// A renewal deletes nothing that is in use, either, and nothing that this key may not judge.
	w.later(nearEnd)
	for range 2 {
		_, _ = w.sayingRun(workloads...)
	}

	w.sound(foreign, len(workloads))
}

// sayingRun runs, and returns its words about fields of echo-inbound that the Dashboard does not
// keep. A refusal of the plan is an error, too.
func (w *world) sayingRun(workloads ...inject.Workload) (said string, err error) {
	w.tb.Helper()
	todo, problems := w.tryPlan(workloads...)
	if len(problems) > 0 {
		return "", errors.New(problems[0].Error())
	}
	_, err = Run(context.Background(), todo, w.remote, func(e Event) {
		if e.Kind == Unkept && e.Step.Role == mesh.Inbound && e.Step.Service.App == "echo" {
			said += e.Err.Error()
		}
	})

	return said, err
}

// sound checks that each service has its two APIs once, that a foreign API is still there, and that
// the store has every certificate that an API names.
func (w *world) sound(foreign string, services int) {
	w.tb.Helper()
	w.serve()

	found, ours := false, 0
	for _, a := range w.dash.APIs() {
		if a.Definition.ID() == foreign {
			found = true
			continue
		}
		ours++
	}

	if !found {
		w.tb.Error("an API that is not ours was deleted")
	}

	if diff := cmp.Diff(fmt.Sprint(2*services), fmt.Sprint(ours)); diff != "" {
		w.tb.Errorf("APIs of the mesh (-want +got):\n%s", diff)
	}
}
