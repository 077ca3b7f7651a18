package config

import (
	"cmp"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// setting is a key that the file or the environment sets.
type setting struct {
	key      string            // the key's name
	name     string            // the name that was used: the key's, or an old one
	at, pos  manifest.Position // of the name and of the value in the file
	value    *manifest.Node    // resolved; a text, if it comes from the environment
	variable string            // the environment variable, else ""
}

// finding returns what there is to say of a setting, with its place.
func (s setting) finding(msg string) Finding {
	return Finding{Pos: s.pos, Variable: s.variable, Key: s.key, Msg: msg}
}

// written returns the name that the user wrote.
func (s setting) written() string { return cmp.Or(s.variable, s.name) }

// set takes a setting over. An old name causes a warning, and an error if the same source has
// another name of the key, too.
func (l *loader) set(s setting) {
	if s.name != s.key {
		f := s.aliasFinding()
		f.Msg = "is deprecated; write " + s.key
		if prefix, _, ok := strings.Cut(s.variable, "_"); ok {
			f.Msg = "is deprecated; write " + variableOf(prefix+"_", s.key)
		}
		l.warnings = append(l.warnings, f)
	}

	l.settings[s.key] = s
}

// both reports that two names of the same key are set.
func (l *loader) both(one, other setting) {
	if one.name == one.key {
		one, other = other, one
	}

	f := one.aliasFinding()
	f.Msg = fmt.Sprintf("is an old name of %s, and %s is set too; remove one of the two", one.key, other.written())
	l.errors = append(l.errors, f)
	l.failed[one.key] = true
}

// aliasFinding returns a finding about the old name that was used.
func (s setting) aliasFinding() Finding {
	return Finding{Pos: s.at, Variable: s.variable, Key: s.name}
}

// fail records an error about a setting, once.
func (l *loader) fail(s setting, msg string) {
	l.failed[s.key] = true
	if f := s.finding(msg); !slices.Contains(l.errors, f) {
		l.errors = append(l.errors, f)
	}
}

// text returns a setting that is a text. A number counts as the text that was typed: an
// organisation id or a key may consist of digits, or look like 5e33.
func (l *loader) text(s setting) (string, bool) {
	n := s.value
	if s.variable != "" {
		return n.Value, true
	}
	if n.Kind == manifest.Scalar {
		switch scalarTag(n) {
		case tagString, tagInt, tagFloat:
			return n.Value, true
		}
	}

	l.fail(s, "want a text, got "+kindOf(n)+quoteHint(n, reflect.TypeFor[string]()))

	return "", false
}

// bool returns a setting that is a switch.
func (l *loader) bool(s setting) (value, ok bool) {
	n, got := s.value, ""
	if s.variable == "" {
		got = ", got " + kindOf(n)
	}

	if s.variable != "" || n.Kind == manifest.Scalar && scalarTag(n) == tagBool {
		value, ok = parseBool(n.Value)
	}

	if !ok {
		l.fail(s, "want true or false"+got)
	}

	return value, ok
}

// accepts reports whether a setting has no error, and records the error otherwise.
func (l *loader) accepts(s setting, err error) bool {
	if err != nil {
		l.fail(s, err.Error())
	}
	return err == nil
}

// passes checks a text that is set.
func (l *loader) passes(s setting, text string, check func(string) error) bool {
	return text == "" || check == nil || l.accepts(s, check(text))
}

// fetch returns the secret that a text is or refers to.
func (l *loader) fetch(s setting, text string) (string, bool) {
	scheme, name, _ := strings.Cut(text, ":")
	switch scheme {
	case "env":
		found := lookupEnv(l.src.Environ, name)
		if found == "" {
			l.unresolved = append(l.unresolved, s.finding(fmt.Sprintf("the environment variable %s is not set", name)))
		}
		return found, found != ""

	case "file":
		data, err := l.src.ReadFile(l.relative(s, name))
		found, f := strings.TrimRight(string(data), "\r\n"), s.finding(fmt.Sprintf("the secret's file %q is empty", name))
		if err == nil && found != "" {
			return found, true
		}

		if err != nil {
			f.Msg = "the secret's file cannot be read: " + err.Error()
		}
		if err != nil && s.key == CAKey {
			f.Hint = "tykmesh ca init creates a CA, with the key of its CFSSL in ca-quickstart/cfssl.key; or switch TLS off with " + InjectorEnableMeshTLS + ": false"
		}

		l.unresolved = append(l.unresolved, f)
		return "", false
	}

	return text, true
}

// relative returns a path as the program can open it.
func (l *loader) relative(s setting, path string) string {
	if path == "" || filepath.IsAbs(path) || s.variable != "" || l.src.Name == "" {
		return path
	}
	return filepath.Join(filepath.Dir(l.src.Name), path)
}
