package main

import (
	"fmt"
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
	manifest  string   // of the samples, or its text
	config    string   // of the samples; "" is tykmesh.yaml
	edit      []string // of the configuration: what stands there, what shall, ...
	flags     string   // of inject
	level     string   // of Pod Security that the namespace enforces; "" is none
	forbidden string   // why no Pod comes of it, as events say it; "" where Pods do
	refused   string   // what kubectl says where Kubernetes does not take it at all; "" where it does
}

// withoutTLS edits the sample of a configuration.
var withoutTLS = []string{"enableMeshTLS: true", "enableMeshTLS: false", `value: "true" # as enableMeshTLS above`, `value: "false"`}

// meshCases: the guide's two examples are as it prints them, of a Kubernetes that nobody has any more.
var meshCases = []meshCase{
	{name: "tls", manifest: "echo-and-sleep.yaml"},
	{name: "plain", manifest: "echo-and-sleep.yaml", edit: withoutTLS},
	{name: "kinds", manifest: everyKind},
	{name: "privileged", manifest: "echo-and-sleep.yaml", level: "privileged"},
	{name: "baseline", manifest: "echo-and-sleep.yaml", level: "baseline",
		forbidden: `violates PodSecurity "baseline:latest": privileged (container "run-iptables" must not set securityContext.privileged=true)`},
	{name: "guide echo", manifest: "guide/echo.yaml", refused: `no matches for kind "Deployment" in version "extensions/v1beta1"`},
	{name: "guide sleep", manifest: "guide/sleep.yaml", refused: `no matches for kind "Deployment" in version "extensions/v1beta1"`},
}

// TestCluster gives what the program prints to Kubernetes, with kubectl, as the README has it: an API server takes it, and controllers make Pods of
// it that pass all that Kubernetes asks of Pods. There are no nodes, so no Pod runs. Everything is built first, which takes many minutes the first
// time, so this runs only where somebody asks for it: make test-cluster.
func TestCluster(t *testing.T) {
	if os.Getenv("TYKMESH_TEST_CLUSTER") == "" {
		t.Skip("make test-cluster runs this: it builds Kubernetes")
	}
	k := startKubernetes(t)
	for _, c := range meshCases {
		for _, how := range []string{"", "--server-side"} {
			t.Run(strings.TrimSpace(c.name+" "+how), func(t *testing.T) {
				s := k.shell(t, c)
				s.set("HOW", how)
				if c.refused != "" {
					s.refuses(c.refused)
				} else {
					s.applies(c.forbidden)
				}
			})
		}
	}
	sample := meshCase{manifest: "echo-and-sleep.yaml"}
	for name, test := range map[string]func(*shell){
		"failure": (*shell).failure, "uninject what is there": (*shell).uninjectLive, "ca init": (*shell).caInit, "certs renew": (*shell).cronJob,
	} {
		t.Run(name, func(t *testing.T) { test(k.shell(t, sample)) })
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

// applies takes a manifest to the cluster, once and again, and off the mesh.
func (s *shell) applies(forbidden string) {
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
	for _, o := range injected {
		s.holds(o.String(), o, s.object(o.String()))
		switch {
		case !slices.Contains(madeIntoPods, o.kind()):
		case forbidden != "":
			s.becomesNoPod(o, forbidden)
		default:
			s.becomesPod(o)
		}
	}
	if now := s.versions(); now != first {
		s.Errorf("applying it again changes something (-before +after):\n%s", cmp.Diff(first, now))
	}

	for _, o := range injected {
		if kind := o.kind(); kind == "Job" || kind == "Pod" { // Kubernetes lets nobody change their containers
			s.must(`kubectl delete ` + o.String())
		}
	}
	s.says(applyOriginal, len(injected), "")
	s.offMesh()
	s.until(diffOriginal, findsNone)
}

// offMesh makes sure that the cluster has what the manifest says, and nothing of ours.
func (s *shell) offMesh() {
	for _, o := range s.objects(s.must(`cat $MANIFEST`)) {
		there := s.object(o.String())
		delete(o, "apiVersion") // may be one of old
		s.holds(o.String(), o, there)
		for _, list := range []string{"containers", "initContainers", "volumes", "hostAliases"} {
			if want, have := count(o.template(), list), count(there.template(), list); want != have {
				s.Errorf("%s has %d %s after uninject, want %d", o, have, list, want)
			}
		}
	}
}

// madeIntoPods are the kinds that become Pods at once, and without nodes.
var madeIntoPods = []string{"Deployment", "StatefulSet", "Job", "Pod"}

// becomesPod waits for the Pod of an object, which must have all of its template.
func (s *shell) becomesPod(o object) {
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

// becomesNoPod waits for the event that says why. Nothing else does: kubectl is content, because Kubernetes takes the Deployment, and it is the
// ReplicaSet that cannot make its Pod.
func (s *shell) becomesNoPod(o object, why string) {
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

// refuses shows what the API server of today says to a manifest that it does not know.
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

// uninjectLive takes off the mesh what the cluster gives back, with all that the API server has set in it.
func (s *shell) uninjectLive() {
	s.must(applyInjected)
	s.until(`kubectl get deployments,services -o yaml | tykmesh uninject | kubectl apply -f -`, succeeds)
	s.offMesh()
}

// caInit applies what ca init writes, where a namespace takes restricted Pods alone, as the manifests say that it may.
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

// cronJob applies the CronJob that certs renew prints, and makes a Job and its Pod of it.
func (s *shell) cronJob() {
	s.enforce("restricted")
	const apply = `tykmesh certs renew --print-cronjob --image registry.example/tykmesh:1 -n $NS | kubectl apply -f -`
	s.says(apply, 1, "created")
	s.says(apply, 1, "unchanged")
	s.must(`kubectl create job now --from=cronjob/tykmesh-certs-renew`)
	s.until(`kubectl get pods -l app.kubernetes.io/component=certs-renew -o name`, finds)
}

// everyKind has Pods in every way that Kubernetes has them, but for the Deployments of the samples.
const everyKind = `apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: store
spec:
  serviceName: store
  selector:
    matchLabels:
      app: store
  template:
    metadata:
      labels:
        app: store
      annotations:
        injector.tyk.io/inject: "true"
    spec:
      containers:
        - name: app
          image: registry.example/store
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: agent
spec:
  selector:
    matchLabels:
      app: agent
  template:
    metadata:
      labels:
        app: agent
      annotations:
        injector.tyk.io/inject: "true"
    spec:
      containers:
        - name: app
          image: registry.example/agent
---
apiVersion: batch/v1
kind: Job
metadata:
  name: once
spec:
  template:
    metadata:
      labels:
        app: once
      annotations:
        injector.tyk.io/inject: "true"
    spec:
      restartPolicy: Never
      containers:
        - name: app
          image: registry.example/once
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: nightly
spec:
  schedule: 17 3 * * *
  jobTemplate:
    spec:
      template:
        metadata:
          labels:
            app: nightly
          annotations:
            injector.tyk.io/inject: "true"
        spec:
          restartPolicy: Never
          containers:
            - name: app
              image: registry.example/nightly
---
apiVersion: v1
kind: Pod
metadata:
  name: alone
  labels:
    app: alone
  annotations:
    injector.tyk.io/inject: "true"
spec:
  containers:
    - name: app
      image: registry.example/alone
`
