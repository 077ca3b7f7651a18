package sidecar

import "net/netip"

// Intercept says which of a pod's outbound calls go to its sidecar (Injector.intercept).
type Intercept string

// All outbound HTTP and HTTPS, calls of the mesh's own names alone, or what somebody else sees to.
const (
	All  Intercept = "all"
	Mesh Intercept = "mesh"
	None Intercept = "none"
)

// Rules are the rules of a pod.
type Rules struct {
	Intercept   Intercept
	UID         int64
	ExemptCIDRs []netip.Prefix
	ExemptPorts []int
}

// Script stands in until the real one is there.
func (r Rules) Script() string { return "exit 1" }

// Ruleset stands in until the real one is there.
func (r Rules) Ruleset() string { return "" }
