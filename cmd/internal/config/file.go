package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/spelling"
)

// maxValues is how many values a configuration may have once its aliases are expanded. A real one
// has some hundred; a few nested aliases make billions.
const maxValues = 20000

// node is a YAML value of the file and its place.
type node struct {
	*manifest.Node
	pos manifest.Position
}

// entry is one key of a mapping.
type entry struct {
	key   string
	pos   manifest.Position // of the key
	value node
	merge bool // a merge key, "<<"
}

// readFile fills settings and sections from the file, and reports whether the file could be parsed.
func (l *loader) readFile() bool {
	root, ok := l.parse()
	if !ok || root.IsNull() {
		return ok
	}

	if root.Kind != manifest.Mapping {
		l.report(root.pos, "", "want the sections "+strings.Join(sectionNames(), ", ")+", got "+kindOf(root))
		return false
	}

	for _, e := range l.entries(root, "", strings.EqualFold) {
		section, known := findSection(e.key)
		switch {
		case known:
			l.sections[section.name] = e.pos
			l.readSection(section, e.value)
		case !isIgnored(e.key):
			l.unknownKey("", e, sectionNames())
		}
	}

	return true
}

func (l *loader) readSection(section section, value node) {
	if value.IsNull() {
		return
	}

	l.failed[section.name] = resolve(value).Kind != manifest.Mapping
	for _, e := range l.entries(value, section.name, strings.EqualFold) {
		k, name, known := findKey(dotted(section.name, e.key))
		if !known {
			l.unknownKey(section.name, e, namesOf(section.keys, key.short))
			continue
		}
		if e.value.IsNull() { // like a key that is not there
			continue
		}

		s := setting{key: k.name, name: name, value: e.value, at: e.pos}
		if other, twice := l.settings[k.name]; twice {
			l.both(s, other)
			continue
		}

		l.set(s)
	}
}

// parse returns the YAML document of the file, which is null for an empty file, a configuration that
// sets nothing. Messages about mistakes may quote a secret, such as secret:TEXT without a space, so
// everything in quotes but punctuation is masked.
func (l *loader) parse() (root node, ok bool) {
	documents := manifest.Split(l.src.Name, l.src.Data)
	if len(documents) > 1 {
		l.report(documents[1].Position(0), "", "a second YAML document begins here, but a configuration has only one")
		return node{}, false
	}

	l.document = documents[0]
	tree, err := l.document.Tree()
	if mistake := (*manifest.SyntaxError)(nil); errors.As(err, &mistake) {
		l.report(mistake.Pos, "", "not YAML: "+yamlQuoted.ReplaceAllString(mistake.Msg, "'...'"))
		return node{}, false
	}

	if tree == nil {
		return node{}, true
	}

	return l.at(tree), true
}

var yamlQuoted = regexp.MustCompile(`'[^']{2,}'|"(?:\\.|[^"\\])+"`)

func (l *loader) at(n *manifest.Node) node { return node{n, l.document.PositionOf(n)} }

// resolve follows aliases. The place stays that of the alias, because the user wrote it there.
func resolve(n node) node { return node{n.Resolve(), n.pos} }

// entries returns the keys of a mapping with its merge keys expanded: the merged keys stand in the
// place of the merge key, and the mapping's own keys win. Keys that are the same are errors, and so
// are values other than mappings.
func (l *loader) entries(n node, key string, same func(a, b string) bool) []entry {
	n = resolve(n)
	if n.Kind != manifest.Mapping {
		l.report(n.pos, key, "want a mapping, got "+kindOf(n))
		return nil
	}

	var own []entry
	for i := 0; i+1 < len(n.Content); i += 2 {
		e := entry{pos: l.at(n.Content[i]).pos, value: l.at(n.Content[i+1])}
		name := resolve(l.at(n.Content[i]))
		e.key, e.merge = name.Value, name.Tag == "!!merge"
		switch {
		case !l.spend(n.pos):
			return nil
		case e.merge:
		case name.Kind != manifest.Scalar || name.IsNull():
			l.report(e.pos, key, "a key is not a text")
			continue
		default:
			if first, ok := findEntry(own, e.key, same); ok {
				l.report(e.pos, dotted(key, e.key), fmt.Sprintf("is set twice; first on line %d", first.pos.Line))
				continue
			}
		}

		own = append(own, e)
	}

	return l.merge(own, key, same)
}

// merge replaces the merge keys among entries by the keys that they refer to.
func (l *loader) merge(own []entry, key string, same func(a, b string) bool) []entry {
	var out []entry
	for _, e := range own {
		if !e.merge {
			out = append(out, e)
			continue
		}

		sources := []node{e.value}
		if n := resolve(e.value); n.Kind == manifest.Sequence {
			sources = nil
			for _, item := range n.Content {
				sources = append(sources, l.at(item))
			}
		}

		for _, source := range sources {
			for _, brought := range l.entries(source, key, same) {
				_, mine := findEntry(own, brought.key, same)
				_, before := findEntry(out, brought.key, same)
				if !mine && !before {
					out = append(out, brought)
				}
			}
		}
	}

	return out
}

// spend counts one more value, and reports whether there may be more. Aliases within aliases make
// too many, and so does an alias of itself.
func (l *loader) spend(pos manifest.Position) bool {
	l.values++
	if l.values == maxValues {
		l.tooMany = Finding{Pos: pos, Msg: fmt.Sprintf("aliases expand this file to more than %d values", maxValues)}
	}
	return l.values < maxValues
}

func findEntry(entries []entry, key string, same func(a, b string) bool) (entry, bool) {
	for _, e := range entries {
		if same(e.key, key) {
			return e, true
		}
	}
	return entry{}, false
}

func dotted(parent, key string) string {
	if parent == "" {
		return key
	}
	return parent + "." + key
}

// unknownKey reports a key that its level does not have, and the key that was probably meant: one
// of the same name in another section, or the known one that is most like it. That key causes no
// further errors, for instance because it is missing.
func (l *loader) unknownKey(parent string, e entry, known []string) {
	meant := ""
	for _, k := range keys {
		if strings.EqualFold(k.short(), e.key) {
			meant = k.name
		}
	}

	msg := "unknown key; did you mean " + meant + "?"
	if meant == "" {
		msg = "unknown key" + spelling.Suggest(e.key, known)
		meant = dotted(parent, spelling.Nearest(e.key, known))
	}

	l.failed[meant] = true
	l.report(e.pos, dotted(parent, e.key), msg)
}
