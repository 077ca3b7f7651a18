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

// entry is a key of a mapping with its value.
type entry struct {
	setting
	merge bool // a merge key, "<<"
}

// readFile fills settings and sections from the file, and reports whether the file could be parsed.
func (l *loader) readFile() bool {
	root, ok := l.parse()
	if !ok || root.value.IsNull() {
		return ok
	}

	if root.value.Kind != manifest.Mapping {
		l.report(root.pos, "", "want the sections "+strings.Join(sectionNames(), ", ")+", got "+kindOf(root.value))
		return false
	}

	for _, e := range l.entries(root, strings.EqualFold) {
		section, known := findSection(e.name)
		switch {
		case known:
			l.sections[section.name] = e.at
			e.key = section.name
			l.readSection(section, e.setting)
		case !isIgnored(e.name):
			l.unknownKey("", e.setting, sectionNames())
		}
	}

	return true
}

func (l *loader) readSection(section section, s setting) {
	if s.value.IsNull() {
		return
	}

	l.failed[section.name] = s.value.Kind != manifest.Mapping
	for _, e := range l.entries(s, strings.EqualFold) {
		k, name, known := findKey(e.key)
		if !known {
			l.unknownKey(section.name, e.setting, namesOf(section.keys, key.short))
			continue
		}
		if e.value.IsNull() { // like a key that is not there
			continue
		}

		e.key, e.name = k.name, name
		if other, twice := l.settings[k.name]; twice {
			l.both(e.setting, other)
			continue
		}

		l.set(e.setting)
	}
}

// parse returns the YAML document of the file. It is null for an empty file, a configuration that
// sets nothing. Messages about mistakes may quote a secret, such as secret:TEXT without a space. So
// everything in quotes but punctuation is masked.
func (l *loader) parse() (root setting, ok bool) {
	documents := manifest.Split(l.src.Name, l.src.Data)
	if len(documents) > 1 {
		l.report(documents[1].Position(0), "", "a second YAML document begins here, but a configuration has only one")
		return setting{}, false
	}

	l.document = documents[0]
	tree, err := l.document.Tree()
	if mistake := (*manifest.SyntaxError)(nil); errors.As(err, &mistake) {
		l.report(mistake.Pos, "", "not YAML: "+yamlQuoted.ReplaceAllString(mistake.Msg, "'...'"))
		return setting{}, false
	}

	if tree == nil {
		return setting{}, true
	}

	return l.setting("", tree), true
}

var yamlQuoted = regexp.MustCompile(`'[^']{2,}'|"(?:\\.|[^"\\])+"`)

// setting returns the setting that a node of the file is. The place of an alias stays its own,
// because the user wrote it there.
func (l *loader) setting(key string, n *manifest.Node) setting {
	return setting{key: key, pos: l.document.PositionOf(n), value: n.Resolve()}
}

// entries returns the keys of a mapping with its merge keys expanded: the merged keys stand in the
// place of the merge key, and the mapping's own keys win. Keys that are the same are errors, and so
// are values other than mappings.
func (l *loader) entries(s setting, same func(a, b string) bool) (out []entry) {
	own := l.ownEntries(s, same)
	for _, e := range own {
		if !e.merge {
			out = append(out, e)
			continue
		}

		sources := []setting{e.setting}
		if e.value.Kind == manifest.Sequence {
			sources = l.items(e.setting, false)
		}

		for _, source := range sources {
			source.key = s.key
			for _, brought := range l.entries(source, same) {
				if find(own, brought.name, same) == nil && find(out, brought.name, same) == nil {
					out = append(out, brought)
				}
			}
		}
	}

	return out
}

// ownEntries returns the keys that stand in a mapping, merge keys among them.
func (l *loader) ownEntries(s setting, same func(a, b string) bool) (own []entry) {
	if s.value.Kind != manifest.Mapping {
		l.report(s.pos, s.key, "want a mapping, got "+kindOf(s.value))
		return nil
	}

	for i := 0; i+1 < len(s.value.Content); i += 2 {
		key := l.setting(s.key, s.value.Content[i])
		name := key.value.Text()
		e := entry{l.setting(dotted(s.key, name), s.value.Content[i+1]), key.value.Tag == "!!merge"}
		e.name, e.at = name, key.pos

		first := find(own, name, same)
		switch {
		case !l.spend(s.pos):
			return nil
		case e.merge:
			own = append(own, e)
		case key.value.Kind != manifest.Scalar || key.value.IsNull():
			l.report(e.at, s.key, "a key is not a text")
		case first != nil:
			l.report(e.at, e.key, fmt.Sprintf("is set twice; first on line %d; merge the two", first.at.Line))
		default:
			own = append(own, e)
		}
	}

	return own
}

// find returns the entry with a name, or nil.
func find(entries []entry, name string, same func(a, b string) bool) *entry {
	for i, e := range entries {
		if !e.merge && same(e.name, name) {
			return &entries[i]
		}
	}
	return nil
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

func dotted(parent, key string) string {
	if parent == "" {
		return key
	}
	return parent + "." + key
}

// unknownKey reports a key that its level does not have, and the key that was probably meant: one
// of the same name in another section, or the known one that is most like it. That key causes no
// further errors, for instance because it is missing.
func (l *loader) unknownKey(parent string, s setting, known []string) {
	meant := ""
	for _, k := range keys {
		if strings.EqualFold(k.short(), s.name) {
			meant = k.name
		}
	}

	msg := "unknown key; did you mean " + meant + "?"
	if meant == "" {
		msg = "unknown key" + spelling.Suggest(s.name, known)
		meant = dotted(parent, spelling.Nearest(s.name, known))
	}

	l.failed[meant] = true
	l.report(s.at, s.key, msg)
}
