package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// Edits of what config init prints.
var (
	// emits adds the ConfigMap of the CA, because no namespace of a cluster here has one.
	emits     = []string{"#bundlePath: ca-quickstart/bundle.pem", "bundlePath: bundle.pem", "#emitCA: false", "emitCA: true"}
	builtIn   = []string{"enableMeshTLS: true", "enableMeshTLS: false"} // without TLS
	native    = []string{`#kubeVersion: "1.33"`, `kubeVersion: "1.37"`}
	preserves = []string{"#servicePorts: replace", "servicePorts: preserve"}
	byNFT     = []string{"#rulesTool: iptables", "rulesTool: nft", "#exemptCIDRs: [10.96.0.1/32]", "exemptCIDRs: [10.0.0.1/32, 'fd00::1']"}
)

// intercepts edits what config init prints.
func intercepts(what string) []string { return []string{"#intercept: all", "intercept: " + what} }

// Why namespaces refuse Pods whose calls the sidecar's init container redirects.
const (
	noBaseline = `violates PodSecurity "baseline:latest": non-default capabilities (container "tyk-mesh-rules" must not include "NET_ADMIN" in securityContext.capabilities.add)`

	noRestricted      = `violates PodSecurity "restricted:latest": ` + againstRestricted
	againstRestricted = `unrestricted capabilities (container "tyk-mesh-rules" must not include "NET_ADMIN" in securityContext.capabilities.add), ` +
		`runAsNonRoot != true (container "tyk-mesh-rules" must not set securityContext.runAsNonRoot=false), ` +
		`runAsUser=0 (container "tyk-mesh-rules" must not set runAsUser=0)`
)

// builtInCases are of the built-in sidecar, as config init has it.
var builtInCases = inBuiltIn(
	meshCase{name: "tls", manifest: "echo-and-sleep.yaml", edit: emits},
	meshCase{name: "plain", manifest: "echo-and-sleep.yaml", edit: builtIn},
	meshCase{name: "json", manifest: "web.json", edit: emits},
	meshCase{name: "kinds", manifest: "kinds.yaml", edit: slices.Concat(emits, native)},
	meshCase{name: "init containers", manifest: "init-containers.yaml", edit: emits},
	meshCase{name: "init containers native", manifest: "init-containers.yaml", edit: slices.Concat(emits, native)},
	meshCase{name: "nft", manifest: "echo-and-sleep.yaml", edit: slices.Concat(builtIn, byNFT)},
	meshCase{name: "intercept mesh", manifest: "echo-and-sleep.yaml", edit: slices.Concat(builtIn, intercepts("mesh"))},
	meshCase{name: "intercept none", manifest: "echo-and-sleep.yaml", edit: slices.Concat(builtIn, intercepts("none"))},
	meshCase{name: "services replaced", manifest: "services.yaml", edit: emits},
	meshCase{name: "services preserved", manifest: "services.yaml", edit: slices.Concat(builtIn, preserves)},
	meshCase{name: "services preserved tls", manifest: "services.yaml", edit: slices.Concat(emits, preserves)},
	meshCase{name: "alias", manifest: "aliases.yaml", edit: builtIn, refused: "spec.hostAliases: the address 127.0.0.2 belongs to the mesh"},
	meshCase{name: "overrides", manifest: "overrides.yaml", edit: emits},
	meshCase{name: "ca file", manifest: "ca-file.yaml", edit: emits},
	meshCase{name: "guide echo", manifest: "guide/echo.yaml", edit: builtIn, refused: "apiVersion extensions/v1beta1: Kubernetes 1.16 removed it"},
	meshCase{name: "guide echo upgraded", manifest: "guide/echo.yaml", edit: emits, flags: "--upgrade-api", former: noDeployment},
	meshCase{name: "guide sleep upgraded", manifest: "guide/sleep.yaml", edit: emits, flags: "--upgrade-api", former: noDeployment},
	meshCase{name: "former kinds upgraded", manifest: "former.yaml", edit: slices.Concat(emits, native), flags: "--upgrade-api", former: noDeployment},
	meshCase{name: "baseline", manifest: "echo-and-sleep.yaml", edit: builtIn, level: "baseline", forbidden: noBaseline},
	meshCase{name: "baseline mesh", manifest: "echo-and-sleep.yaml", edit: slices.Concat(builtIn, intercepts("mesh")), level: "baseline", forbidden: noBaseline},
	meshCase{name: "restricted", manifest: "restricted.yaml", edit: slices.Concat(emits, intercepts("none")), level: "restricted"},
	meshCase{name: "restricted native", manifest: "restricted.yaml", edit: slices.Concat(emits, native, intercepts("none")), level: "restricted"},
	meshCase{name: "restricted mesh", manifest: "restricted.yaml", edit: slices.Concat(builtIn, intercepts("mesh")), level: "restricted", forbidden: noRestricted},
)

// inBuiltIn makes cases those of the built-in sidecar.
func inBuiltIn(cases ...meshCase) []meshCase {
	for i := range cases {
		cases[i].name, cases[i].config = "built-in "+cases[i].name, configInit
	}
	return cases
}

// clusterTest is a test of its own kind.
type clusterTest struct {
	meshCase
	run func(*shell)
}

// builtInTests are about what stands beside the manifests, and about what differs from profile to
// profile.
var builtInTests = map[string]clusterTest{
	"config secret tls":   {meshCase{manifest: "echo-and-sleep.yaml", config: configInit}, func(s *shell) { s.sidecarSecret("configured") }}, // another certificate
	"config secret plain": {meshCase{manifest: "echo-and-sleep.yaml", config: configInit, edit: builtIn}, func(s *shell) { s.sidecarSecret("unchanged") }},
	"second alias":        {meshCase{manifest: "aliases.yaml"}, (*shell).secondAlias},
	"helm":                {meshCase{manifest: "echo-and-sleep.yaml", config: configInit, edit: emits}, (*shell).helm},
	"refused beforehand":  {meshCase{manifest: "restricted.yaml", config: configInit, edit: builtIn, level: "restricted"}, (*shell).refusedBeforehand},
}

// refusedBeforehand: who gives inject the Namespace learns at once what else the events of a
// ReplicaSet would say.
func (s *shell) refusedBeforehand() {
	o := s.run(`kubectl get namespace $NS -o yaml | tykmesh inject -n $NS -f - -f $MANIFEST`)
	if o.status != 1 || o.stdout != "" || !strings.Contains(o.stderr, againstRestricted) {
		s.Errorf("exit status %d, want 1 for %s\n%s%s", o.status, againstRestricted, o.stdout, o.stderr)
	}

	s.Log(o.stderr)
	if apis := s.dashboard.APIs(); len(apis) > 0 {
		s.Errorf("%d APIs are registered all the same", len(apis))
	}
}

// secondAlias: with configured containers a pod may get a second alias of an address, as the
// webhook gave it. Kubernetes takes it from those who apply as ever, and inject warns of what it
// says to others.
func (s *shell) secondAlias() {
	const warning, refusal = "server-side apply rejects it", `.spec.template.spec.hostAliases: duplicate entries for key [ip="127.0.0.1"]`
	o := s.run(injectManifest + ` | kubectl apply --server-side -f -`)
	if o.status == 0 || !strings.Contains(o.stderr, warning) || !strings.Contains(o.stderr, refusal) {
		s.Errorf("exit status %d, want one for %s, and %s\n%s", o.status, refusal, warning, o.stderr)
	}
	s.Log(o.stderr)
	s.says(applyInjected, 1, "created")
}

// helm installs a release whose ConfigMap of the CA no template made, and takes it away again. It
// is that release's alone: Helm lets no other one of the namespace have it.
func (s *shell) helm() {
	s.set("PATH", buildTools(s.T, hostTools[0])+":"+s.env["PATH"])
	s.must(`mkdir -p plugin one/templates two/templates && tykmesh helm plugin > plugin/plugin.yaml && helm plugin install ./plugin &&
		printf 'apiVersion: v2\nname: one\nversion: 1.0.0\n' | tee one/Chart.yaml > two/Chart.yaml && cp echo.yaml one/templates && cp sleep.yaml two/templates`)
	const install = `helm upgrade --install -n $NS --post-renderer tykmesh --post-renderer-args -n=$NS `
	for range 2 {
		s.must(install + `one ./one`)
		s.must(`kubectl get deployment/echo-dep service/echo configmap/ca-pem`)
	}

	o := s.run(install + `two ./two`)
	if refusal := "invalid ownership metadata"; o.status == 0 || !strings.Contains(o.stderr, refusal) {
		s.Errorf("exit status %d, want one for %s\n%s%s", o.status, refusal, o.stdout, o.stderr)
	}

	s.Log(o.stderr)
	s.must(`helm uninstall -n $NS one`)
	s.until(`kubectl get deployments,services,configmaps -o name | grep -v kube-root-ca.crt`, func(o outcome) bool { return o.stdout == "" })
}

// gatewaySecrets are what the gateways of an installation have been given.
var gatewaySecrets = map[string]string{
	"TYK_GW_SECRET": `planted gateway "secret"`, "TYK_GW_NODESECRET": "planted $(node) secret", "TYK_GW_STORAGE_PASSWORD": "planted-redis-password",
}

// sidecarSecret makes the Secret of the sidecars as config secret has it, which has whatever the
// pods take from it, and does so again.
func (s *shell) sidecarSecret(again string) {
	for variable, value := range gatewaySecrets {
		s.set(variable, value)
		s.secrets[value] = variable
	}

	for _, said := range []string{"created", again} {
		s.says(`tykmesh config secret -n $NS | sh`, 1, said)
		for variable, key := range map[string]string{
			"TYK_GW_SECRET": sidecar.KeySecret, "TYK_GW_NODESECRET": sidecar.KeyNodeSecret, "TYK_GW_STORAGE_PASSWORD": sidecar.KeyRedisPassword,
		} {
			s.must(`test "$(kubectl get secret ` + sidecar.Secret + ` -o jsonpath='{.data.` + key + `}' | base64 -d)" = "$` + variable + `"`)
		}
	}

	keys := strings.Fields(s.must(`kubectl get secret ` + sidecar.Secret + ` -o go-template='{{range $key, $value := .data}}{{$key}} {{end}}'`))
	s.Log(keys)

	taken := 0
	for _, o := range s.objects(s.must(injectManifest)) {
		for _, key := range takenFromSecret(o.template().at("spec")) {
			if taken++; !slices.Contains(keys, key) {
				s.Errorf("%s takes %s from the Secret, which has %v", o, key, keys)
			}
		}
	}

	if taken == 0 {
		s.Error("no pod takes anything from the Secret")
	}
}

// takenFromSecret returns the keys that a tree takes from the Secret of the sidecars, but for those
// that may be missing.
func takenFromSecret(tree any) (keys []string) {
	switch tree := tree.(type) {
	case object:
		return takenFromSecret(map[string]any(tree))
	case []any:
		for _, item := range tree {
			keys = append(keys, takenFromSecret(item)...)
		}
	case map[string]any:
		if tree["name"] == sidecar.Secret && tree["key"] != nil && tree["optional"] != true {
			keys = append(keys, fmt.Sprint(tree["key"]))
		}

		if items, _ := tree["items"].([]any); tree["secretName"] == sidecar.Secret {
			for _, item := range items {
				item, _ := item.(map[string]any)
				keys = append(keys, fmt.Sprint(item["key"]))
			}
		}

		for _, value := range tree {
			keys = append(keys, takenFromSecret(value)...)
		}
	}

	return keys
}
