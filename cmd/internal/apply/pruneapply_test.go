package apply

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/plan/plantest"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// Whichever request of a pruning fails, and however, what serves goes on doing so, and the next
// pruning ends where one without faults ends.
func TestPruneConverges(t *testing.T) {
	for way, c := range badAnswers {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			good := pile(t, inFile)
			must(t, good.prune())

			want, requests := good.state(), len(good.dash.Requests())
			if requests < 14 {
				t.Fatalf("only %d requests", requests)
			}

			for k := 1; k <= requests; k++ {
				if !tried(k, way, len(badAnswers)) {
					continue
				}

				p := pile(t, inFile)
				p.dash.Fail(dashboardtest.Fault{Request: k, After: c.after, Answer: c.answer})

				state, err := Observe(context.Background(), p.remote, p.settings)
				if err == nil {
					err = failure(Run(context.Background(), plan.Prune(plan.NewSnapshot(state, p.settings)), p.remote, nil))
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

// serving checks that no API of the mesh names a certificate that is not there, and that each has
// one.
func (p *past) serving(k int) {
	p.tb.Helper()
	for _, api := range p.dash.APIs() {
		d := api.Definition
		if _, ok := mesh.ClassicOwner(d); ok && len(d.Certificates()) == 0 {
			p.tb.Errorf("request %d: %s has no certificate", k, d.Slug())
		}

		for _, id := range d.Certificates() {
			if p.dash.PEM(id) == nil {
				p.tb.Errorf("request %d: %s names a certificate that was deleted", k, d.Slug())
			}
		}
	}
}

// What somebody takes into use, takes over or takes away between the plan and its steps is left
// alone.
func TestPruneLooksAgain(t *testing.T) {
	p := pile(t, inFile)
	todo := p.pruning()
	gone := stepsOf(todo, plan.CertificateKind)[slices.IndexFunc(stepsOf(todo, plan.CertificateKind), func(s *plan.Step) bool { return s.Name == "gone.shop" })].ID
	p.edit("shop", "certificates", []any{gone})

	_, err := Run(context.Background(), todo, p.remote, nil)
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
	todo = p.pruning()
	kept := plantest.Detachments(todo)[p.api("echo-inbound").ID()].Keep
	rest := slices.DeleteFunc(p.api("echo-inbound").Certificates(), func(id string) bool { return id == kept })
	p.edit("echo-inbound", "certificates", dashboard.Union(rest))
	p.edit("sleep-inbound", "domain", "elsewhere.example")
	p.edit("sleep-mesh", "proxy.target_url", "https://other.shop:8080")
	p.edit("sleep-mesh", "slug", "other-mesh")
	_, err = Run(context.Background(), todo, p.remote, nil)
	for _, want := range []string{
		"updating API echo-inbound: the certificate that was to stay is not on it any more",
		"updating API sleep-inbound: it no longer belongs to this service",
		"updating API sleep-mesh: it no longer belongs to this service",
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

// Gateways have the time to load a changed API before anything is deleted that it named: the
// deletions come after the last update, and after another listing.
func TestPruneOrder(t *testing.T) {
	p := pile(t, inFile)
	todo := p.pruning()
	p.dash.ClearLog()
	must(t, failure(Run(context.Background(), todo, p.remote, nil)))
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
	todo = p.pruning()
	p.dash.ClearLog()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	updates := 0
	_, err := Run(ctx, todo, p.remote, func(e Event) {
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

// What fails does not stop the rest, but for what builds on it: a certificate that could not be
// taken off its API, the record of one that could not be deleted.
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
	p.later(4 * time.Hour)
	todo := p.pruning()
	p.edit("shop", "certificates", []any{gone})
	if _, err := Run(context.Background(), todo, p.remote, nil); err == nil || !strings.Contains(err.Error(), `deleting record 5f`) {
		t.Errorf("the record of a certificate that an API names by now: %v", err)
	}
}
