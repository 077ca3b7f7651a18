//go:build !windows

package files

// TakesColour reports whether a stream is a terminal that takes escape sequences for colours.
func TakesColour(stream any) bool { return IsTerminal(stream) }
