package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

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

// textual returns the kind of values that are written as texts. Read returns a value and reports
// whether it counts.
func textual[T any](schema manifest.Map, show func(T) any, read func(l *loader, s setting, text string) (T, bool)) kind[T] {
	return kind[T]{show: show, schema: schema, read: func(l *loader, s setting, into *T) bool {
		text, ok := l.text(s)
		if ok {
			*into, ok = read(l, s, text)
		}
		return ok
	}}
}

// textOf returns the kind of texts. An empty one counts, and needs no check.
func textOf(check func(string) error) kind[string] {
	return textual(textSchema, showText, func(l *loader, s setting, text string) (string, bool) {
		return text, l.passes(s, text, check)
	})
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

	return textual(textSchema, show, func(l *loader, s setting, text string) (Secret, bool) {
		text, ok := l.fetch(s, text)
		return NewSecret(text), ok && l.passes(s, text, check)
	})
}

// dirPath is the kind of names of directories. A relative path in the file starts at the file's
// directory, so that a configuration works from everywhere.
var dirPath = textual(textSchema, showText, func(l *loader, s setting, text string) (string, bool) {
	return l.relative(s, text), true
})

// filePath is a dirPath for files, which the loader remembers.
var filePath = textual(textSchema, showText, func(l *loader, s setting, text string) (string, bool) {
	if text == "" {
		return "", false
	}
	path := l.relative(s, text)
	l.config.named = append(l.config.named, path)

	return path, true
})

// boolean is the kind of switches.
var boolean = kind[bool]{
	read: func(l *loader, s setting, into *bool) (ok bool) {
		*into, ok = l.bool(s)
		return ok
	},
	show:   func(on bool) any { return on },
	schema: manifest.Map{{Key: "type", Value: "boolean"}},
}

// off is the kind of switches of tyk-k8s that must stay off.
var off = kind[bool]{
	read: func(l *loader, s setting, _ *bool) bool {
		if on, ok := l.bool(s); ok && on {
			l.fail(s, "is not supported: sidecars cannot share a gateway, because each loads the APIs with its own tags from a Dashboard")
		}
		return false
	},
	show:   boolean.show,
	schema: manifest.Map{{Key: "enum", Value: manifest.List{false}}},
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
	if n := resolve(s.value); n.Kind == manifest.Scalar && n.Tag == tagBool {
		return strings.ToLower(n.Value), true
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
	return textual(v.schema, v.show, func(l *loader, s setting, text string) (T, bool) {
		value, err := v.parse(text)
		if text != "" && err != nil {
			l.fail(s, err.Error())
		}
		return value, text != "" && err == nil
	})
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
func listOf[T comparable](item scalar[T]) kind[[]T] { return lists(item, false, false) }

// setOf returns the kind of lists without duplicates.
func setOf[T comparable](item scalar[T]) kind[[]T] { return lists(item, false, true) }

// listOrTextOf returns the kind of lists that may be a single text in the file, too, with commas.
func listOrTextOf[T comparable](item scalar[T]) kind[[]T] {
	k := lists(item, true, false)
	k.schema = k.schema.With("type", manifest.List{"array", "string", "number"})
	return k
}

func lists[T comparable](item scalar[T], orText, unique bool) kind[[]T] {
	read := func(l *loader, s setting, into *[]T) bool {
		texts, ok := l.texts(s, orText)
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

// texts returns a setting that is a list of texts: in the environment, and with orText in the file,
// too, a text with commas. With orText empty items do not count.
func (l *loader) texts(s setting, orText bool) ([]string, bool) {
	var out []string
	keep := func(text string) {
		if text != "" || !orText {
			out = append(out, text)
		}
	}

	if s.variable != "" || orText && resolve(s.value).Kind != manifest.Sequence {
		text, ok := l.text(s)
		for item := range strings.SplitSeq(text, ",") {
			keep(strings.TrimSpace(item))
		}
		return out, ok
	}

	items, ok := l.list(s)
	for i, item := range items {
		text, isText := l.text(s.item(i, item))
		if ok = ok && isText; isText {
			keep(text)
		}
	}

	return out, ok
}

// item returns an item of a setting that is a list.
func (s setting) item(i int, value node) setting {
	return setting{key: fmt.Sprintf("%s[%d]", s.key, i), value: value}
}

// list returns the items of a setting that is a list.
func (l *loader) list(s setting) ([]node, bool) {
	n := resolve(s.value)
	if n.Kind != manifest.Sequence {
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
				l.report(e.pos, dotted(s.key, e.key), "unknown key"+spelling.Suggest(e.key, namesOf(members, func(m member[T]) string { return m.name })))
			case !e.value.IsNull():
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
			ok = item.read(l, s.item(i, n), &v) && ok
			*into = append(*into, v)
		}
		return ok
	}

	return kind[[]T]{read: read, show: func(values []T) any { return showList(values, item.show) }, schema: listSchema(item.schema)}
}
