package config

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tykmesh/tykmesh/cmd/internal/prose"
	"github.com/tykmesh/tykmesh/inject/display"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Viewed is a configuration as it counts.
type Viewed struct {
	File     string    `json:"file,omitempty"`
	Settings []Setting `json:"settings"` // all of them, in the order of the schema; nil where nothing could be read

	Warnings []Finding `json:"-"` // where nothing is wrong
}

// Setting is one key of a configuration that is viewed.
type Setting struct {
	Key   string `json:"key"`
	Value any    `json:"value"` // without secrets
	From  string `json:"from"`
	Note  string `json:"note,omitempty"` // what else there is to know of where it comes from

	section, name string
	tree          any // the value, in the order of the file
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

	for _, section := range schema {
		for _, key := range section.keys {
			v.Settings = append(v.Settings, l.view(section.name, key))
		}
	}

	if err == nil {
		l.warn()
		v.Warnings = inFileOrder(l.warnings)
	}

	return v, err
}

// The places that are no places.
const (
	fromDefault = "default"
	fromNowhere = "not set"
)

// view shows a key.
func (l *loader) view(section string, k key) Setting {
	v := Setting{Key: dotted(section, k.name), section: section, name: k.name}
	s, isSet := l.settings[v.Key]
	if isSet {
		v.From = s.place()
	}

	instead, counts := l.counts(v.Key, k)
	switch {
	case l.wrong[v.Key]:
		v.Note = "wrong"
	case isSet && !counts:
		v.Note = "does not count with " + instead
	case counts:
		v.tree = k.show(&l.config)
	}

	switch {
	case isSet && k.secret && v.Note == "":
		v.Note = l.through(s, v.tree != nil)
	case isSet:
	case v.tree == nil:
		v.From = fromNowhere
	default:
		v.From = fromDefault
	}

	if !isSet && counts && k.unset != nothing {
		v.Note = prose.Plain(k.unset)
	}

	v.Value = v.tree

	return v
}

// counts reports whether a key has a say, and what has it instead.
func (l *loader) counts(full string, k key) (instead string, counts bool) {
	switch {
	case l.src.Local && k.remoteOnly:
		return "--local", false
	case len(l.config.Injector.Containers) > 0 && slices.Contains(l.builtInSettings(), full):
		return "Injector.containers", false
	}
	return "", true
}

// place is where a setting was set.
func (s setting) place() string {
	if s.variable != "" {
		return s.variable
	}
	return display.Line(fmt.Sprintf("%s:%d", s.value.pos.File, s.value.pos.Line))
}

// through is where a secret is that is not in the configuration itself.
func (l *loader) through(s setting, found bool) string {
	text, _ := l.text(s)
	if !strings.HasPrefix(text, "env:") && !strings.HasPrefix(text, "file:") {
		return ""
	}
	if !found {
		text += ", where nothing is"
	}

	return display.Line(text)
}

// WriteYAML writes what is viewed as a configuration, with a comment behind each value where it
// comes from.
func (v Viewed) WriteYAML(w io.Writer) error {
	file := "no file: the environment and defaults"
	if v.File != "" {
		file = display.Line(v.File)
	}

	root := &yaml.Node{Kind: yaml.MappingNode}
	var section *yaml.Node
	for i, s := range v.Settings {
		if i == 0 || v.Settings[i-1].section != s.section {
			section = &yaml.Node{Kind: yaml.MappingNode}
			root.Content = append(root.Content, yamlNode(s.section), section)
		}
		section.Content = append(section.Content, s.nodes()...)
	}

	if _, err := fmt.Fprintf(w, "# %s\n", file); err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}

	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}

	return nil
}

// isTree reports whether a value has others below it.
func isTree(v any) bool {
	switch v.(type) {
	case manifest.Map, manifest.List:
		return true
	}
	return false
}

// nodes returns a key and its value, with a comment where it comes from.
func (s Setting) nodes() []*yaml.Node {
	name, value := yamlNode(s.name), yamlNode(s.tree)
	comment := "# " + s.From
	if s.Note != "" {
		comment += ": " + s.Note
	}

	list, isList := s.tree.(manifest.List)
	switch {
	case isList && !slices.ContainsFunc(list, isTree): // on one line, as people write it
		value.Style, value.LineComment = yaml.FlowStyle, comment
	case isTree(s.tree):
		name.LineComment = comment
	default:
		value.LineComment = comment
	}

	return []*yaml.Node{name, value}
}
