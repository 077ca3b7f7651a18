// Command sbom holds SBOMs to the JSON schema of CycloneDX, which is in the module of the library that
// writes them. make test-packages gives it those of a release.
//
//	go mod download cyclonedx-go ──schema/*.json──> the schema of a document's specVersion ──> document
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// library is the module that cyclonedx-gomod (Makefile: SBOM) writes documents with.
const library = "github.com/CycloneDX/cyclonedx-go@v0.9.3"

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: sbom DOCUMENT...")
		os.Exit(2)
	}

	folder, err := schemas()
	for _, document := range os.Args[1:] {
		if err == nil {
			err = validate(document, folder)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// schemas returns the directory of the schemas.
func schemas() (string, error) {
	out, err := exec.Command("go", "mod", "download", "-json", library).Output()
	if err != nil {
		return "", fmt.Errorf("go mod download %s: %w", library, err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return "", err
	}
	return filepath.Join(module.Dir, "schema"), nil
}

// validate returns the faults of a document.
func validate(document, folder string) error {
	value, err := read(document)
	if err != nil {
		return err
	}
	fields, _ := value.(map[string]any)
	version, _ := fields["specVersion"].(string)
	if version == "" {
		return fmt.Errorf("%s: it has no specVersion", document)
	}

	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := add(compiler, folder, "bom-"+version+".schema.json", "spdx.schema.json", "jsf-*.json"); err != nil {
		return err
	}
	schema, err := compiler.Compile("http://cyclonedx.org/schema/bom-" + version + ".schema.json")
	if err != nil {
		return err
	}

	if err := schema.Validate(value); err != nil {
		return fmt.Errorf("%s: %w", document, err)
	}
	return nil
}

// add gives the compiler schemas under the ids that they have, so that it asks no server for them.
func add(compiler *jsonschema.Compiler, folder string, patterns ...string) error {
	for _, pattern := range patterns {
		files, err := filepath.Glob(filepath.Join(folder, pattern))
		if err == nil && len(files) != 1 {
			err = fmt.Errorf("%s: %d schemas match %s, and not one", folder, len(files), pattern)
		}
		if err != nil {
			return err
		}

		schema, err := read(files[0])
		if err != nil {
			return err
		}
		fields, _ := schema.(map[string]any)
		id, _ := fields["$id"].(string)
		if !strings.HasPrefix(id, "http://cyclonedx.org/schema/") {
			return errors.New(files[0] + ": it has no id of CycloneDX")
		}
		if err := compiler.AddResource(id, schema); err != nil {
			return err
		}
	}

	return nil
}

// read returns the value of a JSON file.
func read(file string) (any, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(text))
}
