package config

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// section is a section of the file and the keys in it.
type section struct {
	name, text string
	builtIn    bool   // all of its keys are
	of         string // the mode in which its keys have a meaning; "" is every mode
	keys       []key
}

// key is a row of the table. Names and values in its texts stand in backticks.
type key struct {
	field[Config]

	name    string   // one of the constants: "Tyk.url"
	aliases []string // old names, with their section, which are still read
	text    string   // its purpose
	unset   string   // its default in words; "" if the default is a value, or missing
	example string   // a value, as YAML; "" is the default
	begin   string   // the value that config init sets, as YAML

	secret   bool // it is never shown; like remote, it is not read with --local
	pinned   bool // config init sets it to the default, because another version may have another one, and pods would restart
	fileOnly bool // no environment variable can hold its value
	remote   bool // it tells how to reach a server, and has no effect with --local
	builtIn  bool // it is about the built-in sidecar, and must not be set beside Injector.containers

	of string // the mode in which it has a meaning; "" is every mode

	// In standalone mode:
	modal       bool   // its default is the value of begin
	aloneText   string // its purpose, if that differs
	aloneBegin  string // the value that config init --mode standalone sets, as YAML
	aloneOffers bool   // config init --mode standalone shows it, as a comment
}

// field is a value in a T: how it is read and shown, and its JSON Schema.
type field[T any] struct {
	preset func(*T) // sets the default
	read   func(*loader, setting, *T)
	show   func(*T) any // the value without secrets, as manifest.Map, manifest.List, string, int64 or bool; nil if not set
	schema manifest.Map // of its values in a file, null apart
}

// in returns the field at a place in a T, of a kind, perhaps with a default.
func in[T, V any](at func(*T) *V, k kind[V], byDefault ...V) field[T] {
	return field[T]{
		preset: func(t *T) {
			for _, v := range byDefault {
				*at(t) = v
			}
		},
		read: func(l *loader, s setting, t *T) {
			if v := *at(t); k.read(l, s, &v) {
				*at(t) = v
			}
		},
		show:   func(t *T) any { return k.show(*at(t)) },
		schema: k.schema,
	}
}

// keys walks the table.
func keys(yield func(section, key) bool) {
	for _, s := range table {
		for _, k := range s.keys {
			k.builtIn = k.builtIn || s.builtIn
			k.remote = k.remote || k.secret
			k.of = cmp.Or(k.of, s.of)
			if !yield(s, k) {
				return
			}
		}
	}
}

// defaultConfig returns the configuration without any setting.
func defaultConfig(file string) Config {
	c := Config{File: file}
	for _, k := range keys {
		k.preset(&c)
	}
	return c
}

// names returns the name of a key and its old names.
func (k key) names() []string { return append([]string{k.name}, k.aliases...) }

// short returns a key's name within its section.
func (k key) short() string { return local(k.name) }

// local returns the part of a key's name that stands in its section.
func local(name string) string {
	_, name, _ = strings.Cut(name, ".")
	return name
}

// sectionOf returns the section in the name of a key.
func sectionOf(name string) string {
	name, _, _ = strings.Cut(name, ".")
	return name
}

// findKey returns the key that has a name, in any case, and the name as the table writes it, which
// may be an old one.
func findKey(name string) (found key, written string, ok bool) {
	for _, k := range keys {
		for _, n := range k.names() {
			if strings.EqualFold(n, name) {
				return k, n, true
			}
		}
	}
	return key{}, "", false
}

func findSection(name string) (section, bool) {
	for _, s := range table {
		if strings.EqualFold(s.name, name) {
			return s, true
		}
	}
	return section{}, false
}

func sectionNames() []string { return namesOf(table, func(s section) string { return s.name }) }

// namesOf returns the name of each item of a list.
func namesOf[T any](items []T, name func(T) string) []string {
	names := make([]string, len(items))
	for i, item := range items {
		names[i] = name(item)
	}
	return names
}

func isIgnored(name string) bool {
	return slices.ContainsFunc(ignoredSections, func(s string) bool { return strings.EqualFold(s, name) })
}

// builtInKeys returns the names of the keys that are about the built-in sidecar.
func builtInKeys() (names []string) {
	for _, k := range keys {
		if k.builtIn {
			names = append(names, k.name)
		}
	}
	return names
}

// byDefault returns the default of a key as show returns values.
func (k key) byDefault() any {
	c := defaultConfig("")
	return k.show(&c)
}

// defaultValue returns the default of a key as YAML, or "" if it is no value.
func (k key) defaultValue() string {
	if v := k.byDefault(); v != nil {
		return flowText(v)
	}
	return ""
}

// shown returns the value that config init writes behind a key.
func (k key) shown() string { return cmp.Or(k.begin, k.example, k.defaultValue()) }

// filled reports whether config init sets a key.
func (k key) filled() bool { return k.pinned || k.begin != "" }

// purpose returns the text of a key for configurations of mode dashboard.
func (k key) purpose() string {
	if k.of == ModeStandalone {
		return "with `mode: standalone`: " + k.text
	}
	return k.text
}

// elsewhere returns how the purpose and the default of a key differ in standalone mode.
func (k key) elsewhere() string {
	text := ""
	if k.aloneText != "" {
		text = ". With `mode: standalone`: " + k.aloneText
	}
	if k.modal {
		text += ". Default with `mode: standalone`: `" + k.begin + "`"
	}
	return text
}

// Key is a key of the configuration, for documents.
type Key struct {
	Name     string // "Tyk.url"
	Variable string // the environment variable that sets it; "" if none can
	Text     string // its purpose; names and values stand in backticks
	Default  string // its default, as YAML or in words; may be ""
	Preset   bool   // Default is a value
	Secret   bool   // it is never shown
}

// Keys returns everything that can be configured, in the order of the file.
func Keys() (all []Key) {
	for _, k := range keys {
		known := Key{Name: k.name, Text: k.purpose() + k.elsewhere(), Default: k.unset, Secret: k.secret}
		if !k.fileOnly {
			known.Variable = variableOf(envPrefix, k.name)
		}
		if known.Default == "" {
			known.Default = k.defaultValue()
			known.Preset = known.Default != ""
		}

		all = append(all, known)
	}

	return all
}
