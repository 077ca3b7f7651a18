package sidecar

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Intercept says which of a pod's outbound calls go to its sidecar (Injector.intercept).
type Intercept string

// All redirects all outbound HTTP and HTTPS, Mesh only calls of the mesh's own names, None nothing.
const (
	All  Intercept = "all"
	Mesh Intercept = "mesh"
	None Intercept = "none"
)

// Rules send what a pod's processes call to its sidecar. They stand in the OUTPUT chain of the nat
// table of the pod's own network, so they concern TCP connections that start in the pod: not those
// that come in (probes, other pods), and not UDP (DNS, QUIC). A connection is asked for in this
// order:
//
//	of the sidecar's own uid        let through     All: else a gateway would call itself for ever
//	to MeshAddress, port 80, 443    to the sidecar  All and Mesh: no exemption takes the mesh away
//	to the Kubernetes API           let through     All, and Script: Ruleset lacks the address
//	to one of ExemptCIDRs           let through     All
//	to port 80 or 443 elsewhere     to the sidecar  All, except for ExemptPorts
//
// Where the sidecar answers the pod's own calls on ports apart (HTTP, HTTPS), these must be closed:
// another pod that reaches them would call with the identity of this one. So the INPUT chain of the
// filter table, or nft's hook, drops TCP to them that does not come from the pod itself, by lo. A
// redirected connection does (measured). It drops before all else that stands in that chain.
//
// None has no rule and needs no init container; its texts take away what another mode set.
//
// To the sidecar means REDIRECT, which maps local connections to 127.0.0.1 or ::1
// (iptables-extensions(8), nft(8)): one text for both families, and no route_localnet. The sidecar
// listens on both, as a Go program does whose address is only a port.
//
// Where Cilium balances Services in the sockets of pods (Cilium documentation, Integration with
// Istio), a connection to a Service has the address and port of an endpoint before any rule sees
// it. A Kubernetes API whose endpoints listen on 443 must be one of ExemptCIDRs there.
type Rules struct {
	Intercept Intercept
	UID       int64 // of the sidecar, and of no other process of the pod
	Port      int   // where the sidecar listens; 0 is DefaultPort

	// HTTP and HTTPS are where the sidecar answers the pod's own calls to port 80 and to port 443;
	// 0 is Port. The rules close them, and Closed, to all callers from outside of the pod. Without
	// any of the three they close nothing.
	HTTP, HTTPS int
	Closed      []int

	// In any order. Ports other than 80 and 443 may stand here too; nothing captures them.
	ExemptCIDRs []netip.Prefix
	ExemptPorts []int
}

// family is IPv4 or IPv6.
type family struct {
	name string // as tools name it
	has  func(netip.Addr) bool
	mesh bool // MeshAddress is one of it
}

// families returns IPv4 and IPv6, in this order.
func families() [2]family {
	return [2]family{{name: "ip", has: netip.Addr.Is4, mesh: true}, {name: "ip6", has: netip.Addr.Is6}}
}

// ParseNetwork reads a network, 10.0.0.0/8, or an address, which is a network of one.
func ParseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("not a network or address: %q; write for example 10.0.0.0/8", text)
	}

	return network.Masked(), nil
}

// ParseExemptPort reads a port that is not to be led to the sidecar.
func ParseExemptPort(text string) (int, error) {
	for _, port := range capturable {
		if text == strconv.Itoa(port) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("not 80 or 443: %q; only calls to these ports go to the sidecar", text)
}

// capturable are the ports that Rules speak of: HTTP and HTTPS.
var capturable = []int{80, 443}

// exempt returns the CIDRs of a family, each as the tools print it, in one order.
func (r Rules) exempt(f family) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range r.ExemptCIDRs {
		if p.Addr().Is4In6() && p.Bits() >= 96 { // ::ffff:10.0.0.0/104 is 10.0.0.0/8 on the wire
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		if p = p.Masked(); f.has(p.Addr()) {
			out = append(out, p)
		}
	}

	slices.SortFunc(out, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	return slices.Compact(out)
}

// captured returns the ports from which All takes connections to any address.
func (r Rules) captured() []string {
	var out []string
	for _, port := range capturable {
		if !slices.Contains(r.ExemptPorts, port) {
			out = append(out, strconv.Itoa(port))
		}
	}
	return out
}

// CapturedLocally returns the ports on which a pod's calls of 127.0.0.1 go to the sidecar.
func (r Rules) CapturedLocally() []string {
	loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if r.Intercept != All || slices.ContainsFunc(r.ExemptCIDRs, func(p netip.Prefix) bool { return p.Contains(loopback) }) {
		return nil
	}
	return r.captured()
}

// toSidecar returns the port of the sidecar to which calls of a port go.
func (r Rules) toSidecar(port string) int {
	own := r.HTTP
	if port == "443" {
		own = r.HTTPS
	}
	return cmp.Or(own, r.Port, DefaultPort)
}

// closes reports whether the rules close ports.
func (r Rules) closes() bool { return r.HTTP != 0 || r.HTTPS != 0 || len(r.Closed) > 0 }

// closed returns the ports that only the pod itself reaches, in order.
func (r Rules) closed() []string {
	if r.Intercept == None {
		return nil
	}

	ports := slices.DeleteFunc(append([]int{r.HTTP, r.HTTPS}, r.Closed...), func(port int) bool { return port < 1 || port > 65535 })
	slices.Sort(ports)

	var out []string
	for _, port := range slices.Compact(ports) {
		out = append(out, strconv.Itoa(port))
	}

	return out
}

// does describes the effect of the rules in half a sentence.
func (r Rules) does() string {
	from, address := r.captured(), ""
	switch {
	case r.Intercept == All && len(from) > 0:
	case r.Intercept == All, r.Intercept == Mesh:
		from, address = []string{"80", "443"}, MeshAddress+" "
	default:
		return "nothing goes to the sidecar"
	}

	var to []string
	for _, port := range from {
		to = append(to, strconv.Itoa(r.toSidecar(port)))
	}

	does := "tcp to " + address + "port " + strings.Join(from, " and ") + " goes to the sidecar on port " + strings.Join(slices.Compact(to), " and ")
	if closed := r.closed(); len(closed) > 0 {
		does += ", and only this pod reaches port " + strings.Join(closed, ", ")
	}

	return does
}
