package config

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// textKey returns a setting that is a text. check, where there is one, says what is wrong with it,
// or "".
func textKey(name string, field func(*Config) *string, check func(string) string) key {
	return key{name: name, show: showText(field), apply: func(l *loader, s setting) {
		if v, ok := l.text(s); ok && l.passes(s, v, check) {
			*field(&l.config) = v
		}
	}}
}

// remote makes a key count only where there are servers: with --local it is neither checked nor
// kept.
func (k key) remote() key {
	apply := k.apply
	k.remoteOnly = true
	k.apply = func(l *loader, s setting) {
		if !l.src.Local {
			apply(l, s)
		}
	}
	return k
}

// secretKey returns a text that may stand elsewhere, as file:PATH or env:NAME.
func secretKey(name string, field func(*Config) *Secret, check func(string) string) key {
	show := func(c *Config) any {
		if !field(c).IsSet() {
			return nil
		}
		return redacted
	}

	return key{name: name, doc: doc{secret: true}, show: show, apply: func(l *loader, s setting) {
		if v, ok := l.text(s); ok {
			if v, ok = l.fetch(s, v); ok && l.passes(s, v, check) {
				*field(&l.config) = NewSecret(v)
			}
		}
	}}.remote()
}

// pathKey returns a name of a file or a folder. One in the file counts from the file's folder, so
// that a configuration works from everywhere.
func pathKey(name string, field func(*Config) *string) key {
	return key{name: name, show: showText(field), apply: func(l *loader, s setting) {
		if v, ok := l.text(s); ok && v != "" {
			*field(&l.config) = l.relative(s, v)
		}
	}}
}

// fileKey returns a pathKey for a file.
func fileKey(name string, field func(*Config) *string) key {
	k := pathKey(name, field)
	apply := k.apply
	k.apply = func(l *loader, s setting) {
		apply(l, s)
		if v, ok := l.text(s); ok && v != "" {
			l.refer(s, Reference{Path: v})
			l.config.named = append(l.config.named, l.relative(s, v))
		}
	}

	return k
}

// refer notes what a setting refers to.
func (l *loader) refer(s setting, r Reference) {
	r.At = s.finding("")
	if !slices.ContainsFunc(l.references, func(known Reference) bool { return known.Env == r.Env && known.Path == r.Path }) {
		l.references = append(l.references, r)
	}
}

func boolKey(name string, field func(*Config) *bool) key {
	return key{name: name, show: func(c *Config) any { return *field(c) }, apply: func(l *loader, s setting) {
		if v, ok := l.bool(s); ok {
			*field(&l.config) = v
		}
	}}
}

func choiceKey[T ~string](name string, field func(*Config) *T, values ...T) key {
	return key{name: name, show: showText(field), apply: func(l *loader, s setting) {
		v, ok := l.word(s)
		switch {
		case !ok || v == "":
		case !slices.Contains(values, T(v)):
			names := make([]string, len(values))
			for i, value := range values {
				names[i] = string(value)
			}
			l.fail(s, fmt.Sprintf("want %s, got %q", strings.Join(names, " or "), v))

		default:
			*field(&l.config) = T(v)
		}
	}}
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

// numberKey returns a whole number within limits.
func numberKey(name string, least, most int64, set func(*Config, int64), number func(*Config) int64) key {
	return key{name: name, show: func(c *Config) any { return number(c) }, apply: func(l *loader, s setting) {
		v, ok := l.text(s)
		if !ok || v == "" {
			return
		}
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < least || n > most {
			l.fail(s, fmt.Sprintf("want a number from %d to %d, got %q", least, most, v))
			return
		}

		set(&l.config, n)
	}}
}

// containersKey returns a list of containers.
func containersKey(name string, apply func(*loader, setting), show func(*Config) any) key {
	return key{name: name, fileOnly: true, apply: apply, show: show}
}

// checkWith makes a check of a setting out of one that returns an error.
func checkWith(check func(string) error) func(string) string {
	return func(text string) string {
		if err := check(text); err != nil {
			return err.Error()
		}
		return ""
	}
}

// refusedKey returns a switch of tyk-k8s that must stay off.
func refusedKey(name, why string) key {
	return key{name: name, show: func(*Config) any { return false }, apply: func(l *loader, s setting) {
		if on, ok := l.bool(s); ok && on {
			l.fail(s, why)
		}
	}}
}

// text returns a setting that is to be a text. A number counts as the text that was typed: an
// organisation id or a key may consist of digits, or look like 5e33.
func (l *loader) text(s setting) (string, bool) {
	if s.variable != "" {
		return s.text, true
	}

	n := resolve(s.value)
	if n.Kind == yaml.ScalarNode {
		switch scalarTag(n) {
		case tagString, tagInt, tagFloat:
			return n.Value, true
		}
	}

	l.fail(s, "want a text, got "+kindOf(n)+quoteHint(n, reflect.TypeFor[string]()))

	return "", false
}

func (l *loader) bool(s setting) (value, ok bool) {
	if s.variable != "" {
		value, ok = parseBool(s.text)
		if !ok {
			l.fail(s, "want true or false")
		}
		return value, ok
	}

	n := resolve(s.value)
	if n.Kind == yaml.ScalarNode && scalarTag(n) == tagBool {
		value, ok = parseBool(n.Value)
	}

	if !ok {
		l.fail(s, "want true or false, got "+kindOf(n))
	}

	return value, ok
}

// passes checks a text that is set.
func (l *loader) passes(s setting, v string, check func(string) string) bool {
	if v == "" || check == nil {
		return true
	}
	problem := check(v)
	if problem != "" {
		l.fail(s, problem)
	}

	return problem == ""
}

// fetch returns the secret that v is or points to.
func (l *loader) fetch(s setting, v string) (string, bool) {
	var found string
	if name, ok := strings.CutPrefix(v, "env:"); ok {
		l.refer(s, Reference{Env: name})
		found = lookupEnv(l.src.Environ, name)
		if found == "" {
			l.unresolved = append(l.unresolved, s.finding(fmt.Sprintf("the environment variable %s is not set", name)))
		}
		return found, found != ""
	}

	name, ok := strings.CutPrefix(v, "file:")
	if !ok {
		return v, true
	}

	l.refer(s, Reference{Path: name})
	data, err := l.src.ReadFile(l.relative(s, name))
	found = strings.TrimRight(string(data), "\r\n")
	switch {
	case err != nil:
		f := s.finding("the secret's file cannot be read: " + err.Error())
		if s.key == "CA.key" {
			f.Hint = "tykmesh ca init makes a CA, with the key of its CFSSL in ca-quickstart/cfssl.key; without TLS: Injector.enableMeshTLS: false"
		}
		l.unresolved = append(l.unresolved, f)

	case found == "":
		l.unresolved = append(l.unresolved, s.finding(fmt.Sprintf("the secret's file %q is empty", name)))
	}

	return found, err == nil && found != ""
}

// relative returns a path as the program can open it.
func (l *loader) relative(s setting, path string) string {
	if filepath.IsAbs(path) || s.variable != "" || l.src.Name == "" {
		return path
	}
	return filepath.Join(filepath.Dir(l.src.Name), path)
}
