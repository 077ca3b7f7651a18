package config

import (
	"bytes"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/tykmesh/tykmesh/cmd/internal/prose"
	"github.com/tykmesh/tykmesh/inject/display"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Viewed is a configuration with the values in use.
type Viewed struct {
	File     string    `json:"file,omitempty"`
	Settings []Setting `json:"settings"` // one for each key, in the order of the table; nil if nothing could be read

	Warnings []Finding `json:"-"` // if there are no errors
}

// Setting is a key of a configuration that is viewed.
type Setting struct {
	Key   string `json:"key"`
	Value any    `json:"value"` // without secrets
	From  string `json:"from"`
	Note  string `json:"note,omitempty"` // why the value is not the one that is set there
}

// View reads a configuration as far as it can be read.
//
// Errors: those of Load.
func View(src Source) (Viewed, error) {
	l := newLoader(src)
	v := Viewed{File: src.Name}
	showable, err := l.load()
	if !showable {
		return v, err
	}

	for _, k := range keys {
		v.Settings = append(v.Settings, l.view(k))
	}

	if err == nil {
		l.warn()
		v.Warnings = inFileOrder(l.warnings)
	}

	return v, err
}

// The origins of values that are not set.
const (
	fromDefault = "default"
	fromNothing = "no configuration" // a placeholder, or what config init writes
	fromNowhere = "not set"
)

// view returns a key with its value, and why the value of a key that is set is not used.
func (l *loader) view(k key) Setting {
	s, isSet := l.settings[k.name]
	v, instead := Setting{Key: k.name, From: fromNowhere}, l.overruled(k)
	if instead == "" && !l.wrong[k.name] {
		v.Value = k.show(&l.config)
	}

	switch {
	case isSet:
		v.From = s.place()
	case l.stood[k.name]:
		v.From = fromNothing
	case v.Value != nil:
		v.From = fromDefault
	}

	switch {
	case l.wrong[k.name]:
		v.Note = "wrong"
	case isSet && instead != "":
		v.Note = "has no effect with " + instead
	case isSet && k.secret && v.Value == nil:
		v.Note = "not found"
	case !isSet && instead == "":
		v.Note = l.noteOfDefault(k)
	}

	return v
}

// noteOfDefault returns what there is to say of a key that is not set, or "".
func (l *loader) noteOfDefault(k key) string {
	switch {
	case k.modal && l.config.Standalone():
		return "that of " + InjectorMode + ": " + ModeStandalone
	case k.unset == nothing || k.aloneText != "" && l.config.Standalone():
		return ""
	}
	return prose.Plain(k.unset)
}

// overruled returns the flag or the key that leaves a key without effect, or "".
func (l *loader) overruled(k key) string {
	switch {
	case l.src.Local && k.remote:
		return "--local"
	case k.of != "" && k.of != l.config.Injector.Mode && k.name != InjectorMode:
		return InjectorMode + ": " + l.config.Injector.Mode
	case len(l.config.Injector.Containers) > 0 && k.builtIn:
		return InjectorContainers
	}
	return ""
}

// place returns where a setting was made.
func (s setting) place() string {
	if s.variable != "" {
		return s.variable
	}
	place := fmt.Sprintf("%s:%d", s.pos.File, s.pos.Line)
	if s.name != s.key {
		place += ", as " + s.name
	}

	return display.Line(place)
}

// YAML returns a configuration with the values in use, and behind each value a comment that tells
// where it comes from.
func (v Viewed) YAML() []byte {
	file := "no file, only the environment and defaults"
	if v.File != "" {
		file = display.Line(v.File)
	}

	root := &yaml.Node{Kind: yaml.MappingNode}
	var section *yaml.Node
	for i, s := range v.Settings {
		if i == 0 || sectionOf(v.Settings[i-1].Key) != sectionOf(s.Key) {
			section = &yaml.Node{Kind: yaml.MappingNode}
			root.Content = append(root.Content, yamlNode(sectionOf(s.Key)), section)
		}
		section.Content = append(section.Content, s.nodes()...)
	}

	b := bytes.NewBufferString("# " + file + "\n")
	encoder := yaml.NewEncoder(b)
	encoder.SetIndent(2)
	_ = encoder.Encode(root) // a tree of plain values always can be

	return b.Bytes()
}

// isTree reports whether a value is a mapping or a list.
func isTree(v any) bool {
	switch v.(type) {
	case manifest.Map, manifest.List:
		return true
	}
	return false
}

// nodes returns a key and its value, with a comment that tells where the value comes from.
func (s Setting) nodes() []*yaml.Node {
	name, value := yamlNode(local(s.Key)), yamlNode(s.Value)
	comment := "# " + s.From
	if s.Note != "" {
		comment += ": " + s.Note
	}

	list, isList := s.Value.(manifest.List)
	switch {
	case isList && !slices.ContainsFunc(list, isTree): // on one line, as users write it
		value.Style, value.LineComment = yaml.FlowStyle, comment
	case isTree(s.Value):
		name.LineComment = comment
	default:
		value.LineComment = comment
	}

	return []*yaml.Node{name, value}
}
