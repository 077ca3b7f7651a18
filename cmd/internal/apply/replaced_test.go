package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/plan/plantest"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// bubble returns a folder in place of servers, which keeps to the clock of a test that is a bubble.
func bubble(t *testing.T) *world {
	s := plantest.Settings()
	s.TLS, s.SeesAllAPIs = true, true
	store, err := dashboard.OpenDir(t.TempDir(), s.Org)
	must(t, err)
	local, err := ca.OpenLocal(t.TempDir(), nil)
	must(t, err)
	return &world{tb: t, settings: s, remote: mesh.Remote{APIs: store, Certificates: store, Issuer: issuer{Signer: local}}}
}

// deletions notes when certificates are deleted.
type deletions struct {
	anyStore
	after func()
}

func (d deletions) DeleteCertificate(ctx context.Context, id string) error {
	d.after()
	return d.anyStore.DeleteCertificate(ctx, id)
}

// stall is the end of a run that makes no progress.
type stall struct{ error }

func (stall) ExitCode() int { return 1 }

// TestSettling: gateways get five seconds from the last change of an API, in which somebody hears
// of the run every second; and a run that is ended then has failed only if it was interrupted.
func TestSettling(t *testing.T) {
	for _, c := range []struct {
		name   string
		cause  error         // of the end of the context, nil for none
		after  time.Duration // before it ends
		events string
		exit   int
	}{
		{name: "waits", events: "waiting 5s, waiting 4s, waiting 3s, waiting 2s, waiting 1s, deleted after 5s, deleted after 5s"},
		{name: "interrupted", cause: context.Canceled, after: 1500 * time.Millisecond, events: "waiting 5s, waiting 4s", exit: 130},
		{name: "stalled", cause: stall{errors.New("too slow")}, after: 1500 * time.Millisecond,
			events: "waiting 5s, waiting 4s, left because too slow, left because too slow"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := bubble(t)
				_, err := w.run(t.Context(), echo)
				must(t, err)
				time.Sleep(nearEnd)
				start := time.Now()
				var events []string
				w.remote.Certificates = deletions{w.remote.Certificates, func() { events = append(events, fmt.Sprintf("deleted after %v", time.Since(start))) }}
				w.settings.Parallel = 1
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if c.cause != nil {
					time.AfterFunc(c.after, func() { cancel(c.cause) })
				}

				_, err = Run(ctx, w.plan(echo), w.remote, func(e Event) {
					switch e.Kind {
					case Waiting:
						events = append(events, fmt.Sprintf("waiting %v", e.Wait))
					case Left:
						events = append(events, fmt.Sprintf("left because %v", e.Err))
					}
				})

				var e *Incomplete
				if errors.As(err, &e) != (c.exit != 0) || e != nil && e.ExitCode() != c.exit {
					t.Errorf("error %v", err)
				}

				if got := strings.Join(events, ", "); got != c.events {
					t.Errorf("events: %s", got)
				}
			})
		})
	}
}

// TestLeftovers: a run that has changed no API does not wait to delete what an earlier one left.
func TestLeftovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := bubble(t)
		_, err := w.run(t.Context(), echo)
		must(t, err)
		old, err := w.remote.Certificates.Certificates(t.Context())
		must(t, err)
		time.Sleep(nearEnd)
		dir := w.remote.Certificates
		w.remote.Certificates = keeping{dir}
		_, err = w.run(t.Context(), echo)
		must(t, err)
		w.remote.Certificates = dir
		start := time.Now()
		_, err = w.run(t.Context(), echo)
		must(t, err)
		if waited := time.Since(start); waited > 0 {
			t.Errorf("waited for %v", waited)
		}

		now, err := dir.Certificates(t.Context())
		must(t, err)
		if len(now) != len(old) {
			t.Errorf("%d certificates", len(now))
		}
	})
}

// keeping is a store that deletes nothing.
type keeping struct{ anyStore }

func (keeping) DeleteCertificate(context.Context, string) error { return errors.New("read only") }

// TestForeignUse: a certificate that an API uses from which nothing takes it stays, and is no
// reason for a run to have something to do. It goes when nobody uses it any more.
func TestForeignUse(t *testing.T) {
	for name, use := range map[string]func(w *world, id string){
		"of another API": func(w *world, id string) {
			w.put("foreign", "foreign.example", "/", "http://foreign", map[string]any{"certificates": []any{id}})
		},
		"for another purpose": func(w *world, id string) { w.edit("echo-mesh", "upstream_certificates", map[string]any{"*": id}) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, dashboardtest.Options{})
			w.mustRun(echo)
			old := w.attached("echo-inbound")
			use(w, old)
			w.later(nearEnd)
			w.mustRun(echo)
			if n := len(w.dash.Certificates()); n != 3 || w.attached("echo-inbound") == old {
				t.Errorf("%d certificates", n)
			}

			for _, a := range w.dash.APIs() {
				if a.Definition.Slug() == "foreign" {
					w.dash.DropAPI(a.Definition.ID())
				}
			}

			w.edit("echo-mesh", "upstream_certificates", map[string]any{})
			w.mustRun(echo)
			if n := len(w.dash.Certificates()); n != 2 {
				t.Errorf("%d certificates when nobody uses the old one", n)
			}
		})
	}
}

// TestTakenIntoUse: what somebody has taken into use since the plan was made stays.
func TestTakenIntoUse(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.mustRun(echo)
	old := w.attached("echo-inbound")
	w.later(nearEnd)
	todo := w.plan(echo)
	w.put("foreign", "foreign.example", "/", "http://foreign", map[string]any{"certificates": []any{old}})
	var events []string
	_, err := Run(context.Background(), todo, w.remote, func(e Event) {
		if e.Step.Action == plan.Delete {
			events = append(events, fmt.Sprint(e.Kind, " ", e.Step.Name, " ", e.Err))
		}
	})
	must(t, err)
	slices.Sort(events)
	if got, want := strings.Join(events, ", "), "done mesh <nil>, left echo.shop <nil>, started mesh <nil>"; got != want {
		t.Errorf("events: %s", got)
	}

	w.settled(echo)
}
