package config

import (
	"cmp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// doc is what people are told of a key. Names and values in its texts stand in backticks.
type doc struct {
	text   string // what it is for
	unset  string // what holds where it is not set; "" where its default is a value, and where it has none
	sample string // what config init writes behind it, as YAML: the value to begin with, or an example; "" is the default
	filled bool   // config init sets it
	secret bool
}

// nothing is what holds where a key without a value means that there is no such thing.
const nothing = "none"

// is says what a key is for.
func (k key) is(text string) key {
	k.text = text
	return k
}

// orElse says what holds where a key is not set and has no value then.
func (k key) orElse(text string) key {
	k.unset = text
	return k
}

// like gives an example of a value.
func (k key) like(sample string) key {
	k.sample = sample
	return k
}

// fill has config init set a key.
func (k key) fill(value string) key {
	k.sample, k.filled = value, true
	return k
}

// pinned has config init set a key to its default, because the default of another version may be
// another one, and pods would roll.
func (k key) pinned() key {
	k.filled = true
	k.text += "; `config init` writes it out, so that an upgrade of tykmesh rolls no pod"
	return k
}

// preset returns the value of a key that nobody sets, as YAML; "" where it has none.
func (k key) preset() string {
	config := defaultConfig("")
	if v := k.show(&config); v != nil {
		return flowText(v)
	}
	return ""
}

// example is what config init writes behind a key.
func (k key) example() string { return cmp.Or(k.sample, k.preset()) }

// Key is what people are told of a key of the configuration.
type Key struct {
	Name     string // "Tyk.url"
	Variable string // the environment variable that sets it; "" where none can
	Text     string // what it is for; names and values stand in backticks
	Default  string // its value where it is not set, or what holds then; may be ""
	Preset   bool   // Default is a value
	Secret   bool   // it is never shown
}

// Keys returns all that can be configured, in the order of the file.
func Keys() (keys []Key) {
	for _, section := range schema {
		for _, k := range section.keys {
			known := Key{Name: dotted(section.name, k.name), Text: k.text, Default: k.unset, Secret: k.secret}
			if !k.fileOnly {
				known.Variable = variableOf(known.Name)
			}

			if known.Default == "" {
				known.Default = k.preset()
				known.Preset = known.Default != ""
			}

			keys = append(keys, known)
		}
	}

	return keys
}

// flowText returns a value as YAML in one line.
func flowText(v any) string {
	n := yamlNode(v)
	n.Style |= yaml.FlowStyle
	text, _ := yaml.Marshal(n) // a tree of plain values always can be
	return strings.TrimRight(string(text), "\n")
}
