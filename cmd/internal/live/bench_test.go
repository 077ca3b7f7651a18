package live_test

import (
	"fmt"
	"testing"

	"github.com/tykmesh/tykmesh/cmd/internal/live"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// BenchmarkRead measures meshes of two sizes: ten times as many services take ten times as long.
func BenchmarkRead(b *testing.B) {
	for _, n := range []int{100, 1000} {
		c := newCluster(b)
		for i := range n {
			c.add(b, standalone.Pod{Service: standalone.Service{Namespace: fmt.Sprintf("ns-%d", i%20), App: fmt.Sprintf("app-%d", i)}})
		}

		text := c.print(b, false)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if m, _ := live.Read(manifest.Split("live.yaml", text), now); len(m.Services) != n+2 || len(m.Diagnostics) > 0 {
					b.Fatalf("%d services, %d diagnostics", len(m.Services), len(m.Diagnostics))
				}
			}
		})
	}
}
