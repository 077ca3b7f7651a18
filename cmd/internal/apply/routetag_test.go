package apply

import (
	"context"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// TestRouteTag: routes that were registered without a tag of their own gain it in one update each,
// which changes nothing else. Then there is nothing to do, also for runs that know no such tag.
func TestRouteTag(t *testing.T) {
	for _, c := range []struct {
		slugs      mesh.Slugs
		base, want string
	}{
		{mesh.PlainSlugs, "echo", "mesh mesh.echo"},
		{mesh.NamespacedSlugs, "echo.shop", "mesh mesh.echo.shop"},
	} {
		t.Run(string(c.slugs), func(t *testing.T) {
			w := newWorld(t, dashboardtest.Options{})
			route, inbound := c.base+"-mesh", c.base+"-inbound"
			tags := func(slug string) string { return strings.Join(w.api(slug).Tags(), " ") }
			builtIn := w.settings.BuiltIn
			w.settings.Slugs, w.settings.BuiltIn = c.slugs, nil // as with Injector.containers
			w.mustRun(echo, sleepy)
			before := w.api(route)
			if got := tags(route); got != "mesh" {
				t.Fatalf("the route has the tags %q before", got)
			}

			w.settings.BuiltIn = builtIn
			steps := w.plan(echo, sleepy).Steps()
			for _, s := range steps {
				if s.Action != plan.Update || s.Role != mesh.Mesh || len(s.Changes) != 1 || s.Changes[0].Path != "tags" {
					t.Errorf("the run wants to %v", s)
				}
			}
			if len(steps) != 2 {
				t.Errorf("%d steps for two routes", len(steps))
			}

			_, err := w.run(context.Background(), echo, sleepy)
			must(t, err)
			w.settled(echo, sleepy)
			if got := tags(route); got != c.want {
				t.Errorf("the route has the tags %q, want %q", got, c.want)
			}
			if diff := before.Diff(w.api(route)); len(diff) != 1 {
				t.Errorf("the update changed %v", diff)
			}
			if got := tags(inbound); got != c.base {
				t.Errorf("the inbound API has the tags %q", got)
			}

			w.settings.BuiltIn = nil
			w.settled(echo, sleepy)
			if got := tags(route); got != c.want {
				t.Errorf("a configured run leaves the tags %q", got)
			}
		})
	}
}
