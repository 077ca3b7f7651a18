package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/tykmesh/tykmesh/cmd/internal/exit"
)

// secretsJob is the sample of a CronJob for certs secrets, and what else is in its file.
type secretsJob struct {
	text    string
	account corev1.ServiceAccount
	role    rbacv1.ClusterRole
	binding rbacv1.ClusterRoleBinding
	job     batchv1.CronJob
}

func readSecretsJob(t *testing.T) (s secretsJob) {
	t.Helper()
	s.text = readSample(t, "certs-secrets-cronjob.yaml")
	documents := strings.Split(s.text, "\n---\n")
	for i, object := range []any{&s.account, &s.role, &s.binding, &s.job} {
		if err := yaml.UnmarshalStrict([]byte(documents[i]), object); err != nil {
			t.Fatalf("document %d: %v", i+1, err)
		}
	}

	return s
}

// The job may do what its commands do and no more, and its pods are restricted but for the token
// with which kubectl calls Kubernetes.
func TestSecretsCronJobIsAllowed(t *testing.T) {
	s := readSecretsJob(t)
	pod := s.job.Spec.JobTemplate.Spec.Template.Spec
	subject := s.binding.Subjects[0]
	if s.binding.RoleRef.Name != s.role.Name || subject.Name != pod.ServiceAccountName || subject.Name != s.account.Name ||
		subject.Namespace != s.job.Namespace || s.account.Namespace != s.job.Namespace {
		t.Error("the role is not that of the job")
	}

	pod.AutomountServiceAccountToken = new(false)
	pod.Containers = slices.Concat(pod.InitContainers, pod.Containers)
	if err := restricted(pod); err != nil {
		t.Error(err)
	}

	var listed []string
	for _, get := range regexp.MustCompile(`kubectl get (\S+)`).FindAllStringSubmatch(strings.Join(pod.InitContainers[0].Args, "\n"), -1) {
		listed = append(listed, strings.Split(get[1], ",")...)
	}

	var allowed []string
	for _, rule := range s.role.Rules {
		allowed = append(allowed, rule.Resources...)
		if !slices.Contains(rule.Verbs, "list") || len(rule.Verbs) > 1 && rule.Resources[0] != "secrets" {
			t.Errorf("%v: %v", rule.Resources, rule.Verbs)
		}
	}

	if slices.Sort(listed); !slices.Equal(listed, slices.Sorted(slices.Values(allowed))) {
		t.Errorf("it lists %v and may list %v", listed, allowed)
	}
}

// The job's own command makes the Secrets of the objects that the first container reads, once, with
// the files that the comment puts into the Secret.
func TestSecretsCronJobRuns(t *testing.T) {
	s := readSecretsJob(t)
	own := s.job.Spec.JobTemplate.Spec.Template.Spec.InitContainers[1]
	work, config := t.TempDir(), t.TempDir()
	paths := strings.NewReplacer("/work/", work+"/", "/etc/tykmesh/", config+"/")
	var environ []string
	for _, v := range own.Env {
		environ = append(environ, v.Name+"="+paths.Replace(v.Value))
	}

	program := func(environ []string, args ...string) []byte {
		t.Helper()
		var stdout, stderr bytes.Buffer
		if status := run(t.Context(), process{args: args, environ: environ, stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr}); status != exit.Done {
			t.Fatalf("tykmesh %v: exit status %d\n%s", args, status, &stderr)
		}
		return stdout.Bytes()
	}

	write := func(name string, text []byte) {
		t.Helper()
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	authority := filepath.Join(t.TempDir(), "ca-quickstart")
	program(nil, "ca", "init", "-q", "--algo", "ecdsa", "--dir", authority)
	program(nil, "ca", "token", "-q", "--dir", authority)
	for _, from := range regexp.MustCompile(`--from-file=(\S+)=ca-quickstart/(\S+)`).FindAllStringSubmatch(s.text, -1) {
		text, err := os.ReadFile(filepath.Join(authority, from[2]))
		if err != nil {
			t.Fatal(err)
		}
		write(filepath.Join(config, from[1]), text)
	}

	write(filepath.Join(config, "tykmesh.yaml"), []byte("Injector: {mode: standalone, enableMeshTLS: true}\n"))
	write(work+"/live.yaml", program(environ, "inject", "-q", "-n", "shop", "--config", config+"/tykmesh.yaml", "-f", filepath.Join(samples, "echo-and-sleep.yaml")))
	write(work+"/stored.yaml", []byte("apiVersion: v1\nkind: List\nitems: []\n"))

	command := strings.Fields(paths.Replace(strings.Join(own.Command[1:], " ")))
	for _, want := range []int{4, 0} {
		program(environ, command...)

		due, err := os.ReadFile(work + "/due.yaml")
		if err != nil || strings.Count(string(due), "kind: Secret\n") != want || want == 0 && len(due) > 0 {
			t.Errorf("%d Secrets, want %d: %v", strings.Count(string(due), "kind: Secret\n"), want, err)
		}

		write(work+"/stored.yaml", due)
	}
}
