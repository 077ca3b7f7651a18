package sidecar

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	podsecurity "k8s.io/pod-security-admission/api"
	standards "k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// TestFiles keeps the containers and volumes of sidecars without a Dashboard as they are: each
// change of a byte makes all pods roll. Kubernetes knows all their fields, and allows them in the
// strictest level of Pod Security.
func TestFiles(t *testing.T) {
	evaluator, err := standards.NewEvaluator(standards.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}

	var b strings.Builder
	for _, g := range gateways() {
		if g.Files == nil {
			continue
		}

		var volumes manifest.List
		for _, v := range g.Volumes() {
			volumes = append(volumes, v)
		}

		pod, err := json.Marshal(manifest.Map{{Key: "containers", Value: manifest.List{g.Container()}}, {Key: "volumes", Value: volumes}})
		if err != nil {
			t.Fatal(err)
		}

		var spec corev1.PodSpec
		if err := yaml.UnmarshalStrict(pod, &spec); err != nil {
			t.Fatalf("%s: %v", g.mode, err)
		}

		for _, r := range evaluator.EvaluatePod(podsecurity.LevelVersion{Level: podsecurity.LevelRestricted, Version: podsecurity.LatestVersion()}, &metav1.ObjectMeta{}, &spec) {
			if !r.Allowed {
				t.Errorf("%s: %s", g.mode, r.ForbiddenDetail)
			}
		}

		spec.Containers[0].Env = nil // testdata/environment.txt has it
		text, err := yaml.Marshal(spec)
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString("# " + g.mode + "\n" + string(text) + "---\n")
	}

	compare(t, "testdata/files.yaml", b.String())
}

// TestMountsHaveVolumes: what a sidecar mounts is there, once, and read-only.
func TestMountsHaveVolumes(t *testing.T) {
	for _, g := range gateways() {
		var volumes []string
		for _, v := range g.Volumes() {
			volumes = append(volumes, v.String("name"))
		}

		var mounts []string
		for _, e := range g.mounts() {
			m, _ := e.(manifest.Map)
			if readOnly, _ := m.Lookup("readOnly"); readOnly != true {
				t.Errorf("%s: %s can be written to", g.mode, m.String("mountPath"))
			}
			mounts = append(mounts, m.String("name"))
		}

		if !slices.Equal(volumes, mounts) || len(slices.Compact(slices.Sorted(slices.Values(volumes)))) != len(volumes) {
			t.Errorf("%s: volumes %v, mounts %v", g.mode, volumes, mounts)
		}
	}
}
