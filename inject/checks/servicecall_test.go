package checks

import (
	"slices"
	"testing"
)

// TestBehindRoute shows that the longest route answers, and that a route ends at a slash.
func TestBehindRoute(t *testing.T) {
	one := func(app string) []ServiceRef { return []ServiceRef{{"mart", app}} }
	routes := map[string][]ServiceRef{"/basket": one("basket"), "/basket/mart": one("longer"), "/pricing": one("pricing")}
	for path, want := range map[string][]ServiceRef{
		"/basket": one("basket"), "/basket/": one("basket"), "/basket/x/y": one("basket"),
		"/basket/mart": one("longer"), "/basket/mart/x": one("longer"), "/basket/martial": one("basket"),
		"/baskets": nil, "/": nil, "": nil, "basket": nil, "//basket": nil,
	} {
		if got := behindRoute(routes, path); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", path, got, want)
		}
	}

	routes[""] = one("all")
	if got := behindRoute(routes, "/other"); !slices.Equal(got, one("all")) {
		t.Errorf("the route / does not answer: %v", got)
	}
	if got := behindRoute(routes, ""); !slices.Equal(got, one("all")) {
		t.Errorf("the route / does not answer an empty path: %v", got)
	}
}
