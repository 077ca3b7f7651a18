package report

import (
	"io"
	"strings"
)

// Style is a way to show a text on a terminal: the parameters of ECMA-48's SGR. "" is plain.
type Style string

// The styles. They are of the sixteen colours that users choose themselves for their terminals.
const (
	Plain  Style = ""
	Bold   Style = "1"
	Dim    Style = "2"
	Red    Style = "31"
	Green  Style = "32"
	Yellow Style = "33"
	Cyan   Style = "36"
)

// Colours says which streams show colours.
type Colours struct{ Stdout, Stderr bool }

// Paint returns the text in the style. The text must be safe to show already.
func (s Style) Paint(text string) string {
	if s == Plain || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// Noted returns the style of a cell that is empty as a rule: any text asks for attention.
func Noted(cell string) Style {
	if cell == "-" {
		return Plain
	}
	return Yellow
}

// Ends returns the style of a cell that tells when something ends. A fault is in capital letters.
func Ends(cell string) Style {
	if strings.Contains(cell, "expired") || strings.ToUpper(cell) == cell && strings.ToLower(cell) != cell {
		return Red
	}
	return Plain
}

// labels are the words with which lines begin, and their styles.
var labels = []struct {
	word  string
	style Style
}{
	{Error, "1;31"}, {Warning, "1;33"}, {"hint", Cyan}, {"orphan", Yellow},
	{StatusDone, Green}, {StatusNotDone, Red}, {StatusUnknown, Yellow},
}

// coloured returns a line that is safe to show, with its label in colour: a word that the line
// begins with, or a severity and a code behind a place.
func coloured(line string) string {
	for _, l := range labels {
		at := -1
		switch {
		case strings.HasPrefix(line, l.word+": "), strings.HasPrefix(line, l.word+" TM"):
			at = 0
		case l.word == Error || l.word == Warning:
			if i := strings.Index(line, ": "+l.word+" TM"); i >= 0 {
				at = i + len(": ")
			}
		}

		if at < 0 {
			continue
		}
		if colon := strings.Index(line[at:], ":"); colon > 0 {
			return line[:at] + l.style.Paint(line[at:at+colon+1]) + line[at+colon+1:]
		}
	}

	return line
}

// colours writes lines in colour. Each Write is a line that is safe to show.
type colours struct{ to io.Writer }

func (c colours) Write(line []byte) (int, error) {
	text, isWhole := strings.CutSuffix(string(line), "\n")
	text = coloured(text)
	if isWhole {
		text += "\n"
	}
	if _, err := io.WriteString(c.to, text); err != nil {
		return 0, err
	}

	return len(line), nil
}

// Coloured returns a writer of lines that shows their labels in colour.
func Coloured(w io.Writer) io.Writer { return colours{w} }

// actionStyles are the styles of the actions of steps.
var actionStyles = map[string]Style{"create": Green, "issue": Green, "update": Yellow, "confirm": Cyan, "delete": Red}

// colouredDiff returns a diff in colour.
func colouredDiff(diff []byte) []byte {
	var b strings.Builder
	for line := range strings.Lines(string(diff)) {
		text, isWhole := strings.CutSuffix(line, "\n")
		b.WriteString(diffStyle(text).Paint(text))
		if isWhole {
			b.WriteByte('\n')
		}
	}

	return []byte(b.String())
}

// diffStyle returns the style of a line of a diff.
func diffStyle(line string) Style {
	switch {
	case strings.HasPrefix(line, "--- "), strings.HasPrefix(line, "+++ "):
		return Bold
	case strings.HasPrefix(line, "@@"):
		return Cyan
	case strings.HasPrefix(line, "+"):
		return Green
	case strings.HasPrefix(line, "-"):
		return Red
	}
	return Plain
}
