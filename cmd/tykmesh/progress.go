package main

import (
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/inject/display"
)

// A run that is over before anybody wonders what it does shows no progress, and what shows it can
// be read.
const (
	progressDelay = 200 * time.Millisecond
	progressPause = 100 * time.Millisecond
)

// progressReading is what a run does before it has a plan.
const progressReading = "reading what is registered ..."

// progressLine is the line at the end of a terminal that says what a run is doing. It owns the
// terminal: everything else goes there through it, and takes the line's place. It is blanked with
// spaces, because not every terminal knows an escape sequence for that.
type progressLine struct {
	terminal io.Writer
	width    func() int // nil where no line is ever drawn: Write is all that is left then

	mu    sync.Mutex
	text  string // what the line has to say; "" for no line
	drawn bool
	next  *time.Timer // draws; nil if nothing is to be drawn
	over  bool
}

// newProgressLine makes a line on standard error, if somebody can and wants to see one there.
func newProgressLine(p process, o options, target reportTarget) *progressLine {
	l := &progressLine{terminal: p.stderr}
	if !files.IsTerminal(p.stderr) || o.quiet || o.verbose || target.onStderr() || slices.Contains(p.environ, "TERM=dumb") {
		return l
	}

	fd := int(p.stderr.(*os.File).Fd())
	l.width = func() int {
		width, _, err := term.GetSize(fd)
		if err != nil || width == 0 {
			return 80
		}
		return width
	}

	return l
}

// show changes what the line says, soon; "" takes it away at once.
func (l *progressLine) show(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()

	delay := progressPause
	if l.text == "" {
		delay = progressDelay
	}

	l.text = display.Line(text)
	if text == "" {
		l.blank()
	}

	l.schedule(delay)
}

// Write writes where the line is, which comes back below.
func (l *progressLine) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.blank()
	l.schedule(progressPause)
	return l.terminal.Write(text)
}

// stop takes the line away for good.
func (l *progressLine) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	if l.next != nil {
		l.next.Stop()
	}
	l.blank()
}

func (l *progressLine) schedule(delay time.Duration) {
	if l.width != nil && l.text != "" && l.next == nil && !l.over {
		l.next = time.AfterFunc(delay, l.draw)
	}
}

func (l *progressLine) draw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = nil
	if l.over || l.text == "" {
		return
	}

	const room = 3 // for the ^C of a terminal, and none in the last column: the cursor would be on the next line
	text := []rune(l.text)
	text = text[:max(0, min(len(text), l.width()-room))]
	l.blank()
	l.drawn = true
	_, _ = io.WriteString(l.terminal, string(text)) // whoever cannot see the line does not miss it
}

// blank takes the line off the terminal, and what people have typed behind it.
func (l *progressLine) blank() {
	if l.drawn {
		_, _ = io.WriteString(l.terminal, "\r"+strings.Repeat(" ", max(0, l.width()-1))+"\r")
		l.drawn = false
	}
}
