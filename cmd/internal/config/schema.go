package config

import (
	"encoding/json"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"

	"github.com/tykmesh/tykmesh/cmd/internal/prose"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// schemaDraft is the version of JSON Schema that all editors understand. The keyword deprecated is
// of a later one; editors that do not know it ignore it.
const schemaDraft = "http://json-schema.org/draft-07/schema#"

// schemaText tells how the schema and the reader differ.
const schemaText = "Configuration of tykmesh. tykmesh also reads section and key names in another case, " +
	"and yes, no, on and off as true and false; this schema knows the documented spelling only."

// Schema returns the JSON Schema of configuration files. Apart from other spellings
// (schemaText) it accepts every file that Load accepts without Local. It does not know everything
// that Load refuses.
func Schema() []byte {
	sections := manifest.Map{}
	for _, s := range table {
		sections = append(sections, manifest.Entry{Key: s.name, Value: sectionSchema(s)})
	}
	for _, name := range ignoredSections {
		sections = append(sections, manifest.Entry{Key: name, Value: manifest.Map{{Key: "description", Value: "A section of tyk-k8s that tykmesh ignores."}}})
	}

	definitions := manifest.Map{}
	define(&definitions, reflect.TypeFor[corev1.Container]())

	root := manifest.Map{
		{Key: "$schema", Value: schemaDraft},
		{Key: "title", Value: "tykmesh.yaml"},
		{Key: "description", Value: schemaText},
	}
	root = append(root, nullable(closedObject(sections))...)
	root = append(root, manifest.Entry{Key: "definitions", Value: definitions})
	text, _ := json.MarshalIndent(root, "", "  ") //nolint:errchkjson // a tree of plain values always can be

	return append(text, '\n')
}

// sectionSchema returns the schema of a section, with the keys that once were in it, too.
func sectionSchema(s section) manifest.Map {
	properties, old := manifest.Map{}, manifest.Map{}
	for of, k := range keys {
		if of.name == s.name {
			properties = append(properties, manifest.Entry{Key: k.short(), Value: k.describe()})
		}
		for _, alias := range k.aliases {
			if sectionOf(alias) == s.name {
				old = append(old, manifest.Entry{Key: local(alias), Value: k.deprecated()})
			}
		}
	}

	described := manifest.Map{{Key: "description", Value: prose.Plain(s.text)}}
	return append(described, nullable(closedObject(append(properties, old...)))...)
}

// describe returns the schema of a key.
func (k key) describe() manifest.Map {
	schema := append(manifest.Map{{Key: "description", Value: prose.Plain(k.explained(k.purpose()) + k.elsewhere())}}, nullable(k.schema)...)
	if v := k.byDefault(); v != nil {
		schema = append(schema, manifest.Entry{Key: "default", Value: v})
	}
	if example := k.shown(); example != "" && example != k.defaultValue() && !k.secret {
		schema = append(schema, manifest.Entry{Key: "examples", Value: manifest.List{exampleValue(example)}})
	}

	return schema
}

// deprecated returns the schema of an old name of a key. Some editors know one of the two keywords
// for it, some the other.
func (k key) deprecated() manifest.Map {
	advice := "Deprecated: write " + k.name + "."
	return append(manifest.Map{
		{Key: "description", Value: advice},
		{Key: "deprecated", Value: true},
		{Key: "deprecationMessage", Value: advice},
	}, nullable(k.schema)...)
}

// exampleValue returns the value of an example in the table, which is YAML.
func exampleValue(example string) (v any) {
	_ = yaml.Unmarshal([]byte(example), &v) // TestSchemaExamples reads all of them
	return v
}

// closedObject returns the schema of mappings that have no other properties.
func closedObject(properties manifest.Map) manifest.Map {
	return manifest.Map{
		{Key: "type", Value: "object"},
		{Key: "properties", Value: properties},
		{Key: "additionalProperties", Value: false},
	}
}

// mapSchema returns the schema of mappings with any keys.
func mapSchema(value manifest.Map) manifest.Map {
	return manifest.Map{{Key: "type", Value: "object"}, {Key: "additionalProperties", Value: value}}
}

// nullable returns a schema that accepts null, too: a key without a value is like no key.
func nullable(schema manifest.Map) manifest.Map {
	out := slices.Clone(schema)
	for i, e := range out {
		list, isList := e.Value.(manifest.List)
		switch {
		case e.Key == "type" && isList:
			out[i].Value = append(slices.Clone(list), "null")
		case e.Key == "type":
			out[i].Value = manifest.List{e.Value, "null"}
		case e.Key == "enum":
			out[i].Value = append(slices.Clone(list), nil)
		}
	}

	return out
}

// reference returns the schema that refers to the definition of a Kubernetes type.
func reference(t reflect.Type) manifest.Map {
	return manifest.Map{{Key: "$ref", Value: "#/definitions/" + t.Name()}}
}

// define adds the definition of a Kubernetes type, and of those in it.
func define(definitions *manifest.Map, t reflect.Type) {
	if _, done := definitions.Lookup(t.Name()); done {
		return
	}

	at := len(*definitions)
	*definitions = append(*definitions, manifest.Entry{Key: t.Name()})
	properties := manifest.Map{}
	for _, f := range jsonFields(t) {
		properties = append(properties, manifest.Entry{Key: f.name, Value: typeSchema(definitions, f.goType)})
	}
	(*definitions)[at].Value = nullable(closedObject(properties))
}

// typeSchema returns the schema of the YAML values that a Go type decodes from.
func typeSchema(definitions *manifest.Map, t reflect.Type) manifest.Map {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if _, ok := selfDecoded[t]; ok {
		return nullable(textSchema)
	}

	switch t.Kind() {
	case reflect.Struct:
		define(definitions, t)
		return reference(t)
	case reflect.Map:
		return nullable(mapSchema(typeSchema(definitions, t.Elem())))
	case reflect.Slice:
		return nullable(listSchema(typeSchema(definitions, t.Elem())))
	case reflect.String:
		return nullable(manifest.Map{{Key: "type", Value: "string"}})
	case reflect.Bool:
		return nullable(boolean.schema)
	default:
		return nullable(manifest.Map{{Key: "type", Value: "integer"}})
	}
}
