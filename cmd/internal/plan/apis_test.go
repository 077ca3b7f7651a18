package plan

import "testing"

func TestPatterns(t *testing.T) {
	hosts := []string{"mesh", "mesh.local"}
	for domain, want := range map[string]bool{
		"{host:mesh|x}": true, "{h:mesh\\.local}": true, "{sub}.local": true, "{sub:[a-z]{4}}.local": true, "{host:(?i:MESH)}": true,
		"{host:meshx}": false, "{sub}.example": false, "mesh.example": false, "{h:(}": false, "{": false, "{}": true, "x{h:mesh}": false,
	} {
		if got := matchesAny(domain, hosts); got != want {
			t.Errorf("%s matches: %v", domain, got)
		}
	}
}
