package reporttest

import (
	"fmt"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Terminal is a pseudo-terminal. Its screen shows the program's output and the user's input.
type Terminal struct {
	*Screen
	Program *os.File      // the program's end
	User    *os.File      // the other end
	gone    chan struct{} // closed when the program's end has been closed and everything is on the screen
}

// NewTerminal returns a terminal of so many columns.
func NewTerminal(t *testing.T, width int) *Terminal {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { user.Close() })

	fd := int(user.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}

	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}

	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 25, Col: uint16(width)}); err != nil {
		t.Fatal(err)
	}

	program, err := os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}

	term := &Terminal{Screen: NewScreen(width), Program: program, User: user, gone: make(chan struct{})}
	go func() {
		defer close(term.gone)
		_, _ = io.Copy(term.Screen, user) // ends with EIO when the other end is closed
	}()

	return term
}

// Ends closes the program's end, and returns when the screen shows everything.
func (t *Terminal) Ends() {
	t.Program.Close()
	<-t.gone
}
