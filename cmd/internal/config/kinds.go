package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/spelling"
)

// kind is how the values of a Go type are read and shown, and their JSON Schema.
type kind[T any] struct {
	// read reads a setting into a value that holds the default, and reports whether the value
	// counts. The loader gets the errors.
	read   func(*loader, setting, *T) bool
	show   func(T) any
	schema manifest.Map
}

// matching returns a kind whose texts match a pattern. It is for editors, as the reader has checks
// of its own, and must match every value that the reader accepts.
func (k kind[T]) matching(pattern string) kind[T] {
	k.schema = k.schema.With("pattern", pattern)
	return k
}

// textSchema matches texts. The reader takes numbers for texts, too.
var textSchema = manifest.Map{{Key: "type", Value: manifest.List{"string", "number"}}}

// showText returns a text, or nil for an empty one.
func showText(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// textOf returns the kind of texts. An empty one counts, and needs no check.
func textOf(check func(string) error) kind[string] {
	return kind[string]{show: showText, schema: textSchema, read: func(l *loader, s setting, into *string) bool {
		text, ok := l.text(s)
		*into = text
		return ok && l.passes(s, text, check)
	}}
}

// secretOf returns the kind of texts that are never shown, and that may stand elsewhere, as
// file:PATH or env:NAME.
func secretOf(check func(string) error) kind[Secret] {
	show := func(s Secret) any {
		if !s.IsSet() {
			return nil
		}
		return redacted
	}

	return kind[Secret]{show: show, schema: textSchema, read: func(l *loader, s setting, into *Secret) bool {
		text, ok := l.text(s)
		if !ok {
			return false
		}
		text, ok = l.fetch(s, text)
		*into = NewSecret(text)

		return ok && l.passes(s, text, check)
	}}
}

// dirPath is the kind of names of directories. A relative path in the file starts at the file's
// directory, so that a configuration works from everywhere.
var dirPath = kind[string]{show: showText, schema: textSchema, read: func(l *loader, s setting, into *string) bool {
	text, ok := l.text(s)
	if ok && text != "" {
		*into = l.relative(s, text)
	}
	return ok
}}

// filePath is a dirPath for files, which the loader remembers.
var filePath = kind[string]{show: showText, schema: textSchema, read: func(l *loader, s setting, into *string) bool {
	if !dirPath.read(l, s, into) || *into == "" {
		return false
	}
	l.config.named = append(l.config.named, *into)

	return true
}}

// boolean is the kind of switches.
var boolean = kind[bool]{
	read: func(l *loader, s setting, into *bool) (ok bool) {
		*into, ok = l.bool(s)
		return ok
	},
	show:   func(on bool) any { return on },
	schema: manifest.Map{{Key: "type", Value: "boolean"}},
}

// choiceOf returns the kind of texts that are one of a few.
func choiceOf[T ~string](values ...T) kind[T] {
	words, allowed := make([]string, len(values)), manifest.List{}
	for i, v := range values {
		words[i] = string(v)
		if on, isBool := parseBool(string(v)); isBool { // may be written without quotes, too
			allowed = append(allowed, on)
		}
		allowed = append(allowed, words[i])
	}

	read := func(l *loader, s setting, into *T) bool {
		word, ok := l.word(s)
		if ok && word != "" && !slices.Contains(words, word) {
			l.fail(s, fmt.Sprintf("want %s, got %q", strings.Join(words, " or "), word))
			return false
		}
		*into = T(word)

		return ok && word != ""
	}

	return kind[T]{read: read, show: func(v T) any { return showText(string(v)) }, schema: manifest.Map{{Key: "enum", Value: allowed}}}
}

// word returns a text that may be written as true or false too, without quotes.
func (l *loader) word(s setting) (string, bool) {
	if s.variable == "" {
		if n := resolve(s.value); n.Kind == yaml.ScalarNode && n.ShortTag() == tagBool {
			return strings.ToLower(n.Value), true
		}
	}
	return l.text(s)
}

// scalar is how a text is read as a T.
type scalar[T any] struct {
	parse  func(string) (T, error)
	show   func(T) any
	schema manifest.Map
}

// checked returns the scalars that are texts which pass a check.
func checked(check func(string) error) scalar[string] {
	parse := func(text string) (string, error) { return text, check(text) }
	return scalar[string]{parse: parse, show: func(text string) any { return text }, schema: textSchema}
}

// valueOf returns the kind of single values. An empty text leaves the default.
func valueOf[T any](v scalar[T]) kind[T] {
	return kind[T]{show: v.show, schema: v.schema, read: func(l *loader, s setting, into *T) bool {
		text, ok := l.text(s)
		if !ok || text == "" {
			return false
		}
		value, err := v.parse(text)
		if err != nil {
			l.fail(s, err.Error())
		}
		*into = value

		return err == nil
	}}
}

// numberOf returns the kind of whole numbers within limits.
func numberOf[T int | int64](least, most T) kind[T] {
	parse := func(text string) (T, error) {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < int64(least) || n > int64(most) {
			return 0, fmt.Errorf("want a number from %d to %d, got %q", least, most, text)
		}
		return T(n), nil
	}

	return valueOf(scalar[T]{parse: parse, show: func(n T) any { return int64(n) }, schema: manifest.Map{
		{Key: "type", Value: manifest.List{"integer", "string"}},
		{Key: "minimum", Value: int64(least)},
		{Key: "maximum", Value: int64(most)},
		{Key: "pattern", Value: "^[+-]?[0-9]*$"},
	}})
}

// listOf returns the kind of lists; in the environment commas separate the items. An empty list
// leaves the default.
func listOf[T comparable](item scalar[T]) kind[[]T] { return lists(item, (*loader).texts, false) }

// setOf returns the kind of lists without duplicates.
func setOf[T comparable](item scalar[T]) kind[[]T] { return lists(item, (*loader).texts, true) }

// listOrTextOf returns the kind of lists that may be a single text in the file, too, with commas.
func listOrTextOf[T comparable](item scalar[T]) kind[[]T] {
	k := lists(item, (*loader).textsOrOne, false)
	k.schema = k.schema.With("type", manifest.List{"array", "string", "number"})
	return k
}

func lists[T comparable](item scalar[T], split func(*loader, setting) ([]string, bool), unique bool) kind[[]T] {
	read := func(l *loader, s setting, into *[]T) bool {
		texts, ok := split(l, s)
		var values []T
		for _, text := range texts {
			value, err := item.parse(text)
			if err == nil && unique && slices.Contains(values, value) {
				err = fmt.Errorf("names %q twice", text)
			}
			if err != nil {
				l.fail(s, err.Error())
				ok = false
				continue
			}

			values = append(values, value)
		}

		*into = values
		return ok && len(values) > 0
	}

	return kind[[]T]{read: read, show: func(values []T) any { return showList(values, item.show) }, schema: listSchema(item.schema)}
}

// texts returns a setting that is a list of texts.
func (l *loader) texts(s setting) ([]string, bool) {
	var out []string
	if s.variable != "" {
		for text := range strings.SplitSeq(s.text, ",") {
			out = append(out, strings.TrimSpace(text))
		}
		return out, true
	}

	items, ok := l.list(s)
	for i, item := range items {
		text, isText := l.text(setting{key: fmt.Sprintf("%s[%d]", s.key, i), value: item})
		if ok = ok && isText; isText {
			out = append(out, text)
		}
	}

	return out, ok
}

// textsOrOne returns a setting that is a list of texts, or one text with commas.
func (l *loader) textsOrOne(s setting) ([]string, bool) {
	if s.variable == "" && resolve(s.value).Kind != yaml.SequenceNode {
		text, ok := l.text(s)
		if !ok {
			return nil, false
		}
		s.variable, s.text = s.key, text
	}

	texts, ok := l.texts(s)
	return slices.DeleteFunc(texts, func(t string) bool { return t == "" }), ok
}

// list returns the items of a setting that is a list.
func (l *loader) list(s setting) ([]node, bool) {
	n := resolve(s.value)
	if n.Kind != yaml.SequenceNode {
		l.fail(s, "want a list, got "+kindOf(n))
		return nil, false
	}
	return l.items(n), true
}

// showList returns a list, or nil for an empty one.
func showList[T any](values []T, show func(T) any) any {
	if len(values) == 0 {
		return nil
	}
	list := make(manifest.List, len(values))
	for i, v := range values {
		list[i] = show(v)
	}

	return list
}

func listSchema(item manifest.Map) manifest.Map {
	return manifest.Map{{Key: "type", Value: "array"}, {Key: "items", Value: item}}
}

// member is a key of a mapping below a key of the configuration.
type member[T any] struct {
	name string
	field[T]
}

// objectOf returns the kind of mappings with a few keys, in any case. The check, if there is one,
// is for mappings without other mistakes.
func objectOf[T any](check func(T) error, members ...member[T]) kind[T] {
	read := func(l *loader, s setting, into *T) bool {
		before := len(l.errors)
		for _, e := range l.entries(s.value, s.key, strings.EqualFold) {
			i := slices.IndexFunc(members, func(m member[T]) bool { return strings.EqualFold(m.name, e.key) })
			switch {
			case i < 0:
				l.report(e.pos, dotted(s.key, e.key), "unknown key"+spelling.Suggest(e.key, memberNames(members)))
			case !isNull(e.value):
				members[i].read(l, setting{key: dotted(s.key, members[i].name), value: e.value}, into)
			}
		}

		if len(l.errors) > before {
			return false
		}
		if check == nil {
			return true
		}
		err := check(*into)
		if err != nil {
			l.fail(s, err.Error())
		}

		return err == nil
	}

	return kind[T]{read: read, show: func(v T) any { return showMembers(v, members) }, schema: objectSchema(members)}
}

func memberNames[T any](members []member[T]) []string {
	names := make([]string, len(members))
	for i, m := range members {
		names[i] = m.name
	}
	return names
}

// showMembers returns a mapping, without the members that are not set.
func showMembers[T any](v T, members []member[T]) manifest.Map {
	var out manifest.Map
	for _, m := range members {
		if shown := m.show(&v); shown != nil {
			out = append(out, manifest.Entry{Key: m.name, Value: shown})
		}
	}
	return out
}

func objectSchema[T any](members []member[T]) manifest.Map {
	properties := manifest.Map{}
	for _, m := range members {
		properties = append(properties, manifest.Entry{Key: m.name, Value: nullable(m.schema)})
	}
	return closedObject(properties)
}

// listOfObjects returns the kind of lists of mappings.
func listOfObjects[T any](item kind[T]) kind[[]T] {
	read := func(l *loader, s setting, into *[]T) bool {
		items, ok := l.list(s)
		*into = nil
		for i, n := range items {
			var v T
			ok = item.read(l, setting{key: fmt.Sprintf("%s[%d]", s.key, i), value: n}, &v) && ok
			*into = append(*into, v)
		}
		return ok
	}

	return kind[[]T]{read: read, show: func(values []T) any { return showList(values, item.show) }, schema: listSchema(item.schema)}
}
