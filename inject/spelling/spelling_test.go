package spelling

import "testing"

// A name that is typed in part, or with a slip, means the known one that it is really near to. What
// two names share says nothing.
func TestNearest(t *testing.T) {
	annotations := []string{
		"inject", "route", "port", "sidecar-image", "sidecar-cpu", "sidecar-cpu-limit", "sidecar-memory", "sidecar-memory-limit",
		"sidecar-log-level", "sidecar-env", "intercept", "exempt-cidrs", "exempt-ports", "ca-file", "accept",
	}
	for name, want := range map[string]string{
		"injct": "inject", "Inject": "inject", "inejct": "inject", "inject\u0020": "inject", "injection": "inject", "injected": "inject",
		"routes": "route", "rout": "route", "ports": "port", "exempt-port": "exempt-ports",
		"sidecar-mem": "sidecar-memory", "sidecar-mem-limit": "sidecar-memory-limit", "sidecar-memory-limits": "sidecar-memory-limit",
		"sidecar-memmory": "sidecar-memory", "sidecar_memory": "sidecar-memory", "sidecarMemory": "sidecar-memory", "side-car-cpu": "sidecar-cpu",
		"sidecar_log_level": "sidecar-log-level",
		"memory":            "sidecar-memory", "memory-limit": "sidecar-memory-limit", "image": "sidecar-image", "log-level": "sidecar-log-level",
		"sidecar-log": "sidecar-log-level", "sidecar-cup": "sidecar-cpu",

		"": "", "x": "", "in": "", "timeout": "", "limit": "", "sidecar": "", "sidecar-foo": "", "sidecar-gpu-share": "", "enabled": "",
		"sidecar-ports-x": "", "\xff": "",
	} {
		if got := Nearest(name, annotations); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}
