package config

import (
	"fmt"
	"io"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/prose"
)

// proseColumns is how wide comments are.
const proseColumns = 120

const configurationHead = `# Configuration of tykmesh: tykmesh.yaml in the folder where it runs, or what --config names.
#
# What has no # in front is to be filled in. A key behind a # shows its default, or an example: it counts once the # is gone.
# All but lists and mappings may come from the environment, which wins: TYKMESH_TYK_URL, TYKMESH_TYK_SECRET, ...
# A secret may stand elsewhere: file:PATH, from the folder of this file, or env:NAME.
# With --local DIR no server is asked, and what says how to reach one does not count.
# tykmesh config view shows what counts, and where it comes from.
`

// Begin writes a configuration to begin with: every key with its purpose. Texts have a space behind
// the #, keys have none, so that an editor can tell them apart.
func Begin(w io.Writer) error {
	var b strings.Builder
	b.WriteString(configurationHead)
	for _, section := range schema {
		b.WriteString("\n")
		writeProse(&b, "", section.text)
		fmt.Fprintf(&b, "%s:\n", section.name)
		for i, k := range section.keys {
			if i > 0 {
				b.WriteString("\n")
			}

			writeProse(&b, "  ", k.prose())
			b.WriteString("  ")
			if !k.filled {
				b.WriteString("#")
			}

			b.WriteString(strings.TrimRight(k.name+": "+k.example(), " ") + "\n")
		}
	}

	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}

	return nil
}

// prose is what a key is for, for people who read YAML.
func (k key) prose() string {
	text := k.text
	if k.unset != "" && k.unset != nothing {
		text += "; without it: " + k.unset
	}
	return text
}

// writeProse writes a text as comments.
func writeProse(b *strings.Builder, indent, text string) {
	for line := range prose.Lines(prose.Plain(text), proseColumns-len(indent)-len("# ")) {
		b.WriteString(indent + "# " + line + "\n")
	}
}
