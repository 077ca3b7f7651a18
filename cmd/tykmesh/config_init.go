package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

func newConfigInitCmd(p process) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Print a configuration to begin with, every key with what it is for",
		Long: "init prints a configuration for the built-in sidecar. It has every key: those that most need set with a value to fill in, all others\n" +
			"as comments, with their default or an example. It works as it is with --local DIR. Nothing is written to a file.",
		Example: "  tykmesh config init > tykmesh.yaml\n" +
			"  tykmesh config init | less",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd, p, runConfigInit) },
	}
	cmd.Flags().BoolVarP(&o.quiet, "quiet", "q", false, "print errors only")
	return cmd
}

func runConfigInit(_ context.Context, p process, _ options, report *report) (output, error) {
	for _, line := range []string{
		"next, when this is in tykmesh.yaml:",
		"  fill in Tyk.url, Tyk.org and Sidecar.redis; export TYK_DASHBOARD_KEY, the key of a Dashboard user",
		"  tykmesh ca init                                 # a CA for the mesh, if there is none; then remove the # of certPath and bundlePath",
		"  tykmesh config secret -n NAMESPACE > secret.sh  # makes the Secret that sidecars need, in each namespace of the mesh",
		"  tykmesh check                                   # is everything ready?",
		"without any server: tykmesh inject --local ./mesh -f app.yaml",
	} {
		report.lastly("%s", line)
	}
	return func() error { return writeConfiguration(p.stdout) }, nil
}

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

// writeConfiguration writes a configuration to begin with. Texts have a space behind the #, keys have none, so that an editor can tell them apart.
func writeConfiguration(w io.Writer) error {
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
	line := indent + "#"
	for word := range strings.FieldsSeq(strings.ReplaceAll(text, "`", "")) {
		if len(line)+1+len(word) > proseColumns {
			b.WriteString(line + "\n")
			line = indent + "#"
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
}
