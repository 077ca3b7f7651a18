package sidecar

import (
	"fmt"
	"slices"
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
		var chains strings.Builder
		if rules := r.statements(f); len(rules) > 0 {
			chain(&chains, "output", "nat hook output priority -100", rules)
		}

		if closed := r.closed(); len(closed) > 0 {
			chain(&chains, "input", "filter hook input priority 0", []string{`iifname != "lo" tcp dport { ` + strings.Join(closed, ", ") + " } drop"})
		}

		if chains.Len() > 0 {
			fmt.Fprintf(&b, "table %s tykmesh {\n%s}\n", f.name, &chains)
		}
	}

	return b.String()
}

// chain writes a chain of a table.
func chain(b *strings.Builder, name, kind string, rules []string) {
	fmt.Fprintf(b, "  chain %s {\n    type %s; policy accept;\n    %s\n  }\n", name, kind, strings.Join(rules, "\n    "))
}

// statements returns a family's rules for nft, as far as they redirect.
func (r Rules) statements(f family) (rules []string) {
	if r.Intercept == All {
		rules = append(rules, fmt.Sprintf("meta skuid %d return", r.UID))
	}

	if r.Intercept != None && f.mesh {
		rules = append(rules, r.redirects(f.name+" daddr "+MeshAddress+" ", []string{"80", "443"})...)
	}

	if r.Intercept != All {
		return rules
	}

	for _, p := range r.exempt(f) {
		rules = append(rules, f.name+" daddr "+p.String()+" return")
	}

	return append(rules, r.redirects("", r.captured())...)
}

// redirects returns the statements that send connections to ports to the sidecar: one for all ports
// of the sidecar's that are the same.
func (r Rules) redirects(match string, ports []string) (rules []string) {
	for len(ports) > 0 {
		to := r.toSidecar(ports[0])
		n := slices.IndexFunc(ports, func(port string) bool { return r.toSidecar(port) != to })
		if n < 0 {
			n = len(ports)
		}
		rules = append(rules, fmt.Sprintf("%stcp dport { %s } redirect to :%d", match, strings.Join(ports[:n], ", "), to))
		ports = ports[n:]
	}

	return rules
}
