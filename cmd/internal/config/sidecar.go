package config

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"strings"

	kubeversion "k8s.io/apimachinery/pkg/util/version"

	"github.com/tykmesh/tykmesh/inject/sidecar"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// nativeSince is the first Kubernetes in which init containers with restartPolicy Always are
// enabled by default (KEP-753).
var nativeSince = kubeversion.MustParseGeneric("1.29")

// sleepSince is the first Kubernetes in which preStop hooks that sleep are enabled by default
// (KEP-3960).
var sleepSince = kubeversion.MustParseGeneric("1.30")

// checkSidecar reports keys that are missing for the built-in sidecar, or keys for it that are set
// although containers are configured.
func (l *loader) checkSidecar() {
	injector, own := &l.config.Injector, &l.config.Sidecar
	if !l.config.Standalone() && (len(injector.Containers) > 0 || l.failed[InjectorContainers]) {
		l.excludes(InjectorContainers, "replaces the built-in sidecar", builtInKeys()...)
		return
	}

	if !l.config.Standalone() {
		l.checkServersOfPods()
	}

	own.Image, own.RulesImage = cmp.Or(own.Image, sidecar.DefaultImage), cmp.Or(own.RulesImage, sidecar.DefaultRulesImage)
	l.checkPorts()
	l.checkLimit(SidecarCPU, SidecarCPULimit, own.Resources.CPU, own.Resources.CPULimit)
	l.checkLimit(SidecarMemory, SidecarMemoryLimit, own.Resources.Memory, own.Resources.MemoryLimit)
	l.checkLimit(InjectorRulesCPU, InjectorRulesCPULimit, own.RulesResources.CPU, own.RulesResources.CPULimit)
	l.checkLimit(InjectorRulesMemory, InjectorRulesMemoryLimit, own.RulesResources.Memory, own.RulesResources.MemoryLimit)
	if own.Rules.Intercept == sidecar.All && own.RulesTool == sidecar.NFT && len(own.Rules.ExemptCIDRs) == 0 {
		l.fail(l.settings[InjectorRulesTool], "nft cannot find the Kubernetes API, and would redirect calls to it; write its address into "+InjectorExemptCIDRs)
	}

	l.checkTraffic()
	own.Native = injector.NativeSidecar == "true" || injector.NativeSidecar == NativeAuto && l.atLeast(nativeSince)
	own.Sleeps = l.atLeast(sleepSince)
}

// checkServersOfPods reports keys that are missing for sidecars that load their APIs from a
// Dashboard.
func (l *loader) checkServersOfPods() {
	injector, own := &l.config.Injector, &l.config.Sidecar
	if s, ok := l.settings[InjectorInitContainers]; ok {
		l.fail(s, "needs "+InjectorContainers+"; without it pods get the built-in sidecar, which has init containers of its own")
	}

	own.Dashboard = strings.TrimRight(cmp.Or(own.Dashboard, l.config.Tyk.URL, l.localDashboard()), "/")
	const hint = "the built-in sidecar needs it; or set " + InjectorContainers + ", as for tyk-k8s"
	if own.Dashboard == "" && !l.failed[TykURL] && (l.src.Local || !injector.CreateRoutes) { // else the error is that Tyk.url is missing
		l.missing(SidecarDashboard, "is not set, and neither is "+TykURL+"; write the URL of the Dashboard from which sidecars load their APIs", hint)
	}
	if len(own.Redis.Addresses) == 0 {
		l.missing(SidecarRedis, "is not set; write host:port of the Redis that the gateways of this Dashboard share", hint)
	}

	l.checkReachable()
}

// atLeast reports whether the cluster is known to have a version of Kubernetes, or a later one.
func (l *loader) atLeast(version *kubeversion.Version) bool {
	own := l.config.Injector.KubeVersion
	return own != nil && own.AtLeast(version)
}

// checkTraffic reports a memory limit that is too small for the largest request body, and a timeout
// of callees behind the end of the connection of their caller (Tyk documentation,
// proxy_default_timeout).
func (l *loader) checkTraffic() {
	own := l.config.Sidecar
	l.failAt(sidecar.CheckBody(own.MaxBody(), own.Resources.MemoryLimit, SidecarMemoryLimit), SidecarMaxRequestBody, SidecarMemoryLimit)

	stream := cmp.Or(own.Traffic.StreamTimeout, sidecar.OwnStreamTimeout)
	if proxy := cmp.Or(own.Traffic.ProxyTimeout, sidecar.OwnProxyTimeout); proxy > stream {
		l.failAt(fmt.Errorf("the caller is cut off after %d s, before a service has %d s to answer; set %s to %d", stream, proxy, SidecarStreamTimeout, proxy),
			SidecarProxyTimeout, SidecarStreamTimeout)
	}
}

// checkPorts reports ports that sidecars cannot have.
func (l *loader) checkPorts() {
	own := l.config.Sidecar
	if err := l.checkPort(own.Port); err != nil {
		l.fail(l.settings[SidecarPort], err.Error())
	}
	if own.PreviousPort != 0 && own.PreviousPort == own.Port && !l.failed[SidecarPort] {
		l.fail(l.settings[SidecarPreviousPort], fmt.Sprintf("is the same as %s; delete it", SidecarPort))
	}
	if err := l.checkPort(own.PreviousPort); own.PreviousPort != 0 && err != nil {
		l.fail(l.settings[SidecarPreviousPort], err.Error())
	}
}

// checkPort reports whether sidecars can listen on a port for callers.
func (l *loader) checkPort(port int) error {
	if l.config.Standalone() && (port == standalone.HTTPPort || port == standalone.HTTPSPort) {
		return fmt.Errorf("a sidecar answers its own pod on the ports %d and %d; use another port", standalone.HTTPPort, standalone.HTTPSPort)
	}
	return sidecar.CheckPort(port)
}

// checkReachable reports servers on this machine: in a pod, such an address means the pod itself. A
// Dashboard that is forwarded to this machine has another address in the cluster.
func (l *loader) checkReachable() {
	own := l.config.Sidecar
	if u, err := url.Parse(own.Dashboard); err == nil && isLoopback(u.Hostname()) && !l.failed[SidecarDashboard] {
		key := SidecarDashboard
		if _, set := l.settings[key]; !set {
			key = TykURL
		}
		l.fail(l.settings[key], fmt.Sprintf("in a pod, %s is the pod itself; set %s to the URL of the Dashboard that pods reach", u.Hostname(), SidecarDashboard))
	}

	for _, a := range own.Redis.Addresses {
		if host, _, err := net.SplitHostPort(a); err == nil && isLoopback(host) {
			l.fail(l.settings[SidecarRedis], fmt.Sprintf("in a pod, %s is the pod itself; write the address of Redis that pods reach", host))
		}
	}
}

// checkLimit reports a request that exceeds its limit, at the key of the two that is set.
func (l *loader) checkLimit(requestKey, limitKey, request, limit string) {
	l.failAt(sidecar.CheckLimit(request, limit), requestKey, limitKey)
}

// failAt reports an error, if there is one, at the first of some keys that is set.
func (l *loader) failAt(err error, keys ...string) {
	for _, k := range keys {
		if s, ok := l.settings[k]; ok && err != nil && !l.failed[k] {
			l.fail(s, err.Error())
			return
		}
	}
}

// localDashboard returns Tyk.url although --local stands in for it, because sidecars do not load
// their APIs from a directory.
func (l *loader) localDashboard() string {
	s, ok := l.settings[TykURL]
	if !ok || !l.src.Local {
		return ""
	}
	if text, ok := l.text(s); ok && checkURL(text) == nil {
		return text
	}

	return ""
}
