package config

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/prose"
)

// proseColumns is how wide comments are.
const proseColumns = 120

// schemaFile is the file in which editors look for the schema. Its path starts at the
// configuration.
const schemaFile = "tykmesh.schema.json"

const configurationHead = `# yaml-language-server: $schema=` + schemaFile + `
# The line above lets editors complete and check this file, after: tykmesh config schema > ` + schemaFile + `
#
# Configuration of tykmesh: tykmesh.yaml in the current directory, or the file that --config names.
#
# Fill in the keys without a # in front. The other keys show their default or an example; remove the # to set them.
# Environment variables override the file: TYKMESH_TYK_URL, TYKMESH_TYK_SECRET, ... for all keys but mappings and lists of mappings.
# A secret may stand elsewhere: write file:PATH, relative to this file, or env:NAME.
# With --local DIR tykmesh talks to no server, and ignores the keys that tell how to reach one.
# tykmesh config view shows the values in use, and where each comes from.
`

// Authority is a CA that ca init made, or will make.
type Authority struct {
	Dir       string // its directory, as the configuration names it
	Namespace string // in which its CFSSL runs; "" if that is unknown
	Exists    bool   // so that the configuration can name its files
	Tokens    bool   // there is a key of tokens, too
}

// defaultAuthority is the directory of ca init, and the files in it that the configuration names.
const defaultAuthority = "ca-quickstart"

// fit returns a key with the values that fit a CA.
func (a Authority) fit(k key) key {
	if a.Dir == "" {
		a.Dir = defaultAuthority
	}

	for _, value := range []*string{&k.begin, &k.example, &k.aloneBegin} {
		scheme, file, _ := strings.Cut(*value, defaultAuthority+"/")
		if file != "" {
			*value = plainText(scheme + a.Dir + "/" + file)
		}
	}

	switch {
	case k.name == CAAddr && a.Namespace != "":
		k.begin = strings.Replace(k.begin, ".default:", "."+a.Namespace+":", 1)
	case a.Exists && (k.name == CACertPath || k.name == CABundlePath):
		k.begin = k.example
	case a.Tokens && (k.name == CATokenPath || k.name == CATokenKeyPath):
		k.aloneBegin = k.example
	}

	return k
}

// Begin returns a configuration to begin with: every key with its purpose. Texts have a blank
// behind the #, keys have none, so that an editor can tell them apart.
func Begin() string { return Authority{}.Begin() }

// BeginStandalone returns a configuration to begin with, for a mesh without a Dashboard.
func BeginStandalone() string { return Authority{}.BeginStandalone() }

// Begin returns a configuration to begin with that names the files of a CA.
func (a Authority) Begin() string {
	var b strings.Builder
	b.WriteString(configurationHead)
	for _, section := range table {
		b.WriteString("\n")
		writeProse(&b, "", section.text)
		fmt.Fprintf(&b, "%s:\n", section.name)
		for i, k := range section.keys {
			k = a.fit(k)
			if i > 0 {
				b.WriteString("\n")
			}

			writeProse(&b, "  ", k.explained(k.purpose()))
			b.WriteString("  ")
			if !k.filled() {
				b.WriteString("#")
			}

			b.WriteString(strings.TrimRight(k.short()+": "+k.shown(), " ") + "\n")
		}
	}

	return b.String()
}

// explained returns a text about a key, with its default if that is not a value.
func (k key) explained(text string) string {
	if k.unset == "" || k.unset == nothing {
		return text
	}
	return text + "; default: " + k.unset
}

const standaloneHead = `# yaml-language-server: $schema=` + schemaFile + `
# The line above lets editors complete and check this file, after: tykmesh config schema > ` + schemaFile + `
#
# Configuration of tykmesh for a mesh without a Dashboard: tykmesh.yaml in the current directory, or the file that --config names.
# It fits the CA that tykmesh ca init creates in this directory. For a mesh without certificates, delete the section CA and
# enableMeshTLS.
#
# Environment variables override the file: TYKMESH_SIDECAR_IMAGE, ... for all keys but mappings and lists of mappings.
# tykmesh config view shows all keys with the values in use, and where each comes from.
`

// BeginStandalone returns a configuration for a mesh without a Dashboard: the keys that most users
// need with a value, some others as comments, and the names of all others that have a meaning in
// this mode. Its layout is that of Begin.
func (a Authority) BeginStandalone() string {
	var b strings.Builder
	b.WriteString(standaloneHead)
	for _, section := range table {
		var more []string
		head := fmt.Sprintf("\n%s:\n", section.name)
		for of, k := range keys {
			k = a.fit(k)
			value := cmp.Or(k.aloneBegin, k.pinnedValue())
			switch {
			case of.name != section.name || k.of == ModeDashboard:
				continue
			case value == "" && !k.aloneOffers:
				more = append(more, k.short())
				continue
			}

			b.WriteString(head)
			head = "\n"
			writeProse(&b, "  ", cmp.Or(k.aloneText, k.explained(k.text)))
			if value != "" {
				fmt.Fprintf(&b, "  %s: %s\n", k.short(), value)
			} else {
				fmt.Fprintf(&b, "  #%s: %s\n", k.short(), k.shown())
			}
		}

		if len(more) > 0 {
			b.WriteString("\n")
			writeProse(&b, "  ", "Further keys: "+strings.Join(more, ", "))
		}
	}

	return b.String()
}

// pinnedValue returns the default of a key that config init always sets; "" for others.
func (k key) pinnedValue() string {
	if !k.pinned {
		return ""
	}
	return k.defaultValue()
}

// writeProse writes a text as comments.
func writeProse(b *strings.Builder, indent, text string) {
	for line := range prose.Lines(prose.Plain(text), proseColumns-len(indent)-len("# ")) {
		b.WriteString(indent + "# " + line + "\n")
	}
}
