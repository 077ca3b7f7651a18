package mesh

import (
	"testing"

	"github.com/tykmesh/tykmesh/inject"
)

func TestAPIID(t *testing.T) {
	seen := map[string]bool{}
	for _, svc := range []inject.Service{{Namespace: "a", App: "bc"}, {Namespace: "ab", App: "c"}} {
		for _, org := range []string{"o", "p"} {
			for _, role := range []Role{Inbound, Mesh} {
				id := APIID(org, svc, role)
				if len(id) != 32 || seen[id] {
					t.Errorf("id %q", id)
				}
				seen[id] = true
			}
		}
	}
}
