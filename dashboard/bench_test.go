package dashboard_test

import (
	"fmt"
	"testing"

	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// BenchmarkListing reads the listing of an installation with 1,000 services, as every run does
// once.
func BenchmarkListing(b *testing.B) {
	defs := make([]dashboard.Definition, 2000)
	for i := range defs {
		defs[i] = definition(b, fmt.Sprint("service-", i))
	}

	b.Run("from=server", func(b *testing.B) {
		s, c := start(b, dashboardtest.Options{AddsDefaults: true})
		for _, d := range defs {
			s.PutAPI(dashboard.API{Definition: d})
		}
		list(b, c)
	})

	b.Run("from=directory", func(b *testing.B) {
		d := openDir(b, b.TempDir())
		for _, def := range defs {
			if _, err := d.CreateAPI(b.Context(), def); err != nil {
				b.Fatal(err)
			}
		}
		list(b, d)
	})
}

func list(b *testing.B, s store) {
	b.ReportAllocs()
	for b.Loop() {
		apis, err := s.APIs(b.Context())
		if err != nil || len(apis) != 2000 {
			b.Fatalf("%d APIs, %v", len(apis), err)
		}
	}
}

// BenchmarkRender renders one definition.
func BenchmarkRender(b *testing.B) {
	templates := dashboard.BuiltinTemplates()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := templates.Render("default-inbound", vars); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCreate registers many services in a directory for the first time. Each API is looked up
// among the existing ones, which must not be read again each time.
func BenchmarkCreate(b *testing.B) {
	d := openDir(b, b.TempDir())
	i := 0
	for b.Loop() {
		i++
		if _, err := d.CreateAPI(b.Context(), definition(b, fmt.Sprint("service-", i))); err != nil {
			b.Fatal(err)
		}
	}
}
