package main

import (
	"testing"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
)

// The line about the size of the mesh says which limit is too small, and for which sidecars.
func TestStatusSize(t *testing.T) {
	for _, c := range []struct {
		routes int
		limit  string
		want   string
	}{
		{1000, "256Mi", "routes: 1000; a sidecar needs about 224Mi of memory, with injector.tyk.io/calls about 139Mi; Sidecar.memoryLimit is 256Mi"},
		{1000, "192Mi", "routes: 1000; a sidecar needs about 224Mi of memory, with injector.tyk.io/calls about 139Mi; Sidecar.memoryLimit is 192Mi, too small without that annotation: set 256Mi and inject again"},
		{1000, "128Mi", "routes: 1000; a sidecar needs about 224Mi of memory, with injector.tyk.io/calls about 139Mi; Sidecar.memoryLimit is 128Mi, too small: set 256Mi and inject again"},
		{1000, "", "routes: 1000; a sidecar needs about 224Mi of memory, with injector.tyk.io/calls about 139Mi"},
		{0, "64Mi", "routes: 0; a sidecar needs about 64Mi of memory; Sidecar.memoryLimit is 64Mi"},
	} {
		if got := newStatusSize(c.routes, mesh.Settings{BuiltIn: &mesh.BuiltIn{MemoryLimit: c.limit}}).String(); got != c.want {
			t.Errorf("%d routes, limit %q:\n%s\nwant\n%s", c.routes, c.limit, got, c.want)
		}
	}

	if got, want := newStatusSize(1000, mesh.Settings{}).String(), "routes: 1000; a sidecar needs about 224Mi of memory"; got != want {
		t.Errorf("with configured containers:\n%s\nwant\n%s", got, want)
	}
}
