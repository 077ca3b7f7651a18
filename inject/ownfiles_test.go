package inject_test

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// TestOwnConfigMaps shows that pods of a mesh without a Dashboard start: the ConfigMaps that their
// volumes name are those that inject adds, in their namespaces, each once.
func TestOwnConfigMaps(t *testing.T) {
	total := 0
	for _, g := range goldens(t) {
		s := g.options.settings()
		if s.Standalone == nil {
			continue
		}

		t.Run(strings.TrimSuffix(filepath.Base(g.path), ".txtar"), func(t *testing.T) {
			stream, problems := inject.Inject(g.documents(), s)
			if len(problems) > 0 {
				return
			}

			var wanted, added []string
			for text := range stream.Texts(bindings(stream, ids)) {
				object, err := asJSON(text)
				if err != nil {
					continue // a stream may hold documents that nothing edits
				}
				for _, o := range flatten(t, object) {
					wanted, added = append(wanted, ownVolumes(t, o)...), append(added, ownConfigMap(t, o)...)
				}
			}

			total += len(added)
			slices.Sort(added)
			slices.Sort(wanted)
			same(t, "ConfigMaps", slices.Compact(wanted), added)
		})
	}

	if total < 10 {
		t.Fatalf("only %d ConfigMaps were compared", total)
	}
}

// ownVolumes returns the ConfigMaps of sidecars that the pods of an object mount.
func ownVolumes(t *testing.T, object json.RawMessage) (names []string) {
	t.Helper()
	var o struct {
		Kind     string
		Metadata metav1.ObjectMeta
		Spec     struct {
			corev1.PodSpec
			Template    corev1.PodTemplateSpec
			JobTemplate struct {
				Spec struct{ Template corev1.PodTemplateSpec }
			}
		}
	}
	wrong := (*json.UnmarshalTypeError)(nil) // an odd value beside the volumes
	if err := json.Unmarshal(object, &o); err != nil && !errors.As(err, &wrong) || o.Kind == "Service" {
		return nil
	}

	for _, volumes := range [][]corev1.Volume{o.Spec.Volumes, o.Spec.Template.Spec.Volumes, o.Spec.JobTemplate.Spec.Template.Spec.Volumes} {
		for _, v := range volumes {
			if v.ConfigMap != nil && standalone.IsConfigMapName(v.ConfigMap.Name) {
				names = append(names, o.Metadata.Namespace+"/"+v.ConfigMap.Name)
			}
		}
	}

	return names
}

// ownConfigMap returns an object's name if it is a ConfigMap of a sidecar.
func ownConfigMap(t *testing.T, object json.RawMessage) []string {
	t.Helper()
	var c corev1.ConfigMap
	if err := json.Unmarshal(object, &c); err != nil || c.Kind != "ConfigMap" || !standalone.IsConfigMapName(c.Name) {
		return nil
	}
	return []string{c.Namespace + "/" + c.Name}
}
