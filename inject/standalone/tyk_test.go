package standalone_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestTyk holds all definitions to the gateway's own schema, and reads them with its types. The
// gateway's module is not public, so TYKMESH_TEST_TYK names a checkout of its repository.
func TestTyk(t *testing.T) {
	checkout := os.Getenv("TYKMESH_TEST_TYK")
	if checkout == "" {
		t.Skip("TYKMESH_TEST_TYK names no checkout of the gateway; make test-tyk TYK=DIR sets it")
	}

	schema := gatewaySchema(t, filepath.Join(checkout, "apidef", "schema.json"))
	var paths []string
	for name, change := range cases() {
		m, p := usual(), echo()
		change(&m, &p)
		for _, f := range m.Config(p).Files {
			if !strings.HasSuffix(f.Path, ".json") {
				continue
			}

			path := filepath.Join(t.TempDir(), name+"-"+f.Key())
			if err := os.WriteFile(path, []byte(f.Text), 0o600); err != nil {
				t.Fatal(err)
			}
			paths = append(paths, path)

			if !strings.HasPrefix(f.Path, "apis/") {
				continue
			}
			if err := valid(t, schema, f.Text); err != nil {
				t.Errorf("%s, %s: %v", name, f.Path, err)
			}
			if err := valid(t, schema, strings.Replace(f.Text, `"listen_port"`, `"listen_prot"`, 1)); err == nil {
				t.Errorf("%s, %s: the schema accepts a misspelt field", name, f.Path)
			}
		}
	}

	readAsGateway(t, checkout, paths)
}

func gatewaySchema(t *testing.T, path string) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}

	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft4)
	if err := c.AddResource("schema.json", withoutIDs(doc)); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}

	return schema
}

// withoutIDs returns a schema without the ids of its parts: the gateway's has some twice.
func withoutIDs(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if id, isText := value.(string); key == "id" && isText && strings.HasPrefix(id, "http://jsonschema.net") {
				delete(v, key)
			} else {
				v[key] = withoutIDs(value)
			}
		}
	case []any:
		for i := range v {
			v[i] = withoutIDs(v[i])
		}
	}
	return v
}

func valid(t *testing.T, schema *jsonschema.Schema, text string) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(doc)
}

// readAsGateway builds testdata/tyk in the checkout, without a change there, and lets it read files.
func readAsGateway(t *testing.T, checkout string, paths []string) {
	t.Helper()
	checkout, err := filepath.Abs(checkout)
	if err != nil {
		t.Fatal(err)
	}
	program, err := filepath.Abs("testdata/tyk/main.go")
	if err != nil {
		t.Fatal(err)
	}

	overlay := filepath.Join(t.TempDir(), "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(checkout, "cmd", "tykmesh", "main.go"): program}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(overlay, replace, 0o600); err != nil {
		t.Fatal(err)
	}

	read := func(paths ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "go", append([]string{"run", "-overlay", overlay, "./cmd/tykmesh"}, paths...)...)
		cmd.Dir = checkout
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := read(paths...); err != nil {
		t.Errorf("%v\n%s", err, out)
	}

	bad := filepath.Join(t.TempDir(), "policies.json")
	if err := os.WriteFile(bad, []byte(`{"a": {"rat": 1}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := read(bad); err == nil || !strings.Contains(out, `unknown field "rat"`) {
		t.Errorf("a misspelt field of a policy: %v %s", err, out)
	}
}

// TestArchivesAreCases looks for goldens without a case.
func TestArchivesAreCases(t *testing.T) {
	paths, err := filepath.Glob("testdata/config/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".txtar")
		if cases()[name] == nil {
			t.Errorf("%s: no case writes it", path)
		}
		if a, err := txtar.ParseFile(path); err != nil || len(a.Files) == 0 {
			t.Errorf("%s: no files: %v", path, err)
		}
	}
}
