package pki

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cloudflare/cfssl/csr"
)

// The longest values in a subject (RFC 5280, appendix A.1).
const (
	maxOrganization = 64
	maxPlace        = 128
)

// attribute is a part of a subject.
type attribute struct {
	key     string
	longest int
	of      func(*csr.Name) *string
}

func attributes() []attribute {
	return []attribute{
		{"C", 2, func(n *csr.Name) *string { return &n.C }},
		{"ST", maxPlace, func(n *csr.Name) *string { return &n.ST }},
		{"L", maxPlace, func(n *csr.Name) *string { return &n.L }},
		{"O", maxOrganization, func(n *csr.Name) *string { return &n.O }},
		{"OU", maxOrganization, func(n *csr.Name) *string { return &n.OU }},
	}
}

// ParseSubject parses "C=GB, L=London, O=Example Ltd": the keys C, ST, L, O and OU in any order,
// each once. A backslash escapes the next character.
func ParseSubject(text string) (csr.Name, error) {
	var (
		name csr.Name
		part string
	)
	for more := true; more; {
		part, text, more = cutUnescaped(text, ',')
		if err := setAttribute(&name, part); err != nil {
			return csr.Name{}, err
		}
	}

	return name, checkName(name)
}

func setAttribute(name *csr.Name, part string) error {
	key, value, assigned := cutUnescaped(part, '=')
	key = strings.TrimSpace(key)
	if !assigned {
		return fmt.Errorf("%q: want KEY=VALUE, like O=Example Ltd; a comma in a value is written \\,", key)
	}

	value, err := unescape(strings.TrimSpace(value))
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", key, err)
	case value == "":
		return fmt.Errorf("%q has no value", key)
	}

	for _, a := range attributes() {
		if a.key != key {
			continue
		}
		if *a.of(name) != "" {
			return fmt.Errorf("%q is there twice", key)
		}
		*a.of(name) = value
		return nil
	}

	return fmt.Errorf("%q: the keys are C, ST, L, O and OU", key)
}

// cutUnescaped cuts a text as strings.Cut does, but not at an escaped separator.
func cutUnescaped(text string, separator byte) (before, after string, found bool) {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case separator:
			return text[:i], text[i+1:], true
		}
	}

	return text, "", false
}

func unescape(text string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' {
			i++
		}
		if i == len(text) {
			return "", errors.New("a backslash at the end escapes nothing")
		}
		b.WriteByte(text[i])
	}

	return b.String(), nil
}

// checkName refuses a name that a certificate cannot hold, or that would not be visible.
func checkName(n csr.Name) error {
	for _, a := range attributes() {
		value := *a.of(&n)
		if err := checkText(value, a.longest); err != nil {
			return fmt.Errorf("%s %q: %w", a.key, value, err)
		}
	}

	switch {
	case n.C != "" && !isCountry(n.C):
		return fmt.Errorf("country %q: want two capital letters", n.C)
	case n.E != "" || n.SerialNumber != "" || len(n.OID) > 0:
		return errors.New("the name of a CA has C, ST, L, O and OU alone")
	}

	return nil
}

func isCountry(s string) bool {
	return len(s) == 2 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// checkText refuses a text that cannot be a value in a name.
func checkText(s string, longest int) error {
	switch {
	case !utf8.ValidString(s):
		return errors.New("not UTF-8")
	case strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) }):
		return errors.New("it has a character that cannot be printed")
	case strings.TrimSpace(s) != s:
		return errors.New("it begins or ends with a blank")
	case len(s) > longest:
		return fmt.Errorf("%d bytes, the limit is %d", len(s), longest)
	}

	return nil
}

// FormatSubject returns a name in the format of ParseSubject.
func FormatSubject(n csr.Name) string {
	escape := strings.NewReplacer(`\`, `\\`, ",", `\,`)
	var parts []string
	for _, a := range attributes() {
		if value := *a.of(&n); value != "" {
			parts = append(parts, a.key+"="+escape.Replace(value))
		}
	}

	return strings.Join(parts, ", ")
}
