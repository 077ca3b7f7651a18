package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// meshCase is a manifest that goes through inject to Kubernetes, and what comes of it.
type meshCase struct {
	name      string
	manifest  string   // of the samples or testdata/cluster
	config    string   // of the samples, or configInit; "" is tykmesh.yaml
	edit      []string // of the configuration: what stands there, what shall, ...
	flags     string   // of inject
	level     string   // of Pod Security that the namespace enforces; "" is none
	forbidden string   // why no Pod comes of it, as events say it; "" where Pods do
	refused   string   // what is said where Kubernetes does not get it or does not take it; "" where it does
	former    string   // what kubectl says to it as it was, where Kubernetes takes only what inject --upgrade-api makes of it
}

// withoutTLS edits the sample of a configuration.
var withoutTLS = []string{"enableMeshTLS: true", "enableMeshTLS: false", `value: "true" # as enableMeshTLS above`, `value: "false"`}

// What kubectl says to the guide's two examples, which are as it prints them, of a Kubernetes that
// nobody has any more.
const noDeployment = `no matches for kind "Deployment" in version "extensions/v1beta1"`

// configuredCases are of the containers that the sample of a configuration has. There are others of
// the built-in sidecar: builtInCases.
var configuredCases = []meshCase{
	{name: "tls", manifest: "echo-and-sleep.yaml"},
	{name: "plain", manifest: "echo-and-sleep.yaml", edit: withoutTLS},
	{name: "kinds", manifest: "kinds.yaml"},
	{name: "privileged", manifest: "echo-and-sleep.yaml", level: "privileged"},
	{name: "baseline", manifest: "echo-and-sleep.yaml", level: "baseline",
		forbidden: `violates PodSecurity "baseline:latest": privileged (container "run-iptables" must not set securityContext.privileged=true)`},
	{name: "services", manifest: "services.yaml"},
	{name: "guide echo", manifest: "guide/echo.yaml", refused: noDeployment},
	{name: "guide sleep", manifest: "guide/sleep.yaml", refused: noDeployment},
	{name: "guide echo upgraded", manifest: "guide/echo.yaml", flags: "--upgrade-api", former: noDeployment},
	{name: "guide sleep upgraded", manifest: "guide/sleep.yaml", flags: "--upgrade-api", former: noDeployment},
	{name: "former kinds upgraded", manifest: "former.yaml", flags: "--upgrade-api", former: noDeployment},
}

// TestCluster gives what the program prints to Kubernetes, with kubectl, as the README has it: an
// API server takes it, and controllers make Pods of it that pass all that Kubernetes asks of Pods.
// There are no kubelets, so no Pod runs. Everything is built first, which takes many minutes the
// first time, so this runs only where somebody asks for it: make test-cluster.
func TestCluster(t *testing.T) {
	if os.Getenv("TYKMESH_TEST_CLUSTER") == "" {
		t.Skip("make test-cluster runs this: it builds Kubernetes")
	}

	k := startKubernetes(t)
	k.addCertManager(t)
	for _, c := range slices.Concat(configuredCases, builtInCases, standaloneCases) {
		for _, how := range []string{"", "--server-side"} {
			t.Run(strings.TrimSpace(c.name+" "+how), func(t *testing.T) {
				t.Parallel()
				s := k.shell(t, c)
				s.set("HOW", how)
				if c.refused != "" {
					s.refuses(c.refused)
				} else {
					s.applies(c)
				}
			})
		}
	}

	sample := meshCase{manifest: "echo-and-sleep.yaml"}
	for name, test := range map[string]func(*shell){
		"failure": (*shell).failure, "uninject what is there": (*shell).uninjectLive, "ca init": (*shell).caInit, "certs renew": (*shell).cronJob,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(k.shell(t, sample))
		})
	}

	tests := maps.Clone(builtInTests)
	maps.Copy(tests, standaloneTests)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.run(k.shell(t, test.meshCase))
		})
	}
}

// What users type. $HOW is how kubectl applies.
const (
	injectManifest = `tykmesh inject -n $NS -f $MANIFEST $FLAGS`
	applyInjected  = `kubectl apply $HOW -f <(` + injectManifest + `)`
	dryRunInjected = `kubectl apply --dry-run=server $HOW -f <(` + injectManifest + `)`
	diffInjected   = `kubectl diff $HOW -f <(` + injectManifest + `)`
	applyOriginal  = injectManifest + ` | tykmesh uninject | kubectl apply $HOW -f -`
	diffOriginal   = injectManifest + ` | tykmesh uninject | kubectl diff $HOW -f -`
)

// applies takes a manifest to the cluster, once and again, off the mesh and onto it.
func (s *shell) applies(c meshCase) {
	said, again := "created", "unchanged"
	if s.env["HOW"] != "" { // where kubectl knows no other word
		said, again = "serverside-applied", "serverside-applied"
	}

	injected := s.objects(s.must(injectManifest))
	s.says(applyInjected, len(injected), said)
	first := s.versions()
	s.says(applyInjected, len(injected), again)
	s.says(dryRunInjected, len(injected), again+" (server dry run)")
	s.until(diffInjected, findsNone)
	if now := s.versions(); now != first {
		s.Errorf("applying it again changes something (-before +after):\n%s", cmp.Diff(first, now))
	}

	for _, o := range injected {
		s.holds(o.String(), o, s.object(o.String()))
		switch {
		case c.forbidden != "":
			s.becomesNoPod(o, c.forbidden)
		default:
			s.becomesPod(o)
		}
	}

	if c.former != "" {
		s.isFormer(c.former)
	} else {
		s.leavesAndJoins(injected)
	}
}

// leavesAndJoins takes what is injected off the mesh, and what is there then onto it again.
func (s *shell) leavesAndJoins(injected []object) {
	original := s.objects(s.must(`cat $MANIFEST`))
	s.deleteFixed(injected)
	s.says(applyOriginal, len(original), "")
	s.offMesh(original)
	s.until(diffOriginal, findsNone)
	s.deleteFixed(injected)
	s.says(applyInjected, len(injected), "")
	s.until(diffInjected, findsNone)
}

// deleteFixed deletes what Kubernetes lets nobody change the containers of.
func (s *shell) deleteFixed(objects []object) {
	for _, o := range objects {
		if kind := o.kind(); kind == "Job" || kind == "Pod" {
			s.must(`kubectl delete ` + o.String())
		}
	}
}

// isFormer makes sure that uninject brings back what people wrote, with the API version that nobody
// serves any more: kubectl says so, as it does of the manifest that was never injected.
func (s *shell) isFormer(why string) {
	if diff := cmp.Diff(s.must(`cat $MANIFEST`), s.must(injectManifest+` | tykmesh uninject --upgrade-api=false`)); diff != "" {
		s.Errorf("uninject prints another manifest (-want +got):\n%s", diff)
	}

	restored := strings.Replace(applyOriginal, "tykmesh uninject", "tykmesh uninject --upgrade-api=false", 1)
	for _, script := range []string{restored, `kubectl apply $HOW -f $MANIFEST`} {
		if o := s.run(script); o.status == 0 || !strings.Contains(o.stderr, why) {
			s.Errorf("%s: exit status %d, want one for %s\n%s%s", script, o.status, why, o.stdout, o.stderr)
		}
	}
}

// offMesh makes sure that the cluster has what the manifest says, and nothing of ours.
func (s *shell) offMesh(original []object) {
	for _, o := range original {
		there := s.object(o.String())
		s.holds(o.String(), o, there)
		for _, list := range []string{"containers", "initContainers", "volumes", "hostAliases"} {
			if want, have := count(o.template(), list), count(there.template(), list); want != have {
				s.Errorf("%s has %d %s after uninject, want %d", o, have, list, want)
			}
		}
	}
}

// madeIntoPods are the kinds of which Kubernetes makes Pods.
var madeIntoPods = []string{"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod"}

// becomesPod waits for the Pod of an object, which must have all of its template.
func (s *shell) becomesPod(o object) {
	if !slices.Contains(madeIntoPods, o.kind()) {
		return
	}

	if o.kind() == "CronJob" {
		s.must(`kubectl create job now --from=` + o.String())
	}

	template := o.template()
	s.set("APP", fmt.Sprint(template.at("metadata", "labels")["app"]))
	s.until(`kubectl get pods -l app=$APP -o name; kubectl get events --field-selector reason=FailedCreate -o name`, finds)

	pods := s.list(`kubectl get pods -l app=$APP -o json`)
	if len(pods) != 1 {
		s.Fatalf("%s has %d pods: %s", o, len(pods), s.must(`kubectl get events`))
	}

	for _, part := range []string{"labels", "annotations"} {
		s.holds("pod "+part, template.at("metadata", part), pods[0].at("metadata", part))
	}

	s.holds("pod", template.at("spec"), pods[0].at("spec"))
	if phase := pods[0].at("status")["phase"]; phase != "Pending" {
		s.Errorf("the pod of %s is %v", o, phase)
	}

	s.Logf("%s: a Pod with %d containers, %d init containers", o, count(pods[0], "containers"), count(pods[0], "initContainers"))
}

// becomesNoPod waits for the event that says why. Nothing else does: kubectl is content, because
// Kubernetes takes the Deployment, and it is the ReplicaSet that cannot make its Pod.
func (s *shell) becomesNoPod(o object, why string) {
	if !slices.Contains(madeIntoPods, o.kind()) {
		return
	}

	s.set("NAME", fmt.Sprint(o.at("metadata")["name"]))
	events := s.until(`kubectl get events --field-selector reason=FailedCreate \
		-o jsonpath='{range .items[*]}{.involvedObject.kind}/{.involvedObject.name}: {.message}{"\n"}{end}' | grep "/$NAME-"`, finds)

	event, _, _ := strings.Cut(events.stdout, "\n")
	if !strings.Contains(event, why) {
		s.Errorf("the event says\n%s\nwant\n%s", event, why)
	}

	s.Log(event)
	if pods := s.must(`kubectl get pods -o name`); pods != "" {
		s.Errorf("there are pods: %s", pods)
	}
}

// refuses shows what is said to a manifest that the API server of today does not know.
func (s *shell) refuses(why string) {
	o := s.run(applyInjected)
	if o.status == 0 || !strings.Contains(o.stderr, why) {
		s.Errorf("exit status %d, want one for %s\n%s%s", o.status, why, o.stdout, o.stderr)
	}
	s.Logf("kubectl apply: exit status %d\n%s%s", o.status, o.stdout, o.stderr)
}

// failure: where inject fails kubectl gets nothing, and the cluster stays as it is.
func (s *shell) failure() {
	s.must(applyInjected)
	before := s.versions()
	for _, script := range []string{
		`kubectl apply -f <(sed 's|"/echo-svc"|a b|' $MANIFEST | tykmesh inject -n $NS)`,
		`kubectl apply -f <(TYK_DASHBOARD_KEY=another tykmesh inject -n $NS -f $MANIFEST)`,
		`kubectl apply --server-side -f <(TYK_DASHBOARD_KEY=another tykmesh inject -n $NS -f $MANIFEST)`,
	} {
		o := s.run(script)
		if o.status == 0 || o.stdout != "" || !strings.Contains(o.stderr, "error: no objects passed to apply") {
			s.Errorf("%s: exit status %d\n%s%s", script, o.status, o.stdout, o.stderr)
		}
		s.Logf("%s: exit status %d\n%s", script, o.status, o.stderr)
	}

	if now := s.versions(); now != before {
		s.Errorf("a failing inject changes something (-before +after):\n%s", cmp.Diff(before, now))
	}
}

// uninjectLive takes off the mesh what the cluster gives back, with all that the API server has set
// in it.
func (s *shell) uninjectLive() {
	s.must(applyInjected)
	s.until(`kubectl get deployments,services -o yaml | tykmesh uninject | kubectl apply -f -`, succeeds)
	s.offMesh(s.objects(s.must(`cat $MANIFEST`)))
}

// caInit applies what ca init writes, where a namespace takes restricted Pods alone, as the
// manifests say that it may.
func (s *shell) caInit() {
	s.enforce("restricted")
	s.must(`tykmesh ca init -q --algo ecdsa -n $NS --mesh-namespace $NS`)

	files, err := filepath.Glob(filepath.Join(s.folder, "ca-quickstart", "k8s", "*.yaml"))
	if err != nil || len(files) == 0 {
		s.Fatalf("ca init writes no manifests: %v", err)
	}

	written := 0
	for _, file := range files {
		text, err := os.ReadFile(file) // not at the shell: some are secret
		if err != nil {
			s.Fatal(err)
		}
		written += len(s.objects(string(text)))
	}

	s.says(`kubectl apply -f ca-quickstart/k8s`, written, "created")
	s.says(`kubectl apply -f ca-quickstart/k8s`, written, "unchanged")
	s.until(`kubectl diff -f ca-quickstart/k8s`, findsNone)
	s.until(`kubectl get pods -l app=cfssl -o name`, finds)
}

// cronJob applies the sample of a CronJob, and waits for the Pod of a Job that is made of it.
func (s *shell) cronJob() {
	s.enforce("restricted")
	const apply = `kubectl apply -f ` + cronJobSample
	s.says(apply, 1, "created")
	s.says(apply, 1, "unchanged")
	s.must(`kubectl create job now --from=cronjob/tykmesh-certs-renew`)
	s.until(`kubectl get pods -l app.kubernetes.io/component=certs-renew -o name`, finds)
}
