package sidecar

import (
	"fmt"
	"strings"
)

// Ruleset sets the rules up with nft: a file for nft -f, or the one argument of nft, in images that have no shell. It replaces our tables, of both
// families, in one transaction (nft(8)), so it may run again after whatever settings.
//
// It cannot know the Kubernetes API's address: with All, the caller must have it among ExemptCIDRs. IPv4 and IPv6 have tables of their own because
// kernels before 5.2 have no nat in inet (nft(8), Chains).
func (r Rules) Ruleset() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# tykmesh: %s.\n", r.does())
	for _, f := range families() {
		fmt.Fprintf(&b, "table %s tykmesh\ndelete table %[1]s tykmesh\n", f.name)
		if rules := r.statements(f); len(rules) > 0 {
			fmt.Fprintf(&b, "table %s tykmesh {\n  chain output {\n    type nat hook output priority -100; policy accept;\n    %s\n  }\n}\n",
				f.name, strings.Join(rules, "\n    "))
		}
	}
	return b.String()
}

// statements are a family's rules for nft.
func (r Rules) statements(f family) (rules []string) {
	toSidecar := fmt.Sprintf("redirect to :%d", Port)
	if r.Intercept == All {
		rules = append(rules, fmt.Sprintf("meta skuid %d return", r.UID))
	}
	if r.Intercept != None && f.mesh {
		rules = append(rules, f.name+" daddr "+MeshAddress+" tcp dport { 80, 443 } "+toSidecar)
	}
	if r.Intercept != All {
		return rules
	}
	for _, p := range r.exempt(f) {
		rules = append(rules, f.name+" daddr "+p.String()+" return")
	}
	if ports := r.captured(); len(ports) > 0 {
		rules = append(rules, "tcp dport { "+strings.Join(ports, ", ")+" } "+toSidecar)
	}
	return rules
}
