package config

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	kubeversion "k8s.io/apimachinery/pkg/util/version"

	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// builtInKeys are the keys of Injector that are about the built-in sidecar, like the section
// Sidecar.
var builtInKeys = []string{"intercept", "exemptCIDRs", "exemptPorts", "rulesImage", "rulesTool", "rulesCPU", "rulesCPULimit", "rulesMemory", "rulesMemoryLimit", "nativeSidecar"}

// nativeSince is the first Kubernetes in which init containers with restartPolicy Always are
// switched on everywhere (KEP-753).
var nativeSince = kubeversion.MustParseGeneric("1.29")

// checkSidecar reports what the built-in sidecar lacks, and what is said of it where containers are
// configured.
func (l *loader) checkSidecar() {
	injector, own := &l.config.Injector, &l.config.Sidecar
	if len(injector.Containers) > 0 || l.failed["Injector.containers"] {
		l.excludes("Injector.containers", "says what pods get", l.builtInSettings()...)
		return
	}

	if s, ok := l.settings["Injector.initContainers"]; ok {
		l.fail(s, "needs Injector.containers; without it pods get the built-in sidecar, which has rules of its own")
	}

	own.Dashboard = strings.TrimRight(cmp.Or(own.Dashboard, l.config.Tyk.URL, l.localDashboard()), "/")
	const hint = "the built-in sidecar needs it; or Injector.containers says what pods get, as with tyk-k8s"
	if own.Dashboard == "" && !l.failed["Tyk.url"] && (l.src.Local || !injector.CreateRoutes) { // else Tyk.url is missing, which is said
		l.missing("Sidecar.dashboard", "is not set, nor is Tyk.url: which Dashboard do sidecars ask for their APIs?", hint)
	}

	if len(own.Redis.Addresses) == 0 {
		l.missing("Sidecar.redis", "is not set: which Redis do the gateways of this Dashboard share? host:port", hint)
	}

	own.Image, own.RulesImage = cmp.Or(own.Image, sidecar.DefaultImage), cmp.Or(own.RulesImage, sidecar.DefaultRulesImage)
	l.checkReachable()
	l.checkLimit("Sidecar.cpu", own.Resources.CPU, own.Resources.CPULimit)
	l.checkLimit("Sidecar.memory", own.Resources.Memory, own.Resources.MemoryLimit)
	l.checkLimit("Injector.rulesCPU", own.RulesResources.CPU, own.RulesResources.CPULimit)
	l.checkLimit("Injector.rulesMemory", own.RulesResources.Memory, own.RulesResources.MemoryLimit)
	if own.Rules.Intercept == sidecar.All && own.RulesTool == sidecar.NFT && len(own.Rules.ExemptCIDRs) == 0 {
		l.fail(l.settings["Injector.rulesTool"], "nft is not told where the Kubernetes API is, and would lead calls of it to the sidecar: name its address in Injector.exemptCIDRs")
	}

	own.Native = injector.NativeSidecar == "true" || injector.NativeSidecar == NativeAuto && injector.KubeVersion != nil && injector.KubeVersion.AtLeast(nativeSince)
}

// checkReachable reports servers that are on this machine: to a pod that is the pod itself. A
// Dashboard that is forwarded to here has another address in the cluster.
func (l *loader) checkReachable() {
	const what = "to a sidecar %s is its own pod: "
	own := l.config.Sidecar
	if u, err := url.Parse(own.Dashboard); err == nil && isLoopback(u.Hostname()) && !l.failed["Sidecar.dashboard"] {
		key := "Sidecar.dashboard"
		if _, set := l.settings[key]; !set {
			key = "Tyk.url"
		}
		l.fail(l.settings[key], fmt.Sprintf(what+"Sidecar.dashboard says where the Dashboard is for pods", u.Hostname()))
	}

	for _, a := range own.Redis.Addresses {
		if host, _, err := net.SplitHostPort(a); err == nil && isLoopback(host) {
			l.fail(l.settings["Sidecar.redis"], fmt.Sprintf(what+"where is Redis for pods?", host))
		}
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// checkLimit reports a request that is more than its limit, at whichever of them is set.
func (l *loader) checkLimit(key, request, limit string) {
	err := sidecar.CheckLimit(request, limit)
	for _, k := range []string{key, key + "Limit"} {
		if s, ok := l.settings[k]; ok && err != nil && !l.failed[k] {
			l.fail(s, err.Error())
			return
		}
	}
}

// localDashboard is what Tyk.url says although --local stands in for it: sidecars do not run from a
// folder.
func (l *loader) localDashboard() string {
	s, ok := l.settings["Tyk.url"]
	if !ok || !l.src.Local {
		return ""
	}
	if text, ok := l.text(s); ok && checkURL(text) == "" {
		return text
	}

	return ""
}

// builtInSettings returns the keys that are about the built-in sidecar.
func (l *loader) builtInSettings() (keys []string) {
	for _, key := range builtInKeys {
		keys = append(keys, "Injector."+key)
	}

	section, _ := findSection("Sidecar")
	for _, key := range section.keyNames() {
		keys = append(keys, "Sidecar."+key)
	}

	return keys
}

// applyRedis takes the addresses of Redis: of one server, or of some of a cluster.
func applyRedis(l *loader, s setting) {
	addresses, ok := l.textsOrOne(s)
	for _, a := range addresses {
		host, port, err := net.SplitHostPort(a)
		if n, bad := strconv.Atoi(port); err != nil || bad != nil || n < 1 || n > 65535 || host == "" || strings.ContainsAny(a, "/, @") {
			l.fail(s, "want host:port, without user, password and path") // the value may hold a password
			return
		}
	}

	if ok {
		l.config.Sidecar.Redis.Addresses = addresses
	}
}

// textsOrOne returns a setting that is a list of texts, or one text with commas.
func (l *loader) textsOrOne(s setting) ([]string, bool) {
	if s.variable == "" && kindOf(s.value) != "a list" {
		text, ok := l.text(s)
		s.variable, s.text = s.key, text
		if !ok {
			return nil, false
		}
	}

	texts, ok := l.texts(s)
	return slices.DeleteFunc(texts, func(t string) bool { return t == "" }), ok
}

// applyExemptCIDRs takes networks that are not led to the sidecar.
func applyExemptCIDRs(l *loader, s setting) {
	texts, _ := l.textsOrOne(s)
	for _, text := range texts {
		network, err := sidecar.ParseNetwork(text)
		if err != nil {
			l.fail(s, err.Error())
			return
		}
		l.config.Sidecar.Rules.ExemptCIDRs = append(l.config.Sidecar.Rules.ExemptCIDRs, network)
	}
}

// applyExemptPorts takes ports that are not led to the sidecar.
func applyExemptPorts(l *loader, s setting) {
	texts, _ := l.textsOrOne(s)
	for _, text := range texts {
		port, err := sidecar.ParseExemptPort(text)
		if err != nil {
			l.fail(s, err.Error())
			return
		}
		l.config.Sidecar.Rules.ExemptPorts = append(l.config.Sidecar.Rules.ExemptPorts, port)
	}
}

var kubeVersion = regexp.MustCompile(`^v?[0-9]+\.[0-9]+(\.[0-9]+)?([-+].*)?$`)

// applyKubeVersion takes the version of the cluster.
func applyKubeVersion(l *loader, s setting) {
	text, ok := l.text(s)
	if !ok || text == "" {
		return
	}
	v, err := kubeversion.ParseGeneric(text)
	if err != nil || !kubeVersion.MatchString(text) {
		l.fail(s, fmt.Sprintf("want a version like 1.33, got %q", text))
		return
	}

	l.config.Injector.KubeVersion = v
}

// applyEnv takes further environment variables of the sidecar.
func applyEnv(l *loader, s setting) {
	for _, e := range l.entries(s.value, s.key, func(a, b string) bool { return a == b }) {
		at := setting{key: dotted(s.key, e.key), value: e.value}
		if sidecar.IsFixed(e.key) {
			l.report(e.pos, at.key, "is tykmesh's to set")
			continue
		}

		if err := sidecar.CheckVariable(e.key); err != nil {
			l.report(e.pos, s.key, err.Error())
			continue
		}

		if text, ok := l.text(at); ok {
			l.config.Sidecar.Env = append(l.config.Sidecar.Env, sidecar.Variable{Name: e.key, Value: text})
		}
	}
}
