package dashboard

import (
	"bytes"
	_ "embed"
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

// builtin defines default-inbound and default-mesh: the definitions that tyk-k8s posted, but with
// the header of the template's own name ("webhook behaviour", section 3 and B1), and without the
// fields that were zero.
//
//go:embed builtin.json
var builtin string

// Vars are the values that a template may print. Templates see them under the names that tyk-k8s
// gave them, where CertificateID is a list:
//
//	"certificates": [{{range $i, $id := .CertificateID}}{{if $i}},{{end}}"{{$id}}"{{end}}]
type Vars struct {
	Name          string // of the API, to which the built-in templates add " #tag" for each tag
	Slug          string
	Org           string
	ListenPath    string
	Target        string
	HostName      string // the API's domain
	GatewayTags   []string
	CertificateID string // "" for none
}

// Templates turn Vars into API definitions. They are text/template files; what they print of a
// value is data, escaped so that it cannot end the JSON string that it stands in.
type Templates struct {
	set  *template.Template
	idle sync.Pool // of *renderer: copying a set takes as long as rendering
}

// BuiltinTemplates are default-inbound and default-mesh as tyk-k8s meant them.
func BuiltinTemplates() *Templates {
	t, err := ParseTemplates(nil)
	if err != nil {
		panic("dashboard: built-in templates: " + err.Error())
	}
	return t
}

// LoadTemplates reads the *.json files of a folder, in which {{define "NAME"}} defines templates.
// Those that the folder does not define but the built-in set does stay.
//
// Errors: no such folder, no *.json in it, and those of ParseTemplates.
func LoadTemplates(dir string) (*Templates, error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no folder %s", dir)
	}

	names, err := filesIn(dir, ".json")
	if err != nil {
		return nil, fmt.Errorf("reading the folder: %w", err)
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

// ParseTemplates makes templates of the texts of files, by file name.
//
// Errors: all syntax errors, with file and line; two files that define one name.
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
				continue // the file itself, around its definitions
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

	return &Templates{set: set}, nil
}

// Has reports whether there is a template of that name.
func (t *Templates) Has(name string) bool {
	found := t.set.Lookup(name)
	return found != nil && !parse.IsEmptyTree(found.Tree.Root)
}

// Render makes a definition. Where the template says nothing of "auth" the header that gateways use
// anyway is added, because Dashboards before 5 refuse a definition without.
//
// Errors name the template, and the line where there is one: no such template, a field that Vars do
// not have, a string that is printed outside quotes, and a result that is not one JSON object which
// the Dashboard's schema accepts.
func (t *Templates) Render(name string, v Vars) (Definition, error) {
	if !t.Has(name) {
		return nil, fmt.Errorf("template %q: not defined", name)
	}

	r, err := t.renderer()
	if err != nil {
		return nil, fmt.Errorf("template %q: %w", name, err)
	}

	defer t.done(r)
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

// values is what templates see.
type values struct {
	Vars
	CertificateID []string
}

// renderer is a copy of the templates that prints to a text of its own.
type renderer struct {
	set *template.Template
	out jsonText
}

// renderer takes one that is not in use; done gives it back.
func (t *Templates) renderer() (r *renderer, err error) {
	if r, ok := t.idle.Get().(*renderer); ok {
		r.out.reset()
		return r, nil
	}

	r = &renderer{}
	if r.set, err = t.set.Clone(); err != nil {
		return nil, err
	}
	r.set.Funcs(template.FuncMap{printFunc: r.out.asData})

	return r, nil
}

func (t *Templates) done(r *renderer) { t.idle.Put(r) }

func (r *renderer) execute(name string, v Vars) ([]byte, error) {
	var certificates []string
	if v.CertificateID != "" {
		certificates = []string{v.CertificateID}
	}
	err := r.set.ExecuteTemplate(&r.out, name, values{v, certificates})
	return r.out.Bytes(), err
}

// at adds the line of the rendered text to an error of the JSON decoder.
func at(text []byte, err error) error {
	offset, ok := errorOffset(err)
	if !ok {
		return err
	}
	line := 1 + bytes.Count(text[:min(offset, len(text))], []byte("\n"))
	return fmt.Errorf("line %d of it: %v", line, err)
}

var errUnbound = errors.New("a template that is not being rendered prints nothing")

// unbound stands for the print function while templates are parsed.
func unbound(any) (string, error) { return "", errUnbound }
