package inject

import "github.com/tykmesh/tykmesh/inject/display"

// printable returns a text of a manifest as it may be shown.
func printable(text string) string { return display.Line(text) }
