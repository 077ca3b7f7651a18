package report

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/inject/display"
)

// Format is the format and the destination of a report: a value of --report.
type Format struct {
	handler Handler // nil: text
	File    string  // "" is standard error
	live    bool    // each event is written at once: JSON on standard error
}

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

// Formats are the formats of a run: at most one of them goes to standard error.
type Formats []Format

// onStderr returns the format of standard error. It is text, unless a value names another.
func (fs Formats) onStderr() Format {
	for _, f := range fs {
		if f.File == "" {
			return f
		}
	}
	return Format{}
}

// forMachines reports whether there is a format other than text.
func (fs Formats) forMachines() bool {
	return slices.ContainsFunc(fs, func(f Format) bool { return f.handler != nil })
}

// Files returns the files of the reports.
func (fs Formats) Files() (files []string) {
	for _, f := range fs {
		if f.File != "" {
			files = append(files, f.File)
		}
	}
	return files
}

// Known are the formats besides text. Help, completion and errors list them from here.
var Known = []struct {
	Name, Use string
	handler   func(sarif func() SARIF) Handler
}{
	{"json", "an object a line", func(func() SARIF) Handler { return JSON{} }},
	{"github", "workflow commands", func(func() SARIF) Handler { return GitHub{} }},
	{"markdown", "for summaries of jobs, comments and wikis", func(sarif func() SARIF) Handler { return Markdown{sarif().Rules} }},
	{"sarif", "for code scanning", func(sarif func() SARIF) Handler { return sarif() }},
}

// FormatNames returns the names of the formats as words of a sentence.
func FormatNames() string {
	names := make([]string, len(Known))
	for i, f := range Known {
		names[i] = f.Name
	}

	last := len(names) - 1

	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// ParseFormats reads the values of --report. sarif returns the handler of SARIF, which explains the
// codes.
func ParseFormats(values []string, sarif func() SARIF) (fs Formats, err error) {
	lines := 0
	for _, value := range values {
		f, err := parseFormat(value, sarif)
		if err != nil {
			return nil, err
		}
		if f.File == "" {
			lines++
		}

		fs = append(fs, f)
	}

	if lines > 1 {
		return nil, errors.New("--report: two reports go to standard error; write one of them to a file: FORMAT=FILE")
	}

	return fs, nil
}

func parseFormat(value string, sarif func() SARIF) (f Format, err error) {
	name, file, hasFile := strings.Cut(value, "=")
	f.File = file
	if name != "" && name != textFormat {
		for _, known := range Known {
			if known.Name == name {
				f.handler = known.handler(sarif)
			}
		}
		if f.handler == nil {
			return f, fmt.Errorf("--report: unknown format %q; use %s, %s", name, textFormat, FormatNames())
		}
	}

	switch {
	case hasFile && name == "":
		return f, fmt.Errorf("--report: no format before =%s; use %s, %s", file, textFormat, FormatNames())
	case hasFile && file == "":
		return f, fmt.Errorf("--report: no file after %s=", name)
	case file == files.Stdin:
		return f, fmt.Errorf("--report: %s=- names no file; for standard error write --report %[1]s, for a file of that name %[1]s=./-", name)
	}

	_, isJSON := f.handler.(JSON)
	f.live = isJSON && !hasFile

	return f, nil
}
