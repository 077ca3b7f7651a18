package sidecar

import (
	"fmt"
	"strings"
)

// Ruleset sets the rules up with nft, in images that have no shell: a file for nft -f, or the one
// argument of nft. It replaces our tables of both families in one transaction, so it may run again
// after whatever settings. The capability NET_ADMIN is enough.
//
// It cannot know the Kubernetes API's address: with All, the caller must have it among ExemptCIDRs.
// IPv4 and IPv6 have a table each, because nat in inet came with kernel 5.2 (nft(8)).
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

// statements returns a family's rules for nft.
func (r Rules) statements(f family) (rules []string) {
	toSidecar := fmt.Sprintf("redirect to :%d", r.listenPort())
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
