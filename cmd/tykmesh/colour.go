package main

import (
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject/display"
)

// colourFlag is the name of the flag that all commands have.
const colourFlag = "color"

// The values of --color.
const (
	colourAuto   = "auto"
	colourAlways = "always"
	colourNever  = "never"
)

// colourValue is the value of --color.
type colourValue string

func (v *colourValue) String() string { return string(*v) }

// Type returns the type of the flag, for help and completion.
func (*colourValue) Type() string { return "string" }

// Set sets the value.
func (v *colourValue) Set(text string) error {
	if !slices.Contains([]string{colourAuto, colourAlways, colourNever}, text) {
		return errors.New("must be auto, always or never")
	}
	*v = colourValue(text)

	return nil
}

// addColour adds the flag to a command and to those below it.
func addColour(cmd *cobra.Command) {
	cmd.PersistentFlags().Var(new(colourValue(colourAuto)), colourFlag,
		"print in colour: `WHEN` is auto, always or never (default: auto: on terminals, unless NO_COLOR is set)")
}

// hasColour reports whether the output of a command to a stream has colours:
//
//	--color           always, never   decides
//	NO_COLOR          not empty       no (no-color.org)
//	TERM              dumb, or none   no; Windows has no TERM
//	the stream        a terminal      yes, if a Windows console takes escape sequences
func (p process) hasColour(cmd *cobra.Command, stream io.Writer) bool {
	switch when := cmd.Flag(colourFlag); {
	case when == nil:
	case when.Value.String() == colourAlways:
		return true
	case when.Value.String() == colourNever:
		return false
	}

	terminal := p.variable("TERM")
	knows := terminal != "" && terminal != "dumb" || terminal == "" && runtime.GOOS == "windows"

	return p.variable("NO_COLOR") == "" && knows && files.TakesColour(stream)
}

// variable returns the value of an environment variable; "" if it is not set.
func (p process) variable(name string) (value string) {
	for _, pair := range p.environ { // the last one counts, as for the operating system
		if v, ok := strings.CutPrefix(pair, name+"="); ok {
			value = v
		}
	}
	return value
}

// errorLines returns a writer of lines to standard error, for errors before there is a report.
func (p process) errorLines(cmd *cobra.Command) io.Writer {
	if p.hasColour(cmd, p.stderr) {
		return display.Lines(report.Coloured(p.stderr))
	}
	return display.Lines(p.stderr)
}
