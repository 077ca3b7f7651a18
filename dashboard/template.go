package dashboard

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/template"
	"text/template/parse"
)

// builtin defines default-inbound and default-mesh: the definitions of tyk-k8s, but each with its
// own header ("webhook behaviour", section 3 and B1), and without zero fields.
//
//go:embed builtin.json
var builtin string

// Vars are the values that a template may print. Their names are those of tyk-k8s. CertificateID is
// printed as a list:
//
//	"certificates": [{{range $i, $id := .CertificateID}}{{if $i}},{{end}}"{{$id}}"{{end}}]
type Vars struct {
	Name          string // of the API; the built-in templates append " #tag" for each tag
	Slug          string
	Org           string
	ListenPath    string
	Target        string
	HostName      string // the API's domain
	GatewayTags   []string
	CertificateID []string
}

// Templates render API definitions from Vars. They are text/template files. Printed values are
// escaped, so that a value cannot end the JSON string around it.
type Templates struct {
	set       *template.Template
	renderers sync.Pool // cloning a set takes as long as rendering
}

// BuiltinTemplates returns default-inbound and default-mesh.
func BuiltinTemplates() *Templates {
	t, err := ParseTemplates(nil)
	if err != nil {
		panic("dashboard: built-in templates: " + err.Error())
	}
	return t
}

// LoadTemplates reads the *.json files of a directory, in which {{define "NAME"}} defines
// templates. Built-in templates that the directory does not define stay.
//
// Errors: no such directory, no *.json in it, and those of ParseTemplates.
func LoadTemplates(dir string) (*Templates, error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no directory %s", dir)
	}

	names, err := filesIn(dir, ".json")
	if err != nil {
		return nil, fmt.Errorf("reading the directory: %w", err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no *.json in %s", dir)
	}

	files := map[string]string{}
	for _, name := range names {
		file := name + ".json"
		text, err := readFile(filepath.Join(dir, file))
		if err != nil {
			return nil, fmt.Errorf("reading a template: %w", err)
		}
		files[file] = string(text)
	}

	return ParseTemplates(files)
}

// ParseTemplates parses the texts of files, by file name.
//
// Errors: all syntax errors, with file and line; a name that two files define.
func ParseTemplates(files map[string]string) (*Templates, error) {
	set := template.New("").Funcs(template.FuncMap{printFunc: unbound})
	if _, err := set.Parse(builtin); err != nil {
		return nil, fmt.Errorf("parsing the built-in templates: %w", err)
	}

	definedIn := map[string]string{}
	var errs []error
	for _, file := range slices.Sorted(maps.Keys(files)) {
		parsed, err := template.New(file).Funcs(template.FuncMap{printFunc: unbound}).Parse(files[file])
		if err != nil {
			errs = append(errs, errors.New(strings.TrimPrefix(err.Error(), "template: ")))
			continue
		}

		for _, t := range parsed.Templates() {
			if parse.IsEmptyTree(t.Tree.Root) {
				continue // the file itself, which only contains definitions
			}
			if other := definedIn[t.Name()]; other != "" {
				errs = append(errs, fmt.Errorf("%q is defined in %s and in %s", t.Name(), other, file))
				continue
			}

			definedIn[t.Name()] = file
			if _, err := set.AddParseTree(t.Name(), t.Tree); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", file, err))
			}
		}
	}

	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}

	for _, t := range set.Templates() {
		printAsData(t.Tree.Root)
	}

	return &Templates{set: set, renderers: sync.Pool{New: func() any { return newRenderer(set) }}}, nil
}

// Has reports whether there is a template with that name.
func (t *Templates) Has(name string) bool {
	found := t.set.Lookup(name)
	return found != nil && !parse.IsEmptyTree(found.Tree.Root)
}

// Render renders a definition. If the template has no "auth", Render adds the header that gateways
// use by default, because Dashboards before 5 require one.
//
// Errors name the template, and if possible the line: no such template, a field that Vars do not
// have, a string printed outside quotes, and a result that is not one JSON object or that the
// Dashboard's schema refuses.
func (t *Templates) Render(name string, v Vars) (Definition, error) {
	if !t.Has(name) {
		return nil, fmt.Errorf("template %q: not defined", name)
	}

	r, _ := t.renderers.Get().(*renderer)
	defer t.renderers.Put(r)
	text, err := r.execute(name, v)
	if err != nil {
		return nil, fmt.Errorf("rendering %v", err) // it begins with "template: file:line:"
	}

	var d Definition
	if err := decodeJSON(text, &d); err != nil {
		return nil, fmt.Errorf("template %q: the result is not a JSON object: %v", name, at(text, err))
	}

	if d["auth"] == nil && d != nil {
		d["auth"] = map[string]any{"auth_header_name": "Authorization"}
	}

	if _, err := d.Check(); err != nil {
		return nil, fmt.Errorf("template %q: %w", name, err)
	}

	return d, nil
}

// renderer is a copy of the templates with its own output.
type renderer struct {
	set *template.Template
	out jsonText
}

func newRenderer(set *template.Template) *renderer {
	r := &renderer{set: template.Must(set.Clone())} // which fails for no set
	r.set.Funcs(template.FuncMap{printFunc: r.out.asData})
	return r
}

func (r *renderer) execute(name string, v Vars) ([]byte, error) {
	r.out.reset()
	err := r.set.ExecuteTemplate(&r.out, name, v)
	return r.out.Bytes(), err
}

// at adds the line in the rendered text to an error of the JSON decoder.
func at(text []byte, err error) error {
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	var offset int64
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &mismatch):
		offset = mismatch.Offset
	default:
		return err
	}

	line := 1 + bytes.Count(text[:min(int(offset), len(text))], []byte("\n"))

	return fmt.Errorf("line %d of it: %v", line, err)
}

// unbound stands in for the print function while templates are parsed; each renderer replaces it.
func unbound(any) (string, error) { return "", errors.New("the template has no output") }
