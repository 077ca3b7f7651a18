package report

import (
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/tykmesh/tykmesh/inject/display"
)

// Format is the format and the destination of a report: the value of --report.
type Format struct {
	handler Handler // nil: text
	File    string  // "" is standard error
	live    bool    // each event is written at once: JSON on standard error
}

// onStderr reports whether standard error is for machines.
func (f Format) onStderr() bool { return f.handler != nil && f.File == "" }

// logHandler returns the handler of -v: JSON if standard error is for machines.
func (f Format) logHandler(w io.Writer) slog.Handler {
	all := &slog.HandlerOptions{Level: slog.LevelDebug}
	if f.live {
		return slog.NewJSONHandler(display.JSON(w), all)
	}
	return slog.NewTextHandler(display.Lines(w), all)
}

// textFormat is the report for users.
const textFormat = "text"

// Formats are the formats for machines. Help, completion and errors list them from here.
var Formats = []struct {
	Name, Use string
	handler   func(sarif func() SARIF) Handler
}{
	{"json", "an object a line", func(func() SARIF) Handler { return JSON{} }},
	{"github", "workflow commands", func(func() SARIF) Handler { return GitHub{} }},
	{"sarif", "for code scanning", func(sarif func() SARIF) Handler { return sarif() }},
}

// FormatNames returns the names of the formats as words of a sentence.
func FormatNames() string {
	names := make([]string, len(Formats))
	for i, f := range Formats {
		names[i] = f.Name
	}

	last := len(names) - 1

	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// ParseFormat reads the value of --report. sarif returns the handler of SARIF, which explains the
// codes.
func ParseFormat(value string, sarif func() SARIF) (f Format, err error) {
	name, file, hasFile := strings.Cut(value, "=")
	f.File = file
	if name != "" && name != textFormat {
		for _, known := range Formats {
			if known.Name == name {
				f.handler = known.handler(sarif)
			}
		}
		if f.handler == nil {
			return f, fmt.Errorf("--report: unknown format %q; use %s, %s", name, textFormat, FormatNames())
		}
	}

	if hasFile && file == "" {
		return f, fmt.Errorf("--report: no file after %s=", name)
	}

	_, isJSON := f.handler.(JSON)
	f.live = isJSON && !hasFile

	return f, nil
}
