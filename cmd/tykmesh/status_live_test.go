package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"sigs.k8s.io/yaml"
)

// liveObjects is the command cluster [-rs] FILE...: it applies the manifests of the files one after
// the other, and prints what kubectl get -o yaml prints then, with the fields that an API server
// and controllers add; with -rs also the ReplicaSets of earlier revisions.
func liveObjects(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: cluster [-rs] FILE...")
	}
	history := args[0] == "-rs"
	if history {
		args = args[1:]
	}

	objects := make(map[string]map[string]any)
	for _, file := range args {
		for _, text := range strings.Split("\n"+ts.ReadFile(file), "\n---\n") {
			var o map[string]any
			ts.Check(yaml.Unmarshal([]byte(text), &o))
			if o != nil {
				ts.Check(applyObject(objects, o, history))
			}
		}
	}

	var items []any
	for _, key := range slices.Sorted(maps.Keys(objects)) {
		items = append(items, objects[key])
	}

	text, err := yaml.Marshal(map[string]any{"apiVersion": "v1", "items": items, "kind": "List", "metadata": map[string]any{"resourceVersion": ""}})
	ts.Check(err)
	fmt.Fprint(ts.Stdout(), string(text))
}

// hash is the end of a ConfigMap's name, and of that of a CA: both differ from CA to CA.
var hash = regexp.MustCompile(`(-tykmesh-|CA )(?:[0-9a-f]{8}|[0-9a-f]{10})\b`)

// hashless is the command hashless: it prints the last output again without the hashes in names.
func hashless(ts *testscript.TestScript, _ bool, _ []string) {
	fmt.Fprint(ts.Stdout(), hash.ReplaceAllString(ts.ReadFile("stdout"), "${1}HASH"))
}

// applyObject puts an object in the place of an earlier one. With history, a ReplicaSet without pods
// stays of an earlier Deployment.
func applyObject(objects map[string]map[string]any, o map[string]any, history bool) error {
	applied, err := json.Marshal(o)
	if err != nil {
		return err
	}

	meta := child(o, "metadata")
	if meta["namespace"] == nil {
		meta["namespace"] = "default"
	}
	meta["creationTimestamp"], meta["resourceVersion"], meta["uid"] = "2026-01-02T03:04:05Z", "123", "00000000-0000-0000-0000-000000000000"
	if o["kind"] != "Secret" {
		child(meta, "annotations")["kubectl.kubernetes.io/last-applied-configuration"] = string(applied) + "\n"
	}

	if o["kind"] == "Deployment" {
		meta["generation"] = 2
		o["status"] = map[string]any{"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1}
	}

	key := fmt.Sprintf("%s %s/%s", o["kind"], meta["namespace"], meta["name"])
	if earlier := objects[key]; history && earlier != nil && o["kind"] == "Deployment" {
		name := fmt.Sprintf("%s-%d", meta["name"], len(objects))
		objects["ReplicaSet "+name] = map[string]any{
			"apiVersion": "apps/v1", "kind": "ReplicaSet",
			"metadata": map[string]any{
				"name": name, "namespace": meta["namespace"],
				"ownerReferences": []any{map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": meta["name"], "controller": true}},
			},
			"spec":   map[string]any{"replicas": 0, "template": child(earlier, "spec")["template"]},
			"status": map[string]any{"replicas": 0},
		}
	}

	objects[key] = o

	return nil
}

// child returns a mapping of an object, and makes it if there is none.
func child(o map[string]any, key string) map[string]any {
	if c, ok := o[key].(map[string]any); ok {
		return c
	}
	c := make(map[string]any)
	o[key] = c
	return c
}
