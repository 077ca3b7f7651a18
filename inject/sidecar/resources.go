package sidecar

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Resources are what a sidecar asks for and may use, as Kubernetes writes quantities; "" is nothing said.
type Resources struct {
	CPU, Memory           string // requests: without them no HorizontalPodAutoscaler could work out how busy a pod is
	CPULimit, MemoryLimit string
}

// Check says what is wrong with the quantities, or that one asks for more than it may use, which the API server refuses.
func (r Resources) Check() error {
	for _, q := range []string{r.CPU, r.Memory, r.CPULimit, r.MemoryLimit} {
		if q == "" {
			continue
		}
		if parsed, err := resource.ParseQuantity(q); err != nil || parsed.Sign() <= 0 {
			return fmt.Errorf("not a quantity: %q; like 50m of CPU, or 96Mi of memory", q)
		}
	}
	for _, pair := range [][2]string{{r.CPU, r.CPULimit}, {r.Memory, r.MemoryLimit}} {
		if pair[0] == "" || pair[1] == "" {
			continue
		}
		if request, limit := resource.MustParse(pair[0]), resource.MustParse(pair[1]); request.Cmp(limit) > 0 {
			return fmt.Errorf("the request %s is more than the limit %s", pair[0], pair[1])
		}
	}
	return nil
}

func (r Resources) value() manifest.Map {
	var out manifest.Map
	for _, kind := range []struct{ name, cpu, memory string }{{"requests", r.CPU, r.Memory}, {"limits", r.CPULimit, r.MemoryLimit}} {
		var m manifest.Map
		if kind.cpu != "" {
			m = append(m, manifest.Entry{Key: "cpu", Value: kind.cpu})
		}
		if kind.memory != "" {
			m = append(m, manifest.Entry{Key: "memory", Value: kind.memory})
		}
		if m != nil {
			out = append(out, manifest.Entry{Key: kind.name, Value: m})
		}
	}
	return out
}

// goLimit is what the gateway is to keep its heap below: four fifths of its limit, because the rest is not heap (package runtime, GOMEMLIMIT).
func (r Resources) goLimit() string {
	limit, err := resource.ParseQuantity(r.MemoryLimit)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%dMiB", limit.Value()/5*4>>20)
}
