package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/display"
)

// GitHub writes a workflow command for each error and warning, which GitHub Actions shows beside
// the lines of a change, and the summary for the log.
type GitHub struct{}

func (GitHub) Write(w io.Writer, events []Event) error {
	b := bufio.NewWriter(w)
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")

	message := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	for _, e := range joined(noticed(events)) {
		var at []string
		if e.File != "" {
			at = append(at, "file="+property.Replace(display.Line(e.File)))
		}

		if e.Line > 0 {
			at = append(at, fmt.Sprintf("line=%d", e.Line), fmt.Sprintf("col=%d", e.Column))
		}

		if e.Rule != "" {
			at = append(at, "title="+property.Replace("tykmesh "+e.Rule))
		}

		text := display.Line(e.Text())
		for _, hint := range e.Hints {
			text += "\n" + display.Line("hint: "+hint)
		}

		command := e.Severity
		if len(at) > 0 {
			command += " " + strings.Join(at, ",")
		}

		fmt.Fprintf(b, "::%s::%s\n", command, message.Replace(text))
	}

	if last := events[len(events)-1]; last.Message != "" {
		fmt.Fprintln(display.Lines(b), last.Message)
	}

	return b.Flush()
}

// joined returns events in which warnings about one thing, one after the other, are one: GitHub
// shows ten annotations of a step.
func joined(events []Event) (out []Event) {
	for _, e := range events {
		last := len(out) - 1
		if last < 0 || e.Subject == "" || e.Subject != out[last].Subject {
			out = append(out, e)
			continue
		}

		out[last].Rule += ", " + e.Rule
		out[last].Message += ", " + strings.TrimPrefix(e.Message, e.Subject)
		out[last].Hints = append(slices.Clip(out[last].Hints), e.Hints...)
	}

	return out
}
