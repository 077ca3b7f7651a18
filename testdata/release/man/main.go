// Command man writes the manual pages of tykmesh, one for each command and topic, from what the
// program says of itself. The archives of a release hold them.
//
//	tykmesh COMMAND --help ──> cobra.Command, without a body ──cobra/doc──> tykmesh-COMMAND.1
//
// The commands are in a package main, which no other module can import; and cobra/doc needs modules
// that the binary must not need.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: man TYKMESH FOLDER")
		os.Exit(2)
	}
	if err := write(program(os.Args[1]), os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// write writes all pages. They hold no date of a build, so that the same commit gives the same
// bytes.
func write(tykmesh program, folder string) error {
	root, err := tykmesh.command("tykmesh", "Put Kubernetes workloads on a Tyk service mesh")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}

	epoch := time.Unix(0, 0)
	root.DisableAutoGenTag = true

	return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Date: &epoch, Source: "tykmesh", Manual: "tykmesh"}, folder)
}

// program is the path of a tykmesh.
type program string

// help returns the help about a command, a topic or a code.
func (p program) help(words ...string) (string, error) {
	out, err := exec.Command(string(p), append([]string{"help"}, words...)...).Output()
	if err != nil {
		return "", fmt.Errorf("%s help %s: %w", p, strings.Join(words, " "), err)
	}
	return string(out), nil
}

var (
	heading = regexp.MustCompile(`(?m)^(Usage|Examples|Available Commands|Flags|Additional help topics):\n`)
	listed  = regexp.MustCompile(`(?m)^  (?:tykmesh )?(\S+) +(.+)$`)
	flag    = regexp.MustCompile(`(?m)^ +(?:-(\w), |    )--([\w-]+)(?: ([A-Z][A-Z=]*))? +(.+)$`)
	code    = regexp.MustCompile(`(?m)^  (TM\d+) `)
)

// command returns a command as its help describes it, with all below it. path names it from the
// root.
func (p program) command(path, short string) (*cobra.Command, error) {
	words := strings.Fields(path)
	text, err := p.help(words[1:]...)
	if err != nil {
		return nil, err
	}

	cmd := &cobra.Command{Use: words[len(words)-1], Short: short, Run: func(*cobra.Command, []string) {}}
	part := sections(text)
	if part["Usage"] == "" { // a topic
		for _, c := range code.FindAllStringSubmatch(text, -1) {
			explained, err := p.help(c[1])
			if err != nil {
				return nil, err
			}
			text += "\n" + explained
		}

		cmd.Long = literal(text)

		return cmd, nil
	}

	usage := strings.TrimSpace(strings.SplitN(part["Usage"], "\n", 2)[0])
	cmd.Use = strings.TrimSuffix(strings.TrimPrefix(usage, strings.Join(append(words[:len(words)-1:len(words)-1], ""), " ")), " [flags]")
	cmd.DisableFlagsInUseLine = !strings.HasSuffix(usage, " [flags]")
	cmd.Long, cmd.Example = markdown(part[""]), part["Examples"]
	flags := flag.FindAllStringSubmatch(part["Flags"], -1)
	if len(flags) == 0 { // each has --help
		return nil, fmt.Errorf("%s --help has changed its layout: no flags are found", path)
	}

	for _, f := range flags {
		cmd.Flags().AddFlag(newFlag(f[1], f[2], f[3], f[4]))
	}

	for _, below := range listed.FindAllStringSubmatch(part["Available Commands"]+"\n"+part["Additional help topics"], -1) {
		if below[1] == "help" {
			continue
		}
		child, err := p.command(path+" "+below[1], below[2])
		if err != nil {
			return nil, err
		}
		cmd.AddCommand(child)
	}

	return cmd, nil
}

// sections returns the parts of a help text by their headings; "" is that before the first.
func sections(text string) map[string]string {
	part, name := map[string]string{}, ""
	for {
		at := heading.FindStringSubmatchIndex(text)
		if at == nil {
			part[name] = strings.TrimRight(text, "\n")
			return part
		}
		part[name] = strings.TrimRight(text[:at[0]], "\n")
		name, text = text[at[2]:at[3]], text[at[1]:]
	}
}

// described is the value of a flag of which only the help is known.
type described string

func (described) String() string   { return "" }
func (described) Set(string) error { return nil }
func (described) Type() string     { return "" }

// newFlag returns a flag that cobra/doc writes as --name=PLACEHOLDER, or --name[=false].
func newFlag(short, name, placeholder, usage string) *pflag.Flag {
	f := &pflag.Flag{Name: name, Shorthand: short, Usage: markdown(usage), DefValue: placeholder, Value: described(placeholder)}
	if placeholder == "" {
		f.NoOptDefVal, f.DefValue = "true", "false"
	}
	return f
}

// literal returns a text that Markdown leaves as it is, line by line.
func literal(text string) string { return "```\n" + strings.TrimRight(text, "\n") + "\n```" }

// markdown returns plain paragraphs as Markdown. A paragraph with indented lines keeps its lines.
func markdown(text string) string {
	paragraphs := strings.Split(text, "\n\n")
	for i, p := range paragraphs {
		if strings.Contains("\n"+p, "\n ") {
			paragraphs[i] = literal(p)
			continue
		}
		paragraphs[i] = strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "`", "\\`", "<", `\<`, "[", `\[`, "#", `\#`).Replace(p)
	}

	return strings.Join(paragraphs, "\n\n")
}
