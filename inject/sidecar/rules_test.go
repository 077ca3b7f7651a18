package sidecar_test

import (
	"flag"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/tykmesh/tykmesh/inject/sidecar"
)

var update = flag.Bool("update", false, "write the texts of testdata")

const uid = 10777

// exemptions are what people exempt, as they would write it.
func exemptions() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("2001:db8:51::/48"), netip.MustParsePrefix("198.51.100.0/24"),
		netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("127.0.0.0/8"),
	}
}

// cases are rules by name, which the tests of texts and the measurement share. Each is there again
// with ports apart for the pod's own calls, which no other pod may reach.
func cases() map[string]sidecar.Rules {
	all := map[string]sidecar.Rules{
		"none":   {Intercept: sidecar.None, UID: uid},
		"mesh":   {Intercept: sidecar.Mesh, UID: uid},
		"all":    {Intercept: sidecar.All, UID: uid},
		"exempt": {Intercept: sidecar.All, UID: uid, ExemptCIDRs: exemptions()},
		"ports":  {Intercept: sidecar.All, UID: uid, ExemptPorts: []int{443, 8443}},
	}
	for name, r := range maps.Clone(all) {
		r.HTTP, r.HTTPS, r.Closed = 15080, 15443, []int{9696}
		all[closed+name] = r
	}

	return all
}

// closed begins the names of cases that close ports.
const closed = "closed-"

// TestTexts keeps the texts as they are: each change of a byte makes all pods roll.
func TestTexts(t *testing.T) {
	for name, r := range cases() {
		for path, text := range map[string]string{"rules-" + name + ".sh": r.Script(), "rules-" + name + ".nft": r.Ruleset()} {
			path = filepath.Join("testdata", path)
			if *update {
				if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
					t.Fatal(err)
				}
			}

			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(string(want), text); diff != "" {
				t.Errorf("%s (-want +got):\n%s", path, diff)
			}
		}
	}
}

// TestSameTexts: neither the order of exemptions, nor how and how often they are written, makes
// pods roll.
func TestSameTexts(t *testing.T) {
	tidy := sidecar.Rules{Intercept: sidecar.All, UID: uid, ExemptPorts: []int{80}, ExemptCIDRs: []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/16"), netip.MustParsePrefix("fd00::/8"),
	}}
	untidy := sidecar.Rules{Intercept: sidecar.All, UID: uid, ExemptPorts: []int{9999, 80, 80, -1}, ExemptCIDRs: []netip.Prefix{
		netip.MustParsePrefix("fd12::1/8"), netip.MustParsePrefix("10.0.3.4/16"), netip.MustParsePrefix("::ffff:10.1.2.3/104"), {},
		netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("10.9.9.9/8"),
	}}

	for _, r := range []*sidecar.Rules{&tidy, &untidy} {
		r.HTTP, r.HTTPS = 15080, 15443
	}
	tidy.Closed, untidy.Closed = []int{1, 9696}, []int{15443, 9696, 1, 0, 70000, 9696}

	before, closed := slices.Clone(untidy.ExemptCIDRs), slices.Clone(untidy.Closed)
	if diff := cmp.Diff(tidy.Script(), untidy.Script()); diff != "" {
		t.Errorf("script (-tidy +untidy):\n%s", diff)
	}

	if diff := cmp.Diff(tidy.Ruleset(), untidy.Ruleset()); diff != "" {
		t.Errorf("ruleset (-tidy +untidy):\n%s", diff)
	}

	if !slices.Equal(before, untidy.ExemptCIDRs) || !slices.Equal(closed, untidy.Closed) {
		t.Errorf("the caller's CIDRs became %v, and the ports %v", untidy.ExemptCIDRs, untidy.Closed)
	}
}

// TestScriptInPod: the script survives Kubernetes, which replaces references in commands, and is
// readable in what kubectl prints.
func TestScriptInPod(t *testing.T) {
	reference := regexp.MustCompile(`\$\$|\$\([^ )]*\)`)
	for name, r := range cases() {
		if found := reference.FindString(r.Script()); found != "" {
			t.Errorf("%s: Kubernetes would replace %q", name, found)
		}

		for kind, text := range map[string]string{"script": r.Script(), "ruleset": r.Ruleset()} {
			printed, err := yaml.Marshal(map[string][]string{"command": {text}})
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(printed), "command:\n- |\n") {
				t.Errorf("%s: the %s is printed as %.60q", name, kind, printed)
			}
		}
	}
}

// TestScriptParses asks the shells that are there, and runs the script where there is no tool.
func TestScriptParses(t *testing.T) {
	shells := [][]string{{"sh"}, {"dash"}, {"bash", "--posix"}, {"busybox", "sh"}}
	ran := 0
	for _, shell := range shells {
		path, err := exec.LookPath(shell[0])
		if err != nil {
			continue
		}

		ran++
		for name, r := range cases() {
			args := slices.Concat(shell[1:], []string{"-n", "-c", r.Script()})
			if out, err := exec.Command(path, args...).CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%v, %s: %v\n%s", shell, name, err, out)
			}

			cmd := exec.Command(path, slices.Concat(shell[1:], []string{"-c", r.Script()})...)
			cmd.Env = []string{"PATH=" + t.TempDir()}
			out, err := cmd.CombinedOutput()
			if want := "tykmesh: cannot set up iptables: the image has no iptables\n"; err == nil || string(out) != want {
				t.Errorf("%v, %s, without tools: %v\n%s", shell, name, err, out)
			}
		}
	}

	if ran == 0 {
		t.Skip("no POSIX shell here")
	}
}

// FuzzTexts: whatever the settings, the texts hold nothing but what the rules are made of.
func FuzzTexts(f *testing.F) {
	f.Add("all", int64(uid), []byte{10, 1, 2, 3, 8}, []byte{80}, 0, 0)
	f.Add("mesh; reboot", int64(-1), []byte("fe80::1%$(reboot)"), []byte{}, 15080, 15443)
	f.Add(`all"`, int64(0), []byte("\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x0a\x00\x00\x01\x68"), []byte{187, 80}, 15080, 0)
	rule := regexp.MustCompile(`^-A TYKMESH (-m owner --uid-owner -?\d+ -j RETURN|-d [0-9a-f.:]+/\d+ -j RETURN|` +
		`-p tcp (-d 127\.0\.0\.2 )?--dport (80|443) -j REDIRECT --to-ports \d+|! -i lo -p tcp --dport \d+ -j DROP)$`)
	statement := regexp.MustCompile(`^    (type nat hook output priority -100; policy accept;|meta skuid -?\d+ return|ip6? daddr [0-9a-f.:]+/\d+ return|` +
		`(ip daddr 127\.0\.0\.2 )?tcp dport \{ (80|443|80, 443) \} redirect to :\d+|` +
		`type filter hook input priority 0; policy accept;|iifname != "lo" tcp dport \{ \d+(, \d+)* \} drop)$`)
	f.Fuzz(func(t *testing.T, intercept string, uid int64, cidr, ports []byte, http, https int) {
		r := sidecar.Rules{Intercept: sidecar.Intercept(intercept), UID: uid, HTTP: int(uint16(http)), HTTPS: int(uint16(https))}
		if n := len(cidr); n > 0 {
			a, _ := netip.AddrFromSlice(cidr[:n-1])
			r.ExemptCIDRs = append(r.ExemptCIDRs, netip.PrefixFrom(a, int(cidr[n-1])))
			if a, err := netip.ParseAddr(string(cidr)); err == nil {
				r.ExemptCIDRs = append(r.ExemptCIDRs, netip.PrefixFrom(a, a.BitLen()))
			}
		}

		for _, p := range ports {
			r.ExemptPorts = append(r.ExemptPorts, int(p))
			if r.HTTP != 0 {
				r.Closed = append(r.Closed, int(p))
			}
		}

		for line := range strings.SplitSeq(r.Script(), "\n") {
			for _, quote := range []string{`ipv4="`, `ipv6="`, `closed="`} {
				line = strings.TrimPrefix(line, quote)
			}
			if line = strings.TrimSuffix(line, `"`); strings.HasPrefix(line, "-A ") && !rule.MatchString(line) {
				t.Errorf("a rule that is none: %q", line)
			}
		}

		for line := range strings.SplitSeq(r.Ruleset(), "\n") {
			if strings.HasPrefix(line, "    ") && !statement.MatchString(line) {
				t.Errorf("a statement that is none: %q", line)
			}
		}

		known := cases()["mesh"]
		known.HTTP, known.HTTPS, known.Closed = r.HTTP, r.HTTPS, r.Closed
		if known.Intercept = r.Intercept; r.Intercept != sidecar.All && r.Script() != known.Script() {
			t.Errorf("%q: exemptions change a text that has none", intercept)
		}
	})
}
