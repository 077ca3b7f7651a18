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

// ParseSubject reads "C=GB, L=London, O=Example Ltd": the keys C, ST, L, O and OU in any order, each once. A backslash makes the character behind
// it mean itself.
func ParseSubject(text string) (csr.Name, error) {
	var name csr.Name
	parts, err := splitSubject(text)
	if err != nil {
		return name, err
	}
	for _, part := range parts {
		if err := setAttribute(&name, part); err != nil {
			return csr.Name{}, err
		}
	}
	return name, checkName(name)
}

func setAttribute(name *csr.Name, p pair) error {
	if !p.assigned {
		return fmt.Errorf("%q: want KEY=VALUE, like O=Example Ltd; a comma in a value is written \\,", p.key)
	}
	for _, a := range attributes() {
		if a.key != p.key {
			continue
		}
		if *a.of(name) != "" {
			return fmt.Errorf("%s is there twice", a.key)
		}
		if p.value == "" {
			return fmt.Errorf("%s has no value", a.key)
		}
		*a.of(name) = p.value
		return nil
	}
	return fmt.Errorf("%q: the keys are C, ST, L, O and OU", p.key)
}

// pair is KEY=VALUE, without escapes.
type pair struct {
	key, value string
	assigned   bool
}

// splitSubject takes a subject apart. Blanks around keys and values do not count, unless they are escaped.
func splitSubject(text string) (pairs []pair, err error) {
	var (
		p       pair
		current strings.Builder
		blanks  string // not written yet: they count only if something follows
	)
	add := func(c rune) {
		current.WriteString(blanks)
		current.WriteRune(c)
		blanks = ""
	}
	end := func() string {
		defer current.Reset()
		blanks = ""
		return current.String()
	}
	escaped := false
	for _, c := range text + "," {
		switch {
		case escaped:
			add(c)
			escaped = false
		case c == '\\':
			escaped = true
		case c == '=' && !p.assigned:
			p.key, p.assigned = end(), true
		case c == ',' && p.assigned:
			p.value = end()
			pairs, p = append(pairs, p), pair{}
		case c == ',':
			pairs = append(pairs, pair{key: end()})
		case c == ' ' && current.Len() == 0 && blanks == "":
		case c == ' ':
			blanks += " "
		default:
			add(c)
		}
	}
	if escaped || p.assigned || current.Len() > 0 {
		return nil, errors.New("nothing follows the backslash at the end")
	}
	return pairs, nil
}

// checkName refuses what a certificate cannot say, and what nobody would see.
func checkName(n csr.Name) error {
	for _, a := range attributes() {
		value := *a.of(&n)
		if err := checkText(value, a.longest); err != nil {
			return fmt.Errorf("%s %q: %w", a.key, value, err)
		}
	}
	switch {
	case n.C != "" && !isCountry(n.C):
		return fmt.Errorf("C %q: a country is two capital letters", n.C)
	case n.E != "" || n.SerialNumber != "" || len(n.OID) > 0:
		return errors.New("a CA is named by C, ST, L, O and OU")
	}
	return nil
}

func isCountry(s string) bool {
	return len(s) == 2 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// checkText refuses what cannot stand in a name.
func checkText(s string, longest int) error {
	switch {
	case !utf8.ValidString(s):
		return errors.New("not UTF-8")
	case strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) }):
		return errors.New("it holds what cannot be printed")
	case strings.TrimSpace(s) != s:
		return errors.New("a blank at its beginning or end")
	case len(s) > longest:
		return fmt.Errorf("%d bytes, at most %d fit", len(s), longest)
	}
	return nil
}

// FormatSubject is a name as ParseSubject reads it.
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
