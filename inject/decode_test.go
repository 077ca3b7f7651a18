package inject_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/tykmesh/tykmesh/inject"
)

// TestStrictDecoding shows that Kubernetes knows every field of what is injected, and takes it: an
// object that its types decode strictly, and whose names, ports and volumes are right, is so still.
func TestStrictDecoding(t *testing.T) {
	count, valid, addedObjects := 0, 0, 0
	for _, g := range goldens(t) {
		t.Run(strings.TrimSuffix(filepath.Base(g.path), ".txtar"), func(t *testing.T) {
			docs := g.documents()
			stream, problems := inject.Inject(docs, g.options.settings())
			if len(problems) > 0 {
				return
			}

			all := slices.Collect(stream.Texts(bindings(stream, ids)))
			for i, added := range stream.Added() {
				if added {
					addedObjects += checkAdded(t, all[i])
				}
			}

			texts := withoutAdded(stream, all)
			for i, d := range docs {
				if bytes.Equal(d.Text, texts[i]) {
					continue
				}

				was, err := asJSON(d.Text)

				is, errNow := asJSON(texts[i])
				if err != nil { // we take more than sigs.k8s.io/yaml: other versions, other bytes in comments, more aliases
					same(t, "why it cannot be decoded", err.Error(), fmt.Sprint(errNow))
					continue
				}

				if errNow != nil {
					t.Fatal(errNow)
				}

				before, after := flatten(t, was), flatten(t, is)
				if len(before) != len(after) {
					t.Fatalf("document %d has %d objects, and had %d", d.Number, len(after), len(before))
				}

				for j := range before {
					if _, err := decoded(before[j]); err != nil {
						continue
					}

					count++
					if _, err := decoded(after[j]); err != nil {
						t.Errorf("document %d: %v", d.Number, err)
					}

					if checkValid(before[j]) != nil {
						continue
					}

					valid++
					if err := checkValid(after[j]); err != nil {
						t.Errorf("document %d: %v", d.Number, err)
					}
				}
			}
		})
	}

	if count < 100 || valid < 100 || addedObjects < 20 {
		t.Fatalf("only %d objects were decoded, %d of them valid, and %d that were added", count, valid, addedObjects)
	}
}

// checkAdded decodes an object that inject added. Those of cert-manager meet its own types
// elsewhere (tykmesh.TestCertManager).
func checkAdded(t *testing.T, text []byte) int {
	t.Helper()
	object, err := asJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(object, []byte(`"cert-manager.io/v1"`)) {
		return 0
	}
	if _, err := decoded(object); err != nil {
		t.Errorf("%v\n%s", err, text)
	}

	return 1
}

// asJSON returns a document as JSON.
func asJSON(text []byte) (json.RawMessage, error) {
	if json.Valid(text) {
		return text, nil
	}
	return yaml.YAMLToJSON(text)
}

// flatten returns an object, or the objects of a list one by one.
func flatten(t *testing.T, data json.RawMessage) (out []json.RawMessage) {
	t.Helper()
	var list struct {
		Kind  string
		Items []json.RawMessage
	}
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}

	if !strings.HasSuffix(list.Kind, "List") {
		return []json.RawMessage{data}
	}

	for _, item := range list.Items {
		out = append(out, flatten(t, item)...)
	}

	return out
}

// decoded returns an object as Kubernetes reads it with strict field validation.
func decoded(data json.RawMessage) (any, error) {
	var object struct{ Kind string }
	if err := json.Unmarshal(data, &object); err != nil {
		return nil, err
	}

	into := map[string]any{
		"Deployment": new(appsv1.Deployment), "StatefulSet": new(appsv1.StatefulSet), "DaemonSet": new(appsv1.DaemonSet), "ReplicaSet": new(appsv1.ReplicaSet),
		"Job": new(batchv1.Job), "CronJob": new(batchv1.CronJob),
		"Pod": new(corev1.Pod), "PodTemplate": new(corev1.PodTemplate), "ReplicationController": new(corev1.ReplicationController), "Service": new(corev1.Service),
		"ConfigMap": new(corev1.ConfigMap), "NetworkPolicy": new(networkingv1.NetworkPolicy),
	}[object.Kind]
	if into == nil {
		return nil, errors.New("no type for " + object.Kind)
	}

	unknown, err := kjson.UnmarshalStrict(data, into)

	return into, errors.Join(append(unknown, err)...)
}
