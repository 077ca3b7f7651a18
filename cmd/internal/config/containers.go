package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	kjson "sigs.k8s.io/json"

	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/spelling"
)

// container is a configured container as Kubernetes decodes it, and where it stands.
type container struct {
	corev1.Container
	setting setting
}

// containerList is the kind of lists of containers. They are read twice: as trees whose keys keep
// their order, because these go into manifests, and as Kubernetes decodes them, to check them.
// Their keys are case-sensitive, unlike all others of the file.
var containerList = listOf(kind[manifest.Map]{read: (*loader).container, show: showContainer, schema: reference(reflect.TypeFor[corev1.Container]())})

// showContainer returns the name, the image and the names of the variables of a container.
// Everything else may hold a secret: values of variables, arguments, headers of probes.
func showContainer(tree manifest.Map) any {
	shown := manifest.Map{{Key: "name", Value: tree.String("name")}, {Key: "image", Value: tree.String("image")}}
	if names := showList(tree.List("env"), variableName); names != nil {
		shown = append(shown, manifest.Entry{Key: "env", Value: names})
	}
	return shown
}

// variableName returns the name of an environment variable of a container.
func variableName(variable any) any {
	m, _ := variable.(manifest.Map) // null is a variable without a name
	return m.String("name")
}

// container reads one container and remembers it in l.read.
func (l *loader) container(s setting, into *manifest.Map) bool {
	before := len(l.errors)
	*into, _ = l.tree(s, reflect.TypeFor[corev1.Container]()).(manifest.Map)
	if len(l.errors) > before {
		return false
	}

	c := container{setting: s}
	if err := decodeStrict(*into, &c.Container); err != nil {
		l.fail(s, "is not a Kubernetes container: "+err.Error())
		return false
	}

	l.checkContainer(c)
	l.read = append(l.read, c)

	return true
}

// checkContainer applies the rules of the Kubernetes API for names and images to a container.
func (l *loader) checkContainer(c container) {
	switch {
	case c.Name == "":
		l.fail(c.setting, "has no name")
	case len(validation.IsDNS1123Label(c.Name)) > 0:
		l.fail(c.setting, fmt.Sprintf("the name %q is not a DNS label; use lower-case letters, digits and dashes", c.Name))
	case slices.ContainsFunc(l.read, func(other container) bool { return other.Name == c.Name }):
		l.fail(c.setting, fmt.Sprintf("another container has the name %q already; rename one of the two", c.Name))
	}

	if c.Image == "" {
		l.fail(c.setting, "has no image")
	}
}

// tree returns a value as package manifest represents it, and reports the values that do not fit
// into t, each with its place. The final decision is that of [decodeStrict].
func (l *loader) tree(s setting, t reflect.Type) any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}

	n := s.value
	if !l.spend(s.pos) || n.IsNull() {
		return nil
	}

	if !fits(n, t) {
		l.report(s.pos, s.key, fmt.Sprintf("want %s, got %s%s", wantOf(t), kindOf(n), quoteHint(n, t)))
		return nil
	}

	switch n.Kind {
	case manifest.Mapping:
		return l.treeMap(s, t)
	case manifest.Sequence:
		out := manifest.List{}
		for _, item := range l.items(s, false) {
			out = append(out, l.tree(item, t.Elem()))
		}
		return out
	}

	v, _ := scalarValue(n)

	return v
}

func (l *loader) treeMap(s setting, t reflect.Type) any {
	out := manifest.Map{}
	for _, e := range l.entries(s, func(a, b string) bool { return a == b }) {
		below, known := elementType(t, e.name)
		if !known {
			l.report(e.at, e.key, "unknown field"+spelling.Suggest(e.name, namesOf(jsonFields(t), func(f jsonField) string { return f.name })))
			continue
		}
		out = append(out, manifest.Entry{Key: e.name, Value: l.tree(e.setting, below)})
	}

	return out
}

// selfDecoded holds the types of scalars that Kubernetes decodes in their own way, and descriptions
// of them for messages.
var selfDecoded = map[reflect.Type]string{
	reflect.TypeFor[resource.Quantity]():  "a quantity like 500m or 128Mi",
	reflect.TypeFor[intstr.IntOrString](): "a number or a name",
}

// fits reports whether a YAML value is of the kind that a Go type decodes from.
func fits(n *manifest.Node, t reflect.Type) bool {
	v, ok := scalarValue(n)
	if _, itself := selfDecoded[t]; itself {
		return ok && decodeStrict(v, reflect.New(t).Interface()) == nil
	}
	if number, isInt := v.(int64); ok && isInt && reflect.Zero(t).CanInt() {
		return !reflect.Zero(t).OverflowInt(number)
	}

	return kindOf(n) == wantOf(t) && (ok || n.Kind != manifest.Scalar)
}

// wantOf describes the values of a type as kindOf describes those of the file.
func wantOf(t reflect.Type) string {
	if want, ok := selfDecoded[t]; ok {
		return want
	}

	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "a mapping"
	case reflect.Slice:
		return "a list"
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	default:
		return fmt.Sprintf("a whole number of %d bits", t.Bits())
	}
}

// quoteHint returns the advice to quote a scalar that should be a text, or "".
func quoteHint(n *manifest.Node, t reflect.Type) string {
	if n.Kind == manifest.Scalar && t.Kind() == reflect.String {
		return "; put it in quotes"
	}
	return ""
}

// elementType returns the type under a key of a struct or a map.
func elementType(t reflect.Type, key string) (reflect.Type, bool) {
	if t.Kind() == reflect.Map {
		return t.Elem(), true
	}
	for _, f := range jsonFields(t) {
		if f.name == key {
			return f.goType, true
		}
	}

	return nil, false
}

type jsonField struct {
	name   string
	goType reflect.Type
}

// jsonFields returns the fields of a Kubernetes type under their JSON names, including those of
// inlined structs.
func jsonFields(t reflect.Type) []jsonField {
	var out []jsonField
	for i := range t.NumField() {
		f := t.Field(i)
		switch name, _, _ := strings.Cut(f.Tag.Get("json"), ","); {
		case name == "" && f.Anonymous:
			out = append(out, jsonFields(f.Type)...)
		case name != "" && name != "-":
			out = append(out, jsonField{name, f.Type})
		}
	}

	return out
}

// decodeStrict decodes a tree as the Kubernetes API server does with strict field validation.
func decodeStrict(tree, into any) error {
	text, err := json.Marshal(tree)
	if err != nil {
		return err
	}
	strict, err := kjson.UnmarshalStrict(text, into)
	if err == nil && len(strict) > 0 {
		err = strict[0]
	}

	return err
}
