package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A document is held to the schema of its version, with what that refers to.
func TestValidate(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{
		"bom-1.6.schema.json": `{"$id": "http://cyclonedx.org/schema/bom-1.6.schema.json",
			"properties": {"license": {"$ref": "spdx.schema.json"}, "signature": {"$ref": "jsf-0.82.schema.json#/definitions/signature"}}}`,
		"spdx.schema.json":       `{"$id": "http://cyclonedx.org/schema/spdx.schema.json", "enum": ["MPL-2.0"]}`,
		"jsf-0.82.schemax.json":  `{"$id": "http://cyclonedx.org/schema/jsf-0.82.schema.json", "definitions": {"signature": {"type": "string"}}}`,
		"fits.cdx.json":          `{"specVersion": "1.6", "license": "MPL-2.0", "signature": "x"}`,
		"licence.cdx.json":       `{"specVersion": "1.6", "license": "MPL-9"}`,
		"signature.cdx.json":     `{"specVersion": "1.6", "signature": 1}`,
		"other-version.cdx.json": `{"specVersion": "1.7"}`,
		"no-version.cdx.json":    `{}`,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	for name, want := range map[string]string{
		"fits":          "",
		"licence":       "value must be 'MPL-2.0'",
		"signature":     "got number, want string",
		"other-version": "0 schemas match bom-1.7.schema.json",
		"no-version":    "no specVersion",
	} {
		err := validate(filepath.Join(folder, name+".cdx.json"), folder)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}
