package config

import (
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

// Begin returns a configuration to begin with: every key with its purpose. Texts have a blank
// behind the #, keys have none, so that an editor can tell them apart.
func Begin() string {
	var b strings.Builder
	b.WriteString(configurationHead)
	for _, section := range table {
		b.WriteString("\n")
		writeProse(&b, "", section.text)
		fmt.Fprintf(&b, "%s:\n", section.name)
		for i, k := range section.keys {
			if i > 0 {
				b.WriteString("\n")
			}

			writeProse(&b, "  ", k.explained())
			b.WriteString("  ")
			if !k.filled() {
				b.WriteString("#")
			}

			b.WriteString(strings.TrimRight(k.short()+": "+k.shown(), " ") + "\n")
		}
	}

	return b.String()
}

// explained returns the purpose of a key, with its default if that is not a value.
func (k key) explained() string {
	if k.unset == "" || k.unset == nothing {
		return k.text
	}
	return k.text + "; default: " + k.unset
}

// writeProse writes a text as comments.
func writeProse(b *strings.Builder, indent, text string) {
	for line := range prose.Lines(prose.Plain(text), proseColumns-len(indent)-len("# ")) {
		b.WriteString(indent + "# " + line + "\n")
	}
}
