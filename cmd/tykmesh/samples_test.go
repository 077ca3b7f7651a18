package main

import (
	"cmp"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/exit"
)

const samples = root + "/testdata/samples"

func readSample(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(samples, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// configInit is the configuration that config init prints, with what the world needs filled in.
const configInit = "config init"

// configOf returns a configuration of the samples, or configInit.
func configOf(t *testing.T, name string) string {
	t.Helper()
	if name != configInit {
		return readSample(t, cmp.Or(name, "tykmesh.yaml"))
	}

	return strings.NewReplacer("000000000000000000000000", "5d64a47fed63100001b2f2ac", "file:ca-quickstart/cfssl.key", "env:CFSSL_KEY",
		"#dashboard: http", "dashboard: http").Replace(config.Begin())
}

// The samples are what Kubernetes takes today, strictly decoded, and Deployments select their own
// pods.
func TestSamplesAreKubernetes(t *testing.T) {
	for _, name := range []string{"echo.yaml", "sleep.yaml", "curl.yaml", "echo-and-sleep.yaml", "shop.yaml"} {
		for i, text := range strings.Split(readSample(t, name), "\n---\n") {
			var kind metav1.TypeMeta
			if err := yaml.Unmarshal([]byte(text), &kind); err != nil {
				t.Fatal(err)
			}

			var object any
			switch kind.APIVersion + " " + kind.Kind {
			case "apps/v1 Deployment":
				object = &appsv1.Deployment{}
			case "v1 Service":
				object = &corev1.Service{}
			default:
				t.Fatalf("%s: document %d is a %s %s", name, i+1, kind.APIVersion, kind.Kind)
			}

			if err := yaml.UnmarshalStrict([]byte(text), object); err != nil {
				t.Errorf("%s: document %d: %v", name, i+1, err)
			}

			deployment, ok := object.(*appsv1.Deployment)
			if !ok {
				continue
			}

			selector, err := metav1.LabelSelectorAsSelector(deployment.Spec.Selector)
			if err != nil || selector.Empty() || !selector.Matches(labels.Set(deployment.Spec.Template.Labels)) {
				t.Errorf("%s: document %d does not select its own pods: %v", name, i+1, err)
			}
		}
	}
}

// cronJobSample is the manifest for those who run certs renew in Kubernetes.
const cronJobSample = "certs-renew-cronjob.yaml"

// The program accepts the command line of the CronJob, and the Secret of its comment has each key
// that the manifest reads and each variable that the sample of a configuration names.
func TestCronJobSample(t *testing.T) {
	text := readSample(t, cronJobSample)
	var job batchv1.CronJob
	if err := yaml.UnmarshalStrict([]byte(text), &job); err != nil {
		t.Fatal(err)
	}

	pod := job.Spec.JobTemplate.Spec.Template.Spec
	container := pod.Containers[0]
	if err := restricted(pod); err != nil || container.Command[0] != "tykmesh" {
		t.Errorf("command %q; %v", container.Command, err)
	}

	var stderr strings.Builder
	args := append(strings.Fields(strings.ReplaceAll(strings.Join(container.Command[1:], " "), container.VolumeMounts[0].MountPath, samples)),
		"--local", t.TempDir(), "--dry-run")
	if status := run(t.Context(), process{args: args, stdout: io.Discard, stderr: &stderr}); status != exit.Done {
		t.Errorf("tykmesh %v: exit status %d\n%s", args, status, &stderr)
	}

	var keys, variables []string
	for _, v := range container.Env {
		keys, variables = append(keys, v.ValueFrom.SecretKeyRef.Key), append(variables, v.Name)
	}

	for _, item := range pod.Volumes[0].Secret.Items {
		keys = append(keys, item.Key)
	}

	for _, key := range keys {
		if !strings.Contains(text, "#     --from-file="+key) {
			t.Errorf("the command in the comment does not put %s into the Secret", key)
		}
	}

	for _, named := range regexp.MustCompile(`(?m)^[^#\n]*: env:(\w+)`).FindAllStringSubmatch(readSample(t, "tykmesh.yaml"), -1) {
		if !slices.Contains(variables, named[1]) {
			t.Errorf("the container lacks the variable %s, which the configuration names", named[1])
		}
	}
}

// The commands in the comment of the CronJob fit each other: the NetworkPolicy of that ca init
// admits the namespace in which the job is applied.
func TestCronJobSampleReachesCFSSL(t *testing.T) {
	text := readSample(t, cronJobSample)
	namespace := regexp.MustCompile(`(?m)^#   kubectl apply -n (\S+) `).FindStringSubmatch(text)
	command := regexp.MustCompile(`(?m)^#   tykmesh (ca init .*)$`).FindStringSubmatch(text)
	if namespace == nil || command == nil {
		t.Fatalf("the comment lacks a command: kubectl %q, ca init %q", namespace, command)
	}

	var stderr strings.Builder
	dir := filepath.Join(t.TempDir(), "ca")
	args := append(strings.Fields(command[1]), "--dir", dir, "--algo", "ecdsa")
	if status := run(t.Context(), process{args: args, stdout: io.Discard, stderr: &stderr}); status != exit.Done {
		t.Fatalf("tykmesh %v: exit status %d\n%s", args, status, &stderr)
	}

	manifests, err := os.ReadFile(filepath.Join(dir, "k8s", "cfssl.yaml"))
	if err != nil {
		t.Fatal(err)
	}

	var allowed []string
	for _, document := range strings.Split(string(manifests), "\n---\n") {
		var policy networkingv1.NetworkPolicy
		if err := yaml.Unmarshal([]byte(document), &policy); err != nil || policy.Kind != "NetworkPolicy" {
			continue
		}
		for _, from := range policy.Spec.Ingress[0].From {
			if from.NamespaceSelector != nil && from.PodSelector == nil {
				allowed = append(allowed, from.NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"])
			}
		}
	}

	if !slices.Contains(allowed, namespace[1]) {
		t.Errorf("the job runs in %s, and the NetworkPolicy admits %v", namespace[1], allowed)
	}
}

// echo-and-sleep.yaml is for those who want one file; it says nothing of its own.
func TestSampleOfBoth(t *testing.T) {
	if readSample(t, "echo-and-sleep.yaml") != readSample(t, "echo.yaml")+"---\n"+readSample(t, "sleep.yaml") {
		t.Error("echo-and-sleep.yaml is not echo.yaml and sleep.yaml")
	}
}

// Packages hold Go and what it embeds. What a session by hand leaves behind is easily committed and
// never seen again.
func TestPackagesHoldGo(t *testing.T) {
	embedded := []string{
		"dashboard/builtin.json", "cmd/internal/explain/codes.yaml", "cmd/tykmesh/sidecarsecret.sh", "ca/pki/config_ca.json", "ca/pki/section.yaml", "ca/pki/k8s/ca-pem.yaml", "ca/pki/k8s/cfssl.yaml", "ca/pki/k8s/secrets.yaml",
		"cmd/tykmesh/README.md", "ca/README.md", "cmd/internal/page/page.html", "cmd/internal/page/page.css", "cmd/internal/page/page.js",
	}
	for _, folder := range []string{"cmd", "inject", "dashboard", "ca"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, e fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case e.IsDir() && e.Name() == "testdata":
				return fs.SkipDir
			case !e.IsDir() && filepath.Ext(path) != ".go" && !slices.Contains(embedded, strings.TrimPrefix(filepath.ToSlash(path), root+"/")):
				t.Errorf("%s is no Go", path)
			}

			return nil
		})

		if err != nil {
			t.Fatal(err)
		}
	}
}
