package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Value is a value for a key of the section CA.
type Value struct {
	Key  string // "CA.certPath"
	Text string
}

// Merged is a file with other values in its section CA.
type Merged struct {
	Text          []byte
	Set, Replaced []string // the keys that had no value, and those that had another one
}

// MergeCA sets keys of the section CA in the text of a file, and changes nothing else. A key that
// config init wrote as a comment takes the place of the comment. Without a section CA, section
// follows the text.
//
// Errors: an [Error] if the file is not YAML, has a section or a key twice, or cannot be edited.
func MergeCA(src Source, values []Value, section []byte) (m Merged, err error) {
	l := newLoader(src)
	root, ok := l.parse()
	if ok && !root.value.IsNull() {
		l.entries(root, strings.EqualFold)
	}
	if len(l.errors) > 0 {
		return m, Error(inFileOrder(l.errors))
	}

	own := find(l.topLevel(root), "CA", strings.EqualFold)
	if own == nil {
		m = appended(src.Data, values, section)
		if _, has := HasCA(Source{Name: src.Name, Data: m.Text}); !has || !sameBeside(src.Data, m.Text) {
			return Merged{}, Error{{Pos: root.pos, Msg: "a section cannot be added to the file as it is written", Hint: "write these keys by hand: " + describe(values)}}
		}
		return m, nil
	}

	if own.value.Kind == manifest.Mapping {
		l.ownEntries(own.setting, strings.EqualFold)
	}
	if len(l.errors) > 0 {
		return m, Error(l.errors)
	}

	m, err = setCA(src, own.at.Line, values)
	if err == nil && !sameApart(src.Data, m.Text, values) {
		err = errors.New("another value would change")
	}
	if err != nil {
		return Merged{}, Error{{Pos: own.at, Key: "CA", Msg: "cannot be edited as it is written: " + err.Error(), Hint: "write these keys by hand: " + describe(values)}}
	}

	return m, nil
}

// HasCA reports whether a file has a section CA, and where.
func HasCA(src Source) (at manifest.Position, has bool) {
	l := newLoader(src)
	root, ok := l.parse()
	if !ok || root.value.IsNull() || root.value.Kind != manifest.Mapping {
		return at, false
	}
	if own := find(l.topLevel(root), "CA", strings.EqualFold); own != nil {
		return own.at, true
	}

	return at, false
}

// topLevel returns the sections of the file; none of an empty one.
func (l *loader) topLevel(root setting) []entry {
	if root.value.IsNull() {
		return nil
	}
	return l.ownEntries(root, strings.EqualFold)
}

// appended returns a text with a section behind it.
func appended(text []byte, values []Value, section []byte) (m Merged) {
	end := lineEnd(string(text))
	if len(text) > 0 {
		m.Text = append([]byte(strings.TrimRight(string(text), "\r\n")), end+end...)
	}
	m.Text = append(m.Text, strings.ReplaceAll(string(section), "\n", end)...)
	for _, v := range values {
		m.Set = append(m.Set, v.Key)
	}

	return m
}

// lineEnd returns the end of the lines of a text.
func lineEnd(text string) string {
	if strings.Contains(text, "\r\n") {
		return "\r\n"
	}
	return "\n"
}

// setCA returns a file with values in its section CA, which begins on a line.
func setCA(src Source, line int, values []Value) (m Merged, err error) {
	document, own, err := sectionCA(src.Name, src.Data)
	if err != nil {
		return m, err
	}

	var (
		edits   []manifest.Edit
		missing manifest.Map
	)
	for _, v := range values {
		var present *manifest.Node
		for key, value := range own.Entries() {
			if strings.EqualFold(key.Text(), local(v.Key)) && !value.IsNull() {
				present = value
			}
		}

		switch {
		case present == nil:
			missing = append(missing, manifest.Entry{Key: local(v.Key), Value: v.Text})
			m.Set = append(m.Set, v.Key)
		case present.Text() != v.Text:
			edits = append(edits, manifest.Replace{Node: present, Value: v.Text})
			m.Replaced = append(m.Replaced, v.Key)
		}
	}

	patch, err := document.Apply(edits...)
	if err != nil {
		return m, err
	}
	m.Text = patch.Apply(src.Data)

	var left manifest.Map
	for _, e := range missing {
		var found bool
		if m.Text, found = uncomment(m.Text, e); !found {
			left = append(left, e)
		}
	}

	m.Text, err = put(src.Name, m.Text, line, left)

	return m, err
}

// sectionCA returns the document of a text, and the mapping of its section CA; nil if that is null.
func sectionCA(name string, text []byte) (document *manifest.Document, own *manifest.Node, err error) {
	document = manifest.Split(name, text)[0]
	root, err := document.Root()
	if err != nil {
		return nil, nil, err
	}

	for key, value := range root.Entries() {
		if strings.EqualFold(key.Text(), "CA") && !value.IsNull() {
			own = value
		}
	}

	return document, own, nil
}

// uncomment returns a text in which an entry takes the place of the comment of config init, and
// reports whether there is one in the section CA.
func uncomment(text []byte, e manifest.Entry) ([]byte, bool) {
	isCA := false
	comment := regexp.MustCompile(`^([ \t]+)#` + regexp.QuoteMeta(e.Key) + `:[^\r\n]*`)
	lines := strings.SplitAfter(string(text), "\n")
	for i, line := range lines {
		if line != "" && !strings.ContainsAny(line[:1], " \t#\r\n") {
			isCA = strings.HasPrefix(strings.ToLower(line), "ca:")
		}
		if m := comment.FindStringSubmatch(line); m != nil && isCA {
			lines[i] = m[1] + e.Key + ": " + plainText(e.Value.(string)) + line[len(m[0]):]
			return []byte(strings.Join(lines, "")), true
		}
	}

	return text, false
}

// plainText returns a text as a YAML scalar, in quotes if it needs them.
func plainText(text string) string {
	if regexp.MustCompile(`^[A-Za-z./][A-Za-z0-9./:_-]*[A-Za-z0-9_-]$`).MatchString(text) {
		return text
	}
	return manifest.Quote(text)
}

// put returns a text with more entries in its section CA: at the end, or behind the line of a
// section without entries.
func put(name string, text []byte, line int, more manifest.Map) ([]byte, error) {
	if len(more) == 0 {
		return text, nil
	}

	document, own, err := sectionCA(name, text)
	if err != nil {
		return nil, err
	}
	hasEntries := false
	if own != nil {
		for range own.Entries() {
			hasEntries = true
		}
	}
	if !hasEntries {
		if filled, isEmpty := fill(string(text), line, more); isEmpty {
			return []byte(filled), nil
		}
	}
	if own == nil {
		return nil, errors.New("its value is null, but not as ~ or null on its line")
	}

	patch, err := document.Apply(manifest.Put{Into: own, Entries: more})
	if err != nil {
		return nil, err
	}

	return patch.Apply(text), nil
}

// fill returns a text with entries in the section that begins on a line, if that has none: it is
// null, or {} on this line.
func fill(text string, line int, more manifest.Map) (filled string, isEmpty bool) {
	empty := regexp.MustCompile(`^([^:#]+:)[ \t]*(?:\{[ \t]*\}|~|null)?[ \t]*(?:[ \t](#.*))?$`)
	lines := strings.SplitAfter(text, "\n")
	m := empty.FindStringSubmatch(strings.TrimRight(lines[line-1], "\r\n"))
	if m == nil {
		return "", false
	}

	head, end := m[1], lineEnd(text)
	if m[2] != "" {
		head += " " + m[2]
	}
	for _, e := range more {
		head += end + "  " + e.Key + ": " + plainText(e.Value.(string))
	}
	lines[line-1] = head + end

	return strings.Join(lines, ""), true
}

// sameApart reports whether two texts differ in some values of the section CA alone, and the second
// has these values.
func sameApart(before, after []byte, values []Value) bool {
	was, is := map[string]any{}, map[string]any{}
	if yaml.Unmarshal(before, &was) != nil || yaml.Unmarshal(after, &is) != nil {
		return false
	}

	for _, v := range values {
		if removeCA(is, local(v.Key)) != v.Text {
			return false
		}
		removeCA(was, local(v.Key))
	}

	for _, all := range []map[string]any{was, is} {
		for name, section := range all {
			if m, _ := section.(map[string]any); strings.EqualFold(name, "CA") && len(m) == 0 {
				delete(all, name) // it was null
			}
		}
	}

	return reflect.DeepEqual(was, is)
}

// sameBeside reports whether two texts differ in the section CA alone, which the first has not.
func sameBeside(before, after []byte) bool {
	was, is := map[string]any{}, map[string]any{}
	if yaml.Unmarshal(before, &was) != nil || yaml.Unmarshal(after, &is) != nil {
		return false
	}
	maps.DeleteFunc(is, func(name string, _ any) bool { return strings.EqualFold(name, "CA") })

	return reflect.DeepEqual(was, is)
}

// removeCA deletes a key of the section CA, and returns its value.
func removeCA(all map[string]any, key string) (value any) {
	for name, section := range all {
		own, isMap := section.(map[string]any)
		if !isMap || !strings.EqualFold(name, "CA") {
			continue
		}
		for k, v := range own {
			if strings.EqualFold(k, key) {
				value = v
				delete(own, k)
			}
		}
	}

	return value
}

// describe returns values as a text for the user.
func describe(values []Value) string {
	var all []string
	for _, v := range values {
		all = append(all, fmt.Sprintf("%s: %s", v.Key, v.Text))
	}
	return strings.Join(all, ", ")
}
