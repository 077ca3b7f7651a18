package files

import (
	"os"

	"golang.org/x/sys/windows"
)

// TakesColour reports whether a stream is a terminal that takes escape sequences for colours. It
// has a console of Windows take them.
func TakesColour(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok || !IsTerminal(f) {
		return false
	}
	var mode uint32
	console := windows.Handle(f.Fd())
	if windows.GetConsoleMode(console, &mode) != nil {
		return false
	}

	return windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
