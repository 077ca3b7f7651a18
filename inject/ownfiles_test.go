package inject_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
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

// TestOwnFilesAsKubectlReads shows that kubectl reads a file with the added objects in it, if it
// reads the file without them.
func TestOwnFilesAsKubectlReads(t *testing.T) {
	read := 0
	for _, g := range goldens(t) {
		s := g.options.settings()
		docs := g.documents()
		was, err := kindsAsKubectlReads(textOf(docs))
		if s.Standalone == nil || docs[len(docs)-1].Number != len(docs) || err != nil {
			continue // of several files, which have separators between them
		}

		stream, problems := inject.Inject(docs, s)
		if len(problems) > 0 || stream.Emitted == 0 {
			continue
		}

		is, err := kindsAsKubectlReads(slices.Concat(slices.Collect(stream.Texts(nil))...))
		if err != nil || len(is) != len(was)+stream.Emitted {
			t.Errorf("%s: kubectl reads %v, and read %v before %d objects were added (%v)", g.path, is, was, stream.Emitted, err)
		}
		read++
	}

	if read < 10 {
		t.Fatalf("only %d files were read", read)
	}
}

// textOf returns the documents of a file.
func textOf(docs []*manifest.Document) (text []byte) {
	for _, d := range docs {
		text = append(text, d.Text...)
	}
	return text
}

// kindsAsKubectlReads returns the kinds of the objects that kubectl reads.
func kindsAsKubectlReads(stream []byte) (kinds []string, err error) {
	for decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(stream), 4096); ; {
		var o metav1.TypeMeta
		if err := decoder.Decode(&o); errors.Is(err, io.EOF) {
			return kinds, nil
		} else if err != nil {
			return nil, err
		}
		if o.Kind != "" {
			kinds = append(kinds, o.Kind)
		}
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
