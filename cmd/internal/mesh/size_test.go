package mesh

import (
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// The need covers the measured peaks, and not much more.
func TestMemoryNeed(t *testing.T) {
	for _, c := range []struct {
		routes, loaded int
		measured       int64 // MiB, at most
		enough         string
	}{
		{10, 10, 66, "128Mi"},
		{500, 500, 132, "192Mi"},
		{1000, 1000, 216, "256Mi"},
		{2000, 2000, 374, "384Mi"},
		{5000, 5000, 846, "896Mi"},
		{1000, 3, 132, "192Mi"},
		{5000, 3, 431, "448Mi"},
	} {
		need := MemoryNeed(c.routes, c.loaded)
		if low, high := c.measured<<20*99/100, c.measured<<20*110/100; need < low || need > high {
			t.Errorf("%d of %d routes need %s, and %d MiB were measured", c.loaded, c.routes, Mebibytes(need), c.measured)
		}
		if got := EnoughMemory(need); got != c.enough {
			t.Errorf("%d of %d routes: %s is enough, want %s", c.loaded, c.routes, got, c.enough)
		}
	}

	if MemoryNeed(10, 100) != MemoryNeed(10, 10) {
		t.Error("a sidecar loads more routes than there are")
	}
	if Mebibytes(1<<20) != "1Mi" || Mebibytes(1<<20+1) != "2Mi" {
		t.Error("amounts are not rounded up")
	}
}

// No two APIs share a tag, but for the tag of the mesh on all routes, whatever slugs the runs had
// that registered them: a sidecar would load the API of another service.
func TestTagsDiffer(t *testing.T) {
	seen := map[string]string{}
	for _, app := range []string{"a", "mesh-a", "mesh-mesh", "a-mesh", "none", "a-b"} {
		for _, namespace := range []string{"a", "b", "mesh", "mesh-a"} {
			for _, slugs := range []Slugs{PlainSlugs, NamespacedSlugs} {
				svc := inject.Service{Namespace: namespace, App: app}
				for _, role := range Roles {
					s := Settings{Slugs: slugs, BuiltIn: &BuiltIn{}}
					api := NewWantedAPI(Owner{svc, role}, s)
					tags := api.Tags(s)
					own := tags[len(tags)-1]
					owner := api.Slug // with plain slugs the app alone
					if seen[own] != "" && seen[own] != owner || own == Tag {
						t.Errorf("%s has the tag %s, like %s", owner, own, seen[own])
					}
					seen[own] = owner

					s.BuiltIn = nil
					if got := strings.Join(api.Tags(s), " "); got != api.Tag(s) {
						t.Errorf("with configured containers %s has the tags %s", owner, got)
					}
				}
			}
		}
	}
}

// A route keeps its name, and templates see the one tag that they always saw.
func TestRouteTagInTemplates(t *testing.T) {
	templates, err := dashboard.ParseTemplates(map[string]string{"t.json": `{{define "default-mesh"}}{
		"name": "{{.Name}}{{range .GatewayTags}} #{{.}}{{end}}", "active": true, "proxy": {"listen_path": "{{.ListenPath}}", "target_url": "{{.Target}}"},
		"version_data": {"not_versioned": true, "versions": {}}}{{end}}`})
	if err != nil {
		t.Fatal(err)
	}

	s := Settings{Org: "5d64a47fed63100001b2f2ac", MeshHosts: []string{"mesh"}, MeshPort: 8080, Templates: templates, BuiltIn: &BuiltIn{}}
	api, err := WantAPI(inject.Workload{Service: inject.Service{Namespace: "shop", App: "echo"}, Route: "/echo"}, Mesh, s)
	if err != nil {
		t.Fatal(err)
	}

	if name, tags := api.Definition.Name(), strings.Join(api.Definition.Tags(), " "); name != "echo-mesh #mesh" || tags != "mesh mesh.echo" {
		t.Errorf("name %q, tags %q", name, tags)
	}
}
