package sidecar_test

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"os/exec"
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

// checkInterrupted: a run that ended half-way is made good by the next.
func checkInterrupted(t *testing.T, l *lab) {
	for _, w := range l.ways() {
		if w.kind == "" {
			continue // one transaction: there is no half
		}

		var whole string
		t.Run(w.name+", whole", func(t *testing.T) { _, whole = l.mustSetUp(t, l.pod(t, "-4", "-6"), w, "all") })
		t.Run(w.name+", half", func(t *testing.T) {
			pod := l.pod(t, "-4", "-6")
			for _, half := range []string{"-N TYKMESH", "-A TYKMESH -p tcp --dport 80 -j REDIRECT --to-ports 1"} {
				args := slices.Concat([]string{"netns", "exec", pod, filepath.Join(w.path, "iptables"), "-t", "nat"}, strings.Fields(half))
				if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
					t.Fatalf("%s: %v\n%s", half, err, out)
				}
			}

			if _, rules := l.mustSetUp(t, pod, w, "all"); rules != whole {
				t.Errorf("(-want +got):\n%s", cmp.Diff(whole, rules))
			}
		})
	}
}

// checkFallback: where iptables does not work on a node, another kind of it does.
func checkFallback(t *testing.T, l *lab) {
	for _, w := range l.ways() {
		if w.kind == "" {
			continue
		}

		t.Run(w.name, func(t *testing.T) {
			if w.kind == "legacy" {
				w.path = l.broken(t)
			} else {
				w.path = l.tools(t, "legacy") // which a container without NET_RAW cannot use
			}

			l.add(t, w.path, w.kind, "-"+w.kind)

			pod := l.pod(t, "-4", "-6")
			for _, name := range []string{"all", "exempt", "mesh"} {
				said, _ := l.mustSetUp(t, pod, w, name)
				if !strings.Contains(said, "(iptables-"+w.kind) {
					t.Errorf("%s: it says %q", name, said)
				}
				l.checkAnswers(t, pod, name)
			}
		})
	}
}

// checkNoIPv6: a pod that has no IPv6 address needs no ip6tables. One that has cannot do without:
// calls would go past the sidecar.
func checkNoIPv6(t *testing.T, l *lab) {
	w := l.with("iptables-nft, dash")
	for _, name := range []string{"ip6tables", "ip6tables-restore"} {
		if err := os.Remove(filepath.Join(w.path, name)); err != nil {
			t.Fatal(err)
		}
	}

	t.Run("IPv4 alone", func(t *testing.T) {
		pod := l.pod(t, "-4")
		said, _ := l.mustSetUp(t, pod, w, "all")
		for _, want := range []string{"IPv6 is not redirected", "(iptables)\n"} {
			if !strings.Contains(said, want) {
				t.Errorf("%q is not in %q", want, said)
			}
		}

		want := map[string]string{"203.0.113.10:443": "sidecar", "127.0.0.2:80": "sidecar", api4 + ":443": "outside", "[::1]:80": "app"}
		if diff := cmp.Diff(want, l.call(t, pod, 1000, slices.Collect(maps.Keys(want)))); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
	})

	t.Run("both", func(t *testing.T) {
		pod := l.pod(t, "-4", "-6")
		l.mustSetUp(t, pod, w, "mesh")
		l.checkAnswers(t, pod, "mesh")
		said, err := l.setUp(t, pod, w, cases()["all"], api4)
		if err == nil || !strings.Contains(said, "cannot set up ip6tables: the image has no ip6tables") {
			t.Errorf("all: %v\n%s", err, said)
		}
	})
}

// checkAPI: the environment adds the rule of the Kubernetes API, and no other.
func checkAPI(t *testing.T, l *lab) {
	w := l.with("iptables-nft, dash")
	const name = "KUBERNETES_SERVICE_HOST is no address"
	for _, c := range []struct{ host, v4, v6, said string }{
		{"", "sidecar", "sidecar", ""},
		{api4, "outside", "sidecar", ""},
		{api6, "sidecar", "outside", ""},
		{"api.example.com", "sidecar", "sidecar", name},
		{"10.96.0.1 -j RETURN\n-A TYKMESH -p tcp -j RETURN", "sidecar", "sidecar", name},
		{"$(echo run)", "sidecar", "sidecar", name + ", so the API needs exempt CIDRs: $(echo run)\n"},
	} {
		t.Run(c.host, func(t *testing.T) {
			pod := l.pod(t, "-4", "-6")
			said, err := l.setUp(t, pod, w, cases()["all"], c.host)
			if err != nil || !strings.Contains(said, c.said) || c.said == "" && strings.Contains(said, name) {
				t.Errorf("%v\n%s", err, said)
			}

			want := map[string]string{api4 + ":443": c.v4, "[" + api6 + "]:443": c.v6, "203.0.113.10:443": "sidecar"}
			if diff := cmp.Diff(want, l.call(t, pod, 1000, slices.Collect(maps.Keys(want)))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// checkRefused: where rules cannot be set up, it says what to do, and changes nothing.
func checkRefused(t *testing.T, l *lab) {
	nft, legacy, file := l.with("iptables-nft, dash"), l.with("iptables-legacy, busybox"), l.with("nft -f FILE")
	noKernel := l.broken(t)
	legacyAlone := l.broken(t)
	l.add(t, legacyAlone, "legacy", "-legacy")
	change := func(w way, change func(*way)) way { change(&w); return w }
	for name, c := range map[string]struct {
		way  way
		want string
	}{
		"no capability":                   {change(nft, func(w *way) { w.capabilities = "" }), "must run as root with the capability NET_ADMIN"},
		"iptables-legacy, no capability":  {change(legacy, func(w *way) { w.capabilities = "" }), "must run as root with the capability NET_ADMIN"},
		"iptables-legacy, NET_ADMIN only": {change(legacy, func(w *way) { w.capabilities = ",+net_admin" }), "or ip_tables and the container NET_RAW"},
		"no nf_tables, NET_ADMIN only":    {change(nft, func(w *way) { w.path = legacyAlone }), "or ip_tables and the container NET_RAW"},
		"no nf_tables and no ip_tables":   {change(nft, func(w *way) { w.path = noKernel }), "the kernel of the node needs nf_tables, or ip_tables"},
		"not root": {change(nft, func(w *way) {
			w.shell = slices.Concat([]string{l.path("setpriv"), "--reuid=1000", "--clear-groups"}, w.shell)
			w.capabilities = ",+net_admin,+setuid,+setgid"
			w.path = filepath.Dir(l.path("xtables-nft-multi")) // nobody else may read the folder of a test
		}), "must run as root with the capability NET_ADMIN"},
		"nft, no capability": {change(file, func(w *way) { w.capabilities = "" }), "Operation not permitted"},
	} {
		t.Run(name, func(t *testing.T) {
			pod := l.pod(t, "-4", "-6")
			said, err := l.setUp(t, pod, c.way, cases()["all"], api4)
			if err == nil || !strings.Contains(said, c.want) {
				t.Errorf("%v\n%s", err, said)
			}
			t.Logf("it says:\n%s", said)
			l.checkAnswers(t, pod, "none")
		})
	}
}
