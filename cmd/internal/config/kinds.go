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
	if n := s.value; n.Kind == manifest.Scalar && n.Tag == tagBool {
		return strings.ToLower(n.Value), true
	}
	return l.text(s)
}

// parsed returns the kind of values that parse reads in a text.
func parsed[T any](schema manifest.Map, show func(T) any, parse func(string) (T, error)) kind[T] {
	return textual(schema, show, func(l *loader, s setting, text string) (T, bool) {
		value, err := parse(text)
		return value, l.accepts(s, err)
	})
}

// checked returns the kind of texts that pass a check. Empty ones have to pass it, too.
func checked(check func(string) error) kind[string] {
	return parsed(textSchema, showText, func(text string) (string, error) { return text, check(text) })
}

// optional returns a kind of which an empty text leaves the default.
func optional[T any](k kind[T]) kind[T] {
	read := k.read
	k.read = func(l *loader, s setting, into *T) bool {
		if text, ok := l.text(s); ok && text == "" {
			return false
		}
		return read(l, s, into)
	}

	return k
}

// numberOf returns the kind of whole numbers within limits.
func numberOf[T int | int64](least, most T) kind[T] {
	schema := manifest.Map{
		{Key: "type", Value: manifest.List{"integer", "string"}},
		{Key: "minimum", Value: int64(least)},
		{Key: "maximum", Value: int64(most)},
		{Key: "pattern", Value: "^[+-]?[0-9]*$"},
	}

	return optional(parsed(schema, func(n T) any { return int64(n) }, func(text string) (T, error) {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < int64(least) || n > int64(most) {
			return 0, fmt.Errorf("want a number from %d to %d, got %q", least, most, text)
		}
		return T(n), nil
	}))
}

// orUnset returns a kind of numbers of which 0 means that the key is not set.
func orUnset[T int | int64](k kind[T]) kind[T] {
	show := k.show
	k.show = func(n T) any {
		if n == 0 {
			return nil
		}
		return show(n)
	}

	return k
}

// listOf returns the kind of lists; in the environment commas separate the items. An empty list
// leaves the default. Items that are right count for the checks that follow, beside wrong ones.
func listOf[T any](item kind[T]) kind[[]T] { return lists(item, false) }

// listOrTextOf returns the kind of lists that may be a single text in the file, too, with commas.
func listOrTextOf[T any](item kind[T]) kind[[]T] {
	k := lists(item, true)
	k.schema = k.schema.With("type", manifest.List{"array", "string", "number"})
	return k
}

func lists[T any](item kind[T], orText bool) kind[[]T] {
	read := func(l *loader, s setting, into *[]T) bool {
		before := len(l.errors)
		*into = nil
		for _, at := range l.items(s, orText) {
			var v T
			if item.read(l, at, &v) {
				*into = append(*into, v)
			}
		}

		if len(l.errors) > before {
			l.failed[s.key] = true
		}

		return len(*into) > 0
	}

	return kind[[]T]{read: read, show: func(values []T) any { return showList(values, item.show) }, schema: listSchema(item.schema)}
}

// setOf returns the kind of lists of texts without duplicates.
func setOf(item kind[string]) kind[[]string] {
	k := listOf(item)
	read := k.read
	k.read = func(l *loader, s setting, into *[]string) bool {
		ok := read(l, s, into)
		for i, text := range *into {
			if slices.Contains((*into)[:i], text) {
				l.fail(s, fmt.Sprintf("names %q twice", text))
			}
		}
		return ok
	}

	return k
}

// items returns the items of a setting that is a list. In the environment, and with orText in the
// file, it may be a text with commas, and with orText empty items do not count.
func (l *loader) items(s setting, orText bool) (items []setting) {
	switch n := s.value; {
	case s.variable != "" || orText && n.Kind != manifest.Sequence:
		text, _ := l.text(s)
		for item := range strings.SplitSeq(text, ",") {
			at := s
			at.value = &manifest.Node{Tag: tagString, Value: strings.TrimSpace(item)}
			items = append(items, at)
		}

	case n.Kind != manifest.Sequence:
		l.fail(s, "want a list, got "+kindOf(n))
	default:
		for i, item := range n.Content {
			items = append(items, l.setting(fmt.Sprintf("%s[%d]", s.key, i), item))
		}
	}

	return slices.DeleteFunc(items, func(item setting) bool {
		return orText && item.value.Tag == tagString && item.value.Value == ""
	})
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
		for _, e := range l.entries(s, strings.EqualFold) {
			i := slices.IndexFunc(members, func(m member[T]) bool { return strings.EqualFold(m.name, e.name) })
			switch {
			case i < 0:
				l.report(e.at, e.key, "unknown key"+spelling.Suggest(e.name, namesOf(members, func(m member[T]) string { return m.name })))
			case !e.value.IsNull():
				e.key = dotted(s.key, members[i].name)
				members[i].read(l, e.setting, into)
			}
		}

		right := len(l.errors) == before
		return right && (check == nil || l.accepts(s, check(*into)))
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
