package report

import (
	"io"
	"strings"
	"sync"
	"time"

	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/inject/display"
)

// A short run shows no progress, and each text stays long enough to be read.
const (
	progressDelay = 200 * time.Millisecond
	progressPause = 100 * time.Millisecond
)

// progressLine is the last line of a terminal, which shows the current step of a run. It owns the
// terminal: all other text is written through it, and replaces the line. It is blanked with spaces,
// because not every terminal knows an escape sequence for that.
type progressLine struct {
	terminal io.Writer
	width    func() int // nil if no line is ever drawn

	mu    sync.Mutex
	text  string // "" for no line
	drawn bool
	next  *time.Timer // draws; nil if nothing is to be drawn
	over  bool
}

// newProgressLine returns a line on standard error. It is drawn only on a terminal, and not if the
// user asked for less, for more or for a report for machines.
func newProgressLine(c Config) *progressLine {
	l := &progressLine{terminal: c.Stderr}
	if files.IsTerminal(c.Stderr) && !c.Quiet && !c.Verbose && !c.Dumb && c.Formats.onStderr().handler == nil {
		l.width = func() int { return files.Width(c.Stderr) }
	}
	return l
}

// show changes the text of the line after a short delay. "" removes the line at once.
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

// Write writes at the place of the line, which is drawn again below.
func (l *progressLine) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.blank()
	l.schedule(progressPause)
	return l.terminal.Write(text)
}

// stop removes the line for good.
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

	const room = 3 // for ^C, and an empty last column: a text there moves the cursor to the next line
	text := []rune(l.text)
	text = text[:max(0, min(len(text), l.width()-room))]
	l.blank()
	l.drawn = true
	_, _ = io.WriteString(l.terminal, string(text)) // a lost line does no harm
}

// blank removes the line from the terminal, with the text that was typed behind it.
func (l *progressLine) blank() {
	if l.drawn {
		_, _ = io.WriteString(l.terminal, "\r"+strings.Repeat(" ", max(0, l.width()-1))+"\r")
		l.drawn = false
	}
}
