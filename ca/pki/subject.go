package pki

import (
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"slices"
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
	Key     string
	longest int
	value   *string
}

// Value returns the value, or "".
func (a attribute) Value() string { return *a.value }

// attributes returns the parts of a name, which they can change.
func attributes(n *csr.Name) []attribute {
	return []attribute{
		{"C", 2, &n.C}, {"ST", maxPlace, &n.ST}, {"L", maxPlace, &n.L}, {"O", maxOrganization, &n.O}, {"OU", maxOrganization, &n.OU},
	}
}

// assigned returns the parts of a name that have a value.
func assigned(n csr.Name) []attribute {
	return slices.DeleteFunc(attributes(&n), func(a attribute) bool { return a.Value() == "" })
}

// nameOf returns the first value of each part of a certificate's subject.
func nameOf(subject pkix.Name) csr.Name {
	first := func(values []string) string { return append(values, "")[0] }
	return csr.Name{
		C: first(subject.Country), ST: first(subject.Province), L: first(subject.Locality),
		O: first(subject.Organization), OU: first(subject.OrganizationalUnit),
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

	all := attributes(name)
	i := slices.IndexFunc(all, func(a attribute) bool { return a.Key == key })
	switch {
	case i < 0:
		return fmt.Errorf("%q: the keys are C, ST, L, O and OU", key)
	case all[i].Value() != "":
		return fmt.Errorf("%q is there twice", key)
	}

	*all[i].value = value
	return nil
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
	for _, a := range attributes(&n) {
		if err := checkText(a.Value(), a.longest); err != nil {
			return fmt.Errorf("%s %q: %w", a.Key, a.Value(), err)
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
	for _, a := range assigned(n) {
		parts = append(parts, a.Key+"="+escape.Replace(a.Value()))
	}

	return strings.Join(parts, ", ")
}
