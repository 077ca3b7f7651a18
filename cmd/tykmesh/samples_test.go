package main

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
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
	var b strings.Builder
	if err := config.Begin(&b); err != nil {
		t.Fatal(err)
	}

	return strings.NewReplacer("000000000000000000000000", "5d64a47fed63100001b2f2ac", "file:ca-quickstart/cfssl.key", "env:CFSSL_KEY",
		"#dashboard: http", "dashboard: http").Replace(b.String())
}

// The samples are what Kubernetes takes today, strictly decoded, and Deployments select their own
// pods.
func TestSamplesAreKubernetes(t *testing.T) {
	for _, name := range []string{"echo.yaml", "sleep.yaml", "curl.yaml", "echo-and-sleep.yaml"} {
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
		"dashboard/builtin.json", "cmd/tykmesh/codes.yaml", "cmd/tykmesh/cronjob.yaml", "cmd/tykmesh/sidecarsecret.sh", "ca/pki/k8s/ca-pem.yaml", "ca/pki/k8s/cfssl.yaml", "ca/pki/k8s/secrets.yaml",
		"cmd/tykmesh/README.md", "ca/README.md",
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
