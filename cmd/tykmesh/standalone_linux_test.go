package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Edits of the configurations in samples/standalone.
var (
	standaloneNative = []string{"mode: standalone", "mode: standalone\n  kubeVersion: \"1.37\""}
	// No rules close ports, so a NetworkPolicy has to.
	standaloneNoRules = []string{"mode: standalone", "mode: standalone\n  intercept: none\n  accept: [TM0044]"}
)

// standaloneCases are of a mesh without a Dashboard.
var standaloneCases = inStandalone(
	meshCase{name: "plain", manifest: "echo-and-sleep.yaml", config: "plain"},
	meshCase{name: "tls", manifest: "echo-and-sleep.yaml", config: "tls"},
	meshCase{name: "cert-manager", manifest: "echo-and-sleep.yaml", config: "cert-manager"},
	meshCase{name: "tokens", manifest: "allow.yaml", config: "tokens"},
	meshCase{name: "json", manifest: "web.json", config: "tls"},
	meshCase{name: "kinds", manifest: "kinds.yaml", config: "cert-manager", edit: standaloneNative},
	meshCase{name: "init containers", manifest: "init-containers.yaml", config: "tls"},
	meshCase{name: "services", manifest: "services.yaml", config: "tls"},
	meshCase{name: "guide echo upgraded", manifest: "guide/echo.yaml", config: "plain", flags: "--upgrade-api", former: noDeployment},
	meshCase{name: "without rules", manifest: "echo-and-sleep.yaml", config: "tls", edit: standaloneNoRules},
	meshCase{name: "baseline", manifest: "echo-and-sleep.yaml", config: "plain", level: "baseline", forbidden: noBaseline},
	meshCase{name: "restricted", manifest: "restricted.yaml", config: "cert-manager", edit: standaloneNoRules, level: "restricted"},
)

// inStandalone makes cases those of a mesh without a Dashboard.
func inStandalone(cases ...meshCase) []meshCase {
	for i := range cases {
		cases[i].name, cases[i].config = "standalone "+cases[i].name, "standalone/"+cases[i].config+".yaml"
	}
	return cases
}

// standaloneTests are about what such a mesh has besides its manifests, and about its changes.
var standaloneTests = map[string]clusterTest{
	"standalone plain mounts":  {meshCase{manifest: "echo-and-sleep.yaml", config: "standalone/plain.yaml"}, func(s *shell) { s.mounts(``) }},
	"standalone tls mounts":    {meshCase{manifest: "echo-and-sleep.yaml", config: "standalone/tls.yaml"}, func(s *shell) { s.mounts(printSecrets + ` | kubectl apply -f -`) }},
	"standalone tokens mounts": {meshCase{manifest: "allow.yaml", config: "standalone/tokens.yaml"}, func(s *shell) { s.mounts(printSecrets + ` | kubectl apply -f -`) }},
	"standalone cert-manager":  {meshCase{manifest: "echo-and-sleep.yaml", config: "standalone/cert-manager.yaml"}, (*shell).certManagerMounts},
	"standalone change":        {meshCase{manifest: "echo-and-sleep.yaml", config: "standalone/plain.yaml"}, (*shell).changesFiles},
	"standalone uninject live": {meshCase{manifest: "echo-and-sleep.yaml", config: "standalone/tls.yaml"}, (*shell).standaloneLeaves},
}

// printSecrets prints the Secrets that sidecars need.
const printSecrets = `tykmesh certs secrets -q -n $NS -f $MANIFEST`

// addCertManager gives the cluster cert-manager's kinds. There are no controllers for them.
func (k *kubernetes) addCertManager(t *testing.T) {
	t.Helper()
	kubectl := func(args ...string) {
		cmd := exec.CommandContext(t.Context(), filepath.Join(k.tools, "kubectl"), args...)
		cmd.Env = []string{"HOME=" + k.data, "KUBECONFIG=" + filepath.Join(k.data, "kubeconfig")}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("kubectl %v: %v\n%s", args, err, out)
		}
	}
	kubectl("create", "-f", certManagerCRDs(t))
	kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
}

// mounts applies a manifest, and makes sure that a kubelet finds all that Pods mount. The script
// makes what inject does not.
func (s *shell) mounts(script string) {
	s.must(applyInjected)
	if script != "" {
		s.must(script)
	}

	s.until(`kubectl get pods -o name | sed 1d`, finds) // both
	for _, pod := range s.list(`kubectl get pods -o json`) {
		found := 0
		volumes, _ := pod.at("spec")["volumes"].([]any)
		for _, v := range volumes {
			volume, _ := v.(map[string]any)
			for source, name := range map[string]string{"configMap": "name", "secret": "secretName"} {
				from := object(volume).at(source)
				if len(from) == 0 || from["optional"] == true {
					continue
				}

				there := s.object(strings.ToLower(source) + "/" + fmt.Sprint(from[name]))
				items, _ := from["items"].([]any)
				for _, item := range items {
					item, _ := item.(map[string]any)
					if there.at("data")[fmt.Sprint(item["key"])] == nil {
						s.Errorf("%s mounts %v of %s, which lacks it", pod, item["key"], there)
					}
					found++
				}
			}
		}

		s.Logf("%s mounts %d files", pod, found)
		if found < 2 {
			s.Errorf("%s mounts %d files, want the definitions of its sidecar at least", pod, found)
		}
	}
}

// certManagerMounts lets cert-manager make Secrets of the Certificates that the cluster has.
func (s *shell) certManagerMounts() {
	s.set("PATH", filepath.Dir(buildCertManager(s.T).program)+":"+s.env["PATH"])
	s.mounts(`kubectl apply -f <(for c in $(kubectl get certificates -o name); do kubectl get $c -o yaml; echo ---; done | certmanager ca-quickstart/chain.pem ca-quickstart/ca-key.pem)`)
}

// changesFiles changes the definitions of a service: new Pods get new files, and those of before
// keep theirs, so that a rollback finds them.
func (s *shell) changesFiles() {
	const configMap = `kubectl get deployment echo-dep -o jsonpath='{.spec.template.spec.volumes[*].configMap.name}'`
	s.must(applyInjected)
	before := s.must(configMap)
	s.must(`sed -i 's/containerPort: 80/containerPort: 8085/; s/targetPort: 80/targetPort: 8085/' $MANIFEST`)
	s.must(applyInjected)

	after := s.must(configMap)
	if before == "" || after == before {
		s.Fatalf("the files are in ConfigMap %q, after a change of the app's port in %q", before, after)
	}

	s.must(`kubectl get configmap ` + before + ` ` + after)
	s.until(`kubectl get replicasets -l app=echo -o name | sed 1d`, finds)
	s.must(`kubectl rollout undo deployment/echo-dep`)
	if now := s.must(configMap); now != before {
		s.Errorf("a rollback leads to ConfigMap %s, want %s", now, before)
	}

	if o := s.run(`kubectl patch configmap ` + before + ` -p '{"data":{"apis-inbound.json":"{}"}}'`); o.status == 0 || !strings.Contains(o.stderr, "immutable") {
		s.Errorf("a ConfigMap can be changed: %s%s", o.stdout, o.stderr)
	}
}

// standaloneLeaves takes live objects off the mesh. Added objects stay in the cluster, until the user
// deletes them: ConfigMaps and Secrets as status says, routes by their label.
func (s *shell) standaloneLeaves() {
	s.must(applyInjected)
	s.must(printSecrets + ` | kubectl apply -f -`)

	const status = `kubectl get deployments,services,configmaps,secrets -o yaml | tykmesh status -f -`
	live := s.must(status)
	for _, route := range []string{"mesh/echo-svc", "mesh/sleepy-time"} {
		if !strings.Contains(live, route) || strings.Contains(live, "kubectl delete") {
			s.Errorf("status does not name %s, or says that something is not used:\n%s", route, live)
		}
	}
	s.Log(live)

	const off = `kubectl get deployments,services,configmaps -o yaml | tykmesh uninject`
	s.until(off+` | kubectl apply -f -`, succeeds)
	s.offMesh(s.objects(s.must(`cat $MANIFEST`)))
	if left := s.must(off); isEmitted([]byte(left)) {
		s.Errorf("uninject leaves objects that inject added:\n%s", left)
	}

	s.must(status + ` | grep -o 'kubectl delete .*' > delete.sh && sh -e delete.sh`)
	s.must(`kubectl delete services -l app.kubernetes.io/managed-by=tykmesh`)
	if left := s.must(`kubectl get services,configmaps,secrets -o name`); left != "service/echo\n" {
		s.Errorf("the cluster has more than the manifest says:\n%s", left)
	}
}
