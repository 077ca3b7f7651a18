// Command man writes the manual pages of tykmesh, one for each command and topic, from what the
// program says of itself. The archives of a release hold them.
//
//	tykmesh help COMMAND ──> cobra.Command, without a body ──cobra/doc──> tykmesh-COMMAND.1
//
// The commands are in a package main, which no other module can import; and cobra/doc needs modules
// that the binary must not need.
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: man TYKMESH FOLDER DATE")
		os.Exit(2)
	}
	if err := write(program(os.Args[1]), os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// write writes all pages. Their date is that of the commit and not of the build, so that the same
// commit gives the same bytes.
func write(tykmesh program, folder, date string) error {
	day, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return err
	}
	root, err := tykmesh.command("tykmesh", "Put Kubernetes workloads on a Tyk service mesh")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}

	root.DisableAutoGenTag = true
	header := doc.GenManHeader{Section: "1", Date: &day, Source: "tykmesh", Manual: "tykmesh"}
	if err := doc.GenManTree(root, &header, folder); err != nil {
		return err
	}

	return redate(folder, day)
}

// redate writes the date of all pages as man(7) wants it: cobra/doc writes month and year, which
// mandoc does not take for a date.
func redate(folder string, day time.Time) error {
	pages, err := filepath.Glob(filepath.Join(folder, "*.1"))
	if err != nil {
		return err
	}

	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			return err
		}
		was := []byte(`"1" "` + day.Format("Jan 2006") + `" "`)
		if !bytes.Contains(text, was) {
			return fmt.Errorf("%s: cobra/doc writes its date in another way now", page)
		}
		text = bytes.Replace(text, was, []byte(`"1" "`+day.Format(time.DateOnly)+`" "`), 1)
		if err := os.WriteFile(page, text, 0o644); err != nil {
			return err
		}
	}

	return nil
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
	usage   = regexp.MustCompile(`(?m)^\nUsage: (.+)$`)
	heading = regexp.MustCompile(`\n\n([A-Z][A-Za-z ]*):\n  `)
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
	cmd.Flags().Bool("help", false, "")
	_ = cmd.Flags().MarkHidden("help") // so that cobra adds none: flags are in the text

	at := usage.FindStringSubmatchIndex(text)
	if at == nil { // a topic
		cmd.Long, err = p.topic(text)
		return cmd, err
	}

	line := strings.Fields(text[at[2]:at[3]])
	cmd.Use, cmd.DisableFlagsInUseLine = strings.Join(line[len(words)-1:], " "), true
	parts := sections(text[at[1]:])
	if len(parts) == 0 { // each has --help, and the program has commands
		return nil, fmt.Errorf("%s --help has changed its layout: neither commands nor flags are found", path)
	}
	cmd.Long = markdown(text[:at[0]]) + markdownOf(parts)

	for _, part := range parts {
		for _, item := range part.items {
			if part.title == "Examples" || item.isFlag() || item.name == "help" {
				continue
			}
			child, err := p.command(path+" "+item.name, item.text)
			if err != nil {
				return nil, err
			}
			cmd.AddCommand(child)
		}
	}

	return cmd, nil
}

// topic returns the text of a topic as Markdown, with the explanation of each code in it.
func (p program) topic(text string) (string, error) {
	for _, c := range code.FindAllStringSubmatch(text, -1) {
		explained, err := p.help(c[1])
		if err != nil {
			return "", err
		}
		text += "\n" + explained
	}

	return literal(text), nil
}

// section is a part of a help text: lines to type, commands or flags.
type section struct {
	title, text string
	items       []item
}

// item is a command or a flag, and its text.
type item struct{ name, text string }

func (i item) isFlag() bool { return strings.HasPrefix(i.name, "-") }

// sections returns the parts of a help text that have a heading.
func sections(text string) (parts []section) {
	for {
		at := heading.FindStringSubmatchIndex(text)
		if at == nil {
			return parts
		}
		title := text[at[2]:at[3]]
		body, rest, _ := strings.Cut(text[at[1]-len("  "):], "\n\n")
		parts = append(parts, section{title, strings.TrimRight(body, "\n"), items(body)})
		text = "\n\n" + rest
	}
}

// begun matches the first line of an item: a command, or a flag, which can stand further to the
// right.
var begun = regexp.MustCompile(`^(?:  |      (--))\S`)

// items returns the commands or flags of a part.
func items(text string) (list []item) {
	for line := range strings.Lines(text) {
		words := strings.TrimSpace(line)
		if !begun.MatchString(line) && len(list) > 0 {
			last := &list[len(list)-1]
			last.text = strings.TrimSpace(last.text + " " + words)
			continue
		}
		name, text, _ := strings.Cut(words, "  ")
		list = append(list, item{name, strings.TrimSpace(text)})
	}

	return list
}

// markdownOf returns parts as sections of a manual page. Groups of commands and of flags become
// subsections.
func markdownOf(parts []section) string {
	var b strings.Builder
	above := ""
	for _, part := range parts {
		title := map[bool]string{true: "OPTIONS", false: "COMMANDS"}[part.items[0].isFlag()]
		if part.title == "Examples" {
			title = "EXAMPLES"
		}

		if title != above {
			fmt.Fprintf(&b, "\n\n# %s", title)
			above = title
		}

		switch part.title {
		case "Examples":
			b.WriteString("\n" + literal(part.text))
			continue
		case "Commands", "Flags":
		default:
			fmt.Fprintf(&b, "\n\n## %s", part.title)
		}

		for _, i := range part.items {
			fmt.Fprintf(&b, "\n\n%s\n: %s", bold(i.name), markdown(i.text))
		}
	}

	return b.String()
}

// bold returns the name of a command or a flag in bold, without the value of the flag.
func bold(name string) string {
	words := strings.Split(name, " ")
	for i, word := range words {
		if last := strings.TrimRight(word, ","); i == 0 || strings.HasPrefix(word, "-") {
			words[i] = "**" + markdown(last) + "**" + word[len(last):]
		}
	}

	return strings.Join(words, " ")
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
