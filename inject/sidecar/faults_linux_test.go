package sidecar_test

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// checkInterrupted: a run that ended half-way is made good by the next.
func checkInterrupted(t *testing.T, l *lab) {
	for _, w := range l.ways() {
		if w.kind == "" {
			continue // one transaction: there is no half
		}

		for name, halves := range map[string][]string{
			"all": {"-t nat -N TYKMESH", "-t nat -A TYKMESH -p tcp --dport 80 -j REDIRECT --to-ports 1"},
			closed + "mesh": {
				"-t filter -N TYKMESH", "-t filter -A TYKMESH -j ACCEPT", "-t filter -I INPUT -p tcp -j TYKMESH", "-t nat -N TYKMESH", "-t nat -A OUTPUT -p tcp -j TYKMESH",
			},
		} {
			var whole string
			t.Run(w.name+", "+name+", whole", func(t *testing.T) { _, whole = l.mustSetUp(t, l.pod(t, "-4", "-6"), w, name) })
			t.Run(w.name+", "+name+", half", func(t *testing.T) {
				pod := l.pod(t, "-4", "-6")
				for _, half := range halves {
					l.iptables(t, pod, w, half)
				}
				if _, rules := l.mustSetUp(t, pod, w, name); rules != whole {
					t.Errorf("(-want +got):\n%s", cmp.Diff(whole, rules))
				}
			})
		}
	}
}

// iptables runs the tool of a way in a pod, outside of any container.
func (l *lab) iptables(t *testing.T, pod string, w way, args string) {
	t.Helper()
	words := slices.Concat([]string{"netns", "exec", pod, filepath.Join(w.path, "iptables")}, strings.Fields(args))
	if out, err := exec.Command("ip", words...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", args, err, out)
	}
}

// checkFirst: rules of others, which accept everything, do not open closed ports, whether they were
// there before or came afterwards.
func checkFirst(t *testing.T, l *lab) {
	for _, w := range l.ways() {
		t.Run(w.name, func(t *testing.T) {
			pod := l.pod(t, "-4", "-6")
			others := w
			if w.kind == "" {
				others = l.with("iptables-nft, dash")
			}

			l.iptables(t, pod, others, "-I INPUT -j ACCEPT")
			l.mustSetUp(t, pod, w, closed+"mesh")
			l.checkAnswers(t, pod, closed+"mesh")

			l.iptables(t, pod, others, "-I INPUT -j ACCEPT")
			l.mustSetUp(t, pod, w, closed+"mesh")
			l.checkAnswers(t, pod, closed+"mesh")
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
			for _, name := range []string{"all", "exempt", "mesh", closed + "mesh", closed + "all"} {
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

	for _, name := range []string{closed + "mesh", closed + "all"} {
		t.Run(name+", IPv4 alone", func(t *testing.T) {
			pod := l.pod(t, "-4")
			l.ip(t, "netns", "exec", pod, "sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6")
			said, _ := l.mustSetUp(t, pod, w, name)
			if !strings.Contains(said, "IPv6 is not set up") {
				t.Errorf("it says %q", said)
			}

			want := map[string]string{pod4 + ":8080": "sidecar", pod4 + ":15080": "dropped", pod4 + ":15443": "dropped", pod4 + ":9696": "dropped"}
			if diff := cmp.Diff(want, l.callFor(t, 1500*time.Millisecond, l.outside, 1000, slices.Collect(maps.Keys(want)))); diff != "" {
				t.Errorf("answers (-want +got):\n%s", diff)
			}
		})

		t.Run(name+", IPv6 without nat", func(t *testing.T) {
			w := l.with("iptables-nft, dash")
			restore, tool := filepath.Join(w.path, "ip6tables-restore"), l.path("xtables-nft-multi")
			text := "#!/bin/sh\ntext=$(" + l.path("cat") + ")\ncase $text in *'*nat'*) echo no nat >&2; exit 1; esac\n" +
				"printf '%s\\n' \"$text\" | " + tool + " ip6tables-restore \"$@\"\n"
			if err := errors.Join(os.Remove(restore), os.WriteFile(restore, []byte(text), 0o777)); err != nil {
				t.Fatal(err)
			}

			pod := l.pod(t, "-4", "-6")
			said, err := l.setUp(t, pod, w, cases()[name], api4)
			switch needed := name == closed+"all"; { // for IPv6 too, this one redirects
			case needed && (err == nil || !strings.Contains(said, "no nat")), !needed && err != nil:
				t.Errorf("%v\n%s", err, said)
			case !needed:
				l.checkAnswers(t, pod, name)
			}
		})

		t.Run(name+", link-local", func(t *testing.T) { // the kernel gives eth0 an address that others on the link reach
			said, err := l.setUp(t, l.pod(t, "-4"), w, cases()[name], api4)
			if err == nil || !strings.Contains(said, "cannot set up ip6tables: the image has no ip6tables") {
				t.Errorf("%v\n%s", err, said)
			}
		})
	}
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
			for _, name := range []string{"all", closed + "all"} {
				said, err := l.setUp(t, pod, c.way, cases()[name], api4)
				if err == nil || !strings.Contains(said, c.want) {
					t.Errorf("%s: %v\n%s", name, err, said)
				}
				t.Logf("%s: it says:\n%s", name, said)
			}
			l.checkAnswers(t, pod, "none")
		})
	}
}
