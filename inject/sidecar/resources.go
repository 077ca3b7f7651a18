package sidecar

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Resources are the requests and limits of a sidecar, as Kubernetes quantities; "" means unset.
type Resources struct {
	CPU, Memory           string // requests: without them no HorizontalPodAutoscaler could work out how busy a pod is
	CPULimit, MemoryLimit string
}

// CheckQuantity reports whether a text is an amount of a resource.
func CheckQuantity(text string) error {
	if q, err := resource.ParseQuantity(text); err != nil || q.Sign() <= 0 {
		return fmt.Errorf("not a quantity: %q; write for example 50m for CPU, or 96Mi for memory", text)
	}
	return nil
}

// Bytes returns an amount of memory in bytes; 0 for a text that is no quantity.
func Bytes(text string) int64 {
	q, err := resource.ParseQuantity(text)
	if err != nil {
		return 0
	}
	return q.Value()
}

// CheckLimit refuses a request above the limit, as the API server does. Both are quantities, or "".
func CheckLimit(request, limit string) error {
	if request == "" || limit == "" {
		return nil
	}
	if asked, allowed := resource.MustParse(request), resource.MustParse(limit); asked.Cmp(allowed) > 0 {
		return fmt.Errorf("the request %s exceeds the limit %s; lower the request or raise the limit", request, limit)
	}
	return nil
}

// Beside returns the resources of an init container beside a sidecar. Without a CPU limit it gets
// the sidecar's, if there is one: a quota that counts CPU limits wants one of every container. The
// pod needs no more by it.
func (r Resources) Beside(gateway Resources) Resources {
	if r.CPULimit != "" || gateway.CPULimit == "" {
		return r
	}
	if r.CPULimit = gateway.CPULimit; CheckLimit(r.CPU, r.CPULimit) != nil {
		r.CPULimit = r.CPU // no less than it asks for
	}
	return r
}

// value returns the amounts in the canonical form of the API server: kubectl apply would treat any
// other form as a change each time.
func (r Resources) value() manifest.Map {
	var out manifest.Map
	for _, kind := range []struct{ name, cpu, memory string }{{"requests", r.CPU, r.Memory}, {"limits", r.CPULimit, r.MemoryLimit}} {
		var m manifest.Map
		if kind.cpu != "" {
			m = append(m, manifest.Entry{Key: "cpu", Value: canonical(kind.cpu)})
		}

		if kind.memory != "" {
			m = append(m, manifest.Entry{Key: "memory", Value: canonical(kind.memory)})
		}

		if m != nil {
			out = append(out, manifest.Entry{Key: kind.name, Value: m})
		}
	}

	return out
}

func canonical(quantity string) string {
	q := resource.MustParse(quantity)
	return q.String()
}

// goLimit returns GOMEMLIMIT, four fifths of the memory limit, because the rest is not heap
// (package runtime, GOMEMLIMIT).
func (r Resources) goLimit() string {
	limit, err := resource.ParseQuantity(r.MemoryLimit)
	if mebibytes := limit.Value() / 5 * 4 >> 20; err == nil && mebibytes > 0 {
		return fmt.Sprintf("%dMiB", mebibytes)
	}
	return "" // 0 would keep it collecting garbage and nothing else
}
