package sidecar_test

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// measured is what pods may call, and who answers an app: without rules, and with those of cases. A
// dot is who answers without rules. Where the sidecar answers calls of its pod on ports apart, these
// answer in place of the sidecar.
const measured = `
                       none     mesh     all      exempt   ports
203.0.113.10:80        outside  .        sidecar  sidecar  sidecar
203.0.113.10:443       outside  .        sidecar  sidecar  .
203.0.113.10:8081      outside  .        .        .        .
[2001:db8::10]:80      outside  .        sidecar  sidecar  sidecar
[2001:db8::10]:443     outside  .        sidecar  sidecar  .
[2001:db8::10]:8081    outside  .        .        .        .
192.0.2.7:80           outside  .        sidecar  .        sidecar
198.51.100.9:80        outside  .        sidecar  .        sidecar
198.51.100.9:443       outside  .        sidecar  .        .
[2001:db8:51::9]:80    outside  .        sidecar  .        sidecar
[2001:db8:51::9]:443   outside  .        sidecar  .        .
10.96.0.1:80           outside  .        .        sidecar  .
10.96.0.1:443          outside  .        .        sidecar  .
[fd00:96::1]:80        outside  .        sidecar  .        sidecar
[fd00:96::1]:443       outside  .        sidecar  .        .
127.0.0.1:80           app      .        sidecar  .        sidecar
127.0.0.1:443          refused  .        sidecar  .        .
127.0.0.1:8080         sidecar  .        .        .        .
127.0.0.1:8081         refused  .        .        .        .
[::1]:80               app      .        sidecar  sidecar  sidecar
[::1]:443              refused  .        sidecar  sidecar  .
127.0.0.2:80           app      sidecar  sidecar  sidecar  sidecar
127.0.0.2:443          refused  sidecar  sidecar  sidecar  sidecar
127.0.0.2:8081         refused  .        .        .        .
10.77.0.2:80           app      .        sidecar  sidecar  sidecar
10.77.0.2:8080         sidecar  .        .        .        .
127.0.0.1:15080        mesh-http .       .        .        .
[::1]:9696             control  .        .        .        .
10.77.0.2:15443        mesh-https .      .        .        .
[fd77::2]:15080        mesh-http .       .        .        .
[fd77::2]:80           app      .        sidecar  sidecar  sidecar
`

// apiOf is what a pod of a case knows as the Kubernetes API: an IPv6 address in one of them.
func apiOf(name string) string {
	if strings.TrimPrefix(name, closed) == "exempt" {
		return api6
	}
	return api4
}

// wanted returns the answers in a case, by address, to an app or to the sidecar itself, which is
// let through wherever rules go beyond the mesh.
func wanted(name string, toSidecar bool) map[string]string {
	name, apart := strings.CutPrefix(name, closed)
	lines := strings.Split(strings.Trim(measured, "\n"), "\n")
	column := 1 + slices.Index(strings.Fields(lines[0]), name)

	out := map[string]string{}
	for _, line := range lines[1:] {
		fields := strings.Fields(line)
		answer := fields[column]
		if answer == "." || toSidecar && name != "mesh" {
			answer = fields[1]
		}
		if _, port, _ := net.SplitHostPort(fields[0]); apart && answer == "sidecar" && port != "8080" {
			answer = map[string]string{"80": "mesh-http", "443": "mesh-https"}[port]
		}
		out[fields[0]] = answer
	}

	return out
}

// wantedOutside returns the answers of a pod to others in a case, by address: those that others
// always reach, and those that they do not where ports are closed.
func wantedOutside(name string) (always, unlessClosed map[string]string) {
	always, unlessClosed = map[string]string{}, map[string]string{}
	for _, address := range []string{pod4, pod6, podLink} {
		for port, answer := range map[string]string{"80": "app", "8080": "sidecar"} {
			always[net.JoinHostPort(address, port)] = answer
		}

		for port, answer := range map[string]string{"15080": "mesh-http", "15443": "mesh-https", "9696": "control"} {
			if strings.HasPrefix(name, closed) && name != closed+"none" {
				answer = "dropped"
			}
			unlessClosed[net.JoinHostPort(address, port)] = answer
		}
	}

	return always, unlessClosed
}

// TestRules sets the rules up for real, as the init container does, and measures with connections
// who answers whom. It makes network namespaces and mounts, so it wants root and runs only where
// somebody asks for it: make test-rules.
func TestRules(t *testing.T) {
	if os.Getenv("TYKMESH_TEST_RULES") == "" {
		t.Skip("make test-rules runs this: as root, it makes network namespaces")
	}

	l := newLab(t)
	t.Run("container", func(t *testing.T) { checkContainer(t, l) })
	for _, w := range l.ways() {
		t.Run(w.name, func(t *testing.T) { checkWay(t, l, w) })
	}

	t.Run("interrupted", func(t *testing.T) { checkInterrupted(t, l) })
	t.Run("others accept", func(t *testing.T) { checkFirst(t, l) })
	t.Run("other kind of iptables", func(t *testing.T) { checkFallback(t, l) })
	t.Run("no IPv6", func(t *testing.T) { checkNoIPv6(t, l) })
	t.Run("KUBERNETES_SERVICE_HOST", func(t *testing.T) { checkAPI(t, l) })
	t.Run("refused", func(t *testing.T) { checkRefused(t, l) })
}

// checkContainer: what the rules are set up in is as strict as it claims to be.
func checkContainer(t *testing.T, l *lab) {
	const script = `cd /; for dir in . run tmp etc var; do if touch $dir/tykmesh-test; then echo wrote to $dir; fi; done 2>/dev/null
		grep -E '^(CapEff|CapBnd|NoNewPrivs):' /proc/self/status`
	out, err := l.container(l.pod(t, "-4"), ",+net_admin", []string{"PATH=/bin:/usr/bin"}, "/bin/sh", "-c", script)
	const want = "CapEff:\t0000000000001000\nCapBnd:\t0000000000001000\nNoNewPrivs:\t1\n"
	if err != nil || out != want {
		t.Errorf("%v\n%s", err, out)
	}
}

// way is one in which rules can be set up.
type way struct {
	name         string
	kind         string   // of iptables; none: nft
	shell        []string // for iptables
	path         string   // folder with the tools that the shell finds
	save         []string // what prints the rules in force
	capabilities string   // all that the container has
	argument     bool     // nft gets the text as its argument, not as a file
}

func (l *lab) ways() []way {
	var out []way
	for kind, capabilities := range map[string]string{"nft": ",+net_admin", "legacy": ",+net_admin,+net_raw"} {
		for shell, command := range map[string][]string{"dash": {l.path("dash")}, "busybox": {l.path("busybox"), "sh"}} {
			out = append(out, way{
				name: "iptables-" + kind + ", " + shell, kind: kind, shell: command, path: l.tools(l.t, kind), capabilities: capabilities,
				save: []string{"iptables-" + kind + "-save -t nat", "ip6tables-" + kind + "-save -t nat", "iptables-" + kind + "-save -t filter", "ip6tables-" + kind + "-save -t filter"},
			})
		}
	}

	nft := way{name: "nft -f FILE", capabilities: ",+net_admin", save: []string{"nft list ruleset"}}
	argument := nft
	argument.name, argument.argument = "nft TEXT", true

	return append(out, nft, argument)
}

// with returns a way that is there for sure.
func (l *lab) with(name string) way {
	ways := l.ways()
	return ways[slices.IndexFunc(ways, func(w way) bool { return w.name == name })]
}

// setUp runs what sets rules up in a pod, as its init container would.
func (l *lab) setUp(t *testing.T, pod string, w way, r sidecar.Rules, api string) (string, error) {
	t.Helper()
	env := []string{"PATH=" + w.path}
	if w.kind != "" {
		if api != "" {
			env = append(env, "KUBERNETES_SERVICE_HOST="+api)
		}
		return l.container(pod, w.capabilities, env, slices.Concat(w.shell, []string{"-c", r.Script()})...)
	}

	r.ExemptCIDRs = slices.Clone(r.ExemptCIDRs)
	if a, err := netip.ParseAddr(api); err == nil {
		r.ExemptCIDRs = append(r.ExemptCIDRs, netip.PrefixFrom(a, a.BitLen()))
	}

	if w.argument {
		return l.container(pod, w.capabilities, env, l.path("nft"), r.Ruleset())
	}

	file := filepath.Join(t.TempDir(), "rules.nft")
	if err := os.WriteFile(file, []byte(r.Ruleset()), 0o666); err != nil {
		t.Fatal(err)
	}

	return l.container(pod, w.capabilities, env, l.path("nft"), "-f", file)
}

// mustSetUp returns what was said, and the rules in force.
func (l *lab) mustSetUp(t *testing.T, pod string, w way, name string) (said, rules string) {
	t.Helper()
	said, err := l.setUp(t, pod, w, cases()[name], apiOf(name))
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, said)
	}
	return said, l.inForce(t, pod, w.save)
}

// checkAnswers calls everything as an app and as the sidecar, and the pod from outside.
func (l *lab) checkAnswers(t *testing.T, pod, name string) map[bool]map[string]string {
	t.Helper()
	out := map[bool]map[string]string{}
	for toSidecar, caller := range map[bool]int{false: 1000, true: uid} {
		want := wanted(name, toSidecar)
		out[toSidecar] = l.call(t, pod, caller, slices.Collect(maps.Keys(want)))
		if diff := cmp.Diff(want, out[toSidecar]); diff != "" {
			t.Errorf("%s: answers to user %d (-want +got):\n%s", name, caller, diff)
		}
	}

	always, unlessClosed := wantedOutside(name)
	if diff := cmp.Diff(always, l.call(t, l.outside, 1000, slices.Collect(maps.Keys(always)))); diff != "" {
		t.Errorf("%s: answers of the pod (-want +got):\n%s", name, diff)
	}
	if diff := cmp.Diff(unlessClosed, l.callFor(t, 1500*time.Millisecond, l.outside, 1000, slices.Collect(maps.Keys(unlessClosed)))); diff != "" {
		t.Errorf("%s: answers of the pod's own ports to others (-want +got):\n%s", name, diff)
	}

	return out
}

// checkWay goes through all rules in one pod: each is set up over the one before, and twice.
func checkWay(t *testing.T, l *lab, w way) {
	pod := l.pod(t, "-4", "-6")
	answers := map[string]map[bool]map[string]string{}
	first := map[string]string{} // the rules of a case, when it was set up first
	l.checkAnswers(t, pod, "none")
	order := []string{
		"mesh", "all", "exempt", "ports", "mesh", "all", "none",
		"closed-mesh", "closed-all", "closed-exempt", "closed-ports", "closed-mesh", "closed-all", "closed-none", "none",
	}
	for _, name := range order {
		said, rules := l.mustSetUp(t, pod, w, name)
		if lines := strings.Count(said, "\n"); w.kind != "" && (lines != 1 || !strings.HasPrefix(said, "tykmesh: ")) {
			t.Errorf("%s: it says %q", name, said)
		}

		if _, again := l.mustSetUp(t, pod, w, name); again != rules {
			t.Errorf("%s: the second time changes the rules:\n%s", name, cmp.Diff(rules, again))
		}

		if before := first[name]; before != "" && ours(before) != ours(rules) {
			t.Errorf("%s: other rules leave something:\n%s", name, cmp.Diff(ours(before), ours(rules)))
		}

		first[name] = rules
		answers[name] = l.checkAnswers(t, pod, name)
	}

	if measured := table(answers); measured != l.table {
		t.Logf("who answers an app, and the sidecar where that is another:\n%s", measured)
		l.table = measured
	} else {
		t.Log("the same answers as before")
	}
}

// ours returns the rules that say something: an empty chain and the jump to it may stay.
func ours(rules string) string {
	var out []string
	for line := range strings.Lines(rules) {
		if strings.HasPrefix(line, "-A TYKMESH") || strings.HasPrefix(line, "\t\t") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}

// table prints what was measured.
func table(answers map[string]map[bool]map[string]string) string {
	var b strings.Builder
	names := []string{"none", "mesh", "all", "exempt", "ports", "closed-mesh", "closed-all", "closed-ports"}
	fmt.Fprintf(&b, "%-22s", "")
	for _, name := range names {
		fmt.Fprintf(&b, " %-16s", name)
	}

	for line := range strings.SplitSeq(strings.Trim(measured, "\n"), "\n") {
		address := strings.Fields(line)[0]
		if address == "none" {
			continue
		}

		fmt.Fprintf(&b, "\n%-22s", address)
		for _, name := range names {
			cell := answers[name][false][address]
			if other := answers[name][true][address]; other != cell {
				cell += "/" + other
			}
			fmt.Fprintf(&b, " %-16s", cell)
		}
	}

	return b.String()
}
