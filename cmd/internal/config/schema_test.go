package config

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// compiledSchema returns what Schema returns, as a validator of its own understands it.
func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}

	c := jsonschema.NewCompiler()
	if err := c.AddResource("tykmesh.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("tykmesh.schema.json")
	if err != nil {
		t.Fatal(err)
	}

	return schema
}

// validate checks a configuration as an editor does.
func validate(t *testing.T, schema *jsonschema.Schema, text string) error {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		t.Fatal(err)
	}

	return schema.Validate(doc)
}

// What the reader accepts, the schema accepts: all that config init prints, the sample, what config
// view prints, and every case that loads.
func TestSchemaAccepts(t *testing.T) {
	schema := compiledSchema(t)
	accepted := map[string]string{
		"nothing":                      "",
		"config init":                  begun(t),
		"config init without #":        commented.ReplaceAllString(begun(t), "  $1"),
		"samples/tykmesh.yaml":         readSample(t, "tykmesh.yaml"),
		"sections of tyk-k8s":          "Server: {addr: ':443', x: [1]}\nIngress: whatever",
		"keys and sections of nothing": "Tyk: {url: , secret: }\nCA:\nInjector: {slugs: , containers: , createRoutes: }",
		"numbers for texts":            "Tyk: {org: 593412345678901234567890, secret: 0123}\nInjector: {kubeVersion: 1.33, nativeSidecar: true}\nSidecar: {uid: '10777', cpu: 1}",
		"one text for a list":          "Sidecar: {redis: 'a:1,b:2'}\nInjector: {exemptCIDRs: 10.0.0.0/8, exemptPorts: 443}",
	}

	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range cases {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want := string(archive.Files[len(archive.Files)-1].Data)
		local := strings.Contains(string(archive.Comment), "--local")
		if archive.Files[0].Name == "tykmesh.yaml" && strings.HasPrefix(want, "loads\n") && !local {
			accepted[file] = string(archive.Files[0].Data)
		}
	}

	for name, text := range accepted {
		if err := validate(t, schema, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}

	v, err := View(Source{Name: "f.yaml", Data: []byte(begun(t)), Local: true, ReadFile: noFile})
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(t, schema, viewText(t, v)); err != nil {
		t.Errorf("config view: %v", err)
	}
}

// What the reader refuses at first sight, the schema refuses.
func TestSchemaRefuses(t *testing.T) {
	schema := compiledSchema(t)
	for _, text := range []string{
		"[]",
		"Injecter: {}",
		"Tyk: []",
		"Tyk: {secert: x}",
		"Tyk: {url: dashboard:3000}",
		"Tyk: {org: 5d64}",
		"Tyk: {secret: true}",
		"Tyk: {isGateway: true}",
		"Tyk: {insecureSkipVerify: 'true'}",
		"CA: {defaultNames: {C: GB}}",
		"CA: {defaultNames: [{Country: GB}]}",
		"CA: {defaultKeyRequest: {A: rsa, B: 1}}",
		"Injector: {slugs: some}",
		"Injector: {meshHosts: mesh}",
		"Injector: {exemptPorts: [8080]}",
		"Injector: {kubeVersion: one}",
		"Injector: {podTemplates: [{kind: A, paths: b}]}",
		"Injector: {portReferences: [{kind: A, service: a, path: b}]}",
		"Injector: {containers: tyk-mesh}",
		"Injector: {containers: [{name: a, image: b, prots: []}]}",
		"Injector: {containers: [{name: a, image: b, ports: [{containerPort: http}]}]}",
		"Injector: {containers: [{name: a, image: b, resources: {limits: {cpu: true}}}]}",
		"Sidecar: {uid: 0}",
		"Sidecar: {redisDatabase: 16}",
		"Sidecar: {logLevel: loud}",
		"Sidecar: {env: {A: [b]}}",
	} {
		if err := validate(t, schema, text); err == nil {
			t.Errorf("%s is accepted", text)
		}
		if _, _, err := load(text+"\n", nil, nil, false); err == nil {
			t.Errorf("%s loads", text)
		}
	}
}

// Editors offer every key with its purpose and its default, and no old names.
func TestSchemaDescribesEveryKey(t *testing.T) {
	withRenamed(t)
	schema := compiledSchema(t)
	for _, k := range keys {
		p := schema.Properties[sectionOf(k.name)].Properties[k.short()]
		if p == nil || p.Description == "" || (p.Default != nil) != (k.defaultValue() != "") {
			t.Errorf("%s: %+v", k.name, p)
		}
	}

	for _, text := range []string{"Injector: {slugStyle: plain}", "Tyk: {slugs: plain}"} {
		if err := validate(t, schema, text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	if err := validate(t, schema, "Tyk: {slugs: some}"); err == nil {
		t.Error("values of old names are not checked")
	}

	text := string(Schema())
	if n := strings.Count(text, `"deprecationMessage": "Deprecated: write Injector.slugs."`); n != 2 || strings.Count(text, `"deprecated": true`) != 3 {
		t.Errorf("%d old names of Injector.slugs are deprecated, want 2", n)
	}
}

// Every example in the table is YAML, and of a value that the reader accepts.
func TestSchemaExamples(t *testing.T) {
	for _, k := range keys {
		if example := k.shown(); example != "" && exampleValue(example) == nil {
			t.Errorf("%s: %q is no YAML", k.name, example)
		}
	}
}
