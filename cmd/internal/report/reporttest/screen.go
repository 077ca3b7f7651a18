// Package reporttest has terminals for tests: a screen that keeps its text, and a pseudo-terminal
// with such a screen.
package reporttest

import (
	"strings"
	"sync"
)

// Screen is a terminal that knows carriage returns and colours, and nothing else.
type Screen struct {
	mu      sync.Mutex
	changed *sync.Cond
	width   int
	rows    [][]rune
	column  int
	written []string
	raw     strings.Builder
	colour  bool // inside of an escape sequence
}

// NewScreen returns an empty screen of so many columns.
func NewScreen(width int) *Screen {
	s := &Screen{width: width, rows: [][]rune{nil}}
	s.changed = sync.NewCond(&s.mu)
	return s
}

// Write shows text.
func (s *Screen) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written = append(s.written, string(text))
	s.raw.Write(text)
	for _, char := range string(text) {
		switch {
		case s.colour:
			s.colour = char != 'm'
		case char == '\x1b':
			s.colour = true
		case char == '\r':
			s.column = 0
		case char == '\n':
			s.rows, s.column = append(s.rows, nil), 0
		default:
			s.put(char)
		}
	}

	s.changed.Broadcast()

	return len(text), nil
}

// put writes one character; one that has no room on a row goes to the next.
func (s *Screen) put(char rune) {
	if s.column == s.width {
		s.rows, s.column = append(s.rows, nil), 0
	}

	last := len(s.rows) - 1
	for len(s.rows[last]) <= s.column {
		s.rows[last] = append(s.rows[last], ' ')
	}

	s.rows[last][s.column] = char
	s.column++
}

// String returns the text on the screen.
func (s *Screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text()
}

// Raw returns all that was written, with escape sequences.
func (s *Screen) Raw() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.raw.String()
}

func (s *Screen) text() string {
	rows := make([]string, len(s.rows))
	for i, row := range s.rows {
		rows[i] = strings.TrimRight(string(row), " ")
	}
	return strings.Join(rows, "\n")
}

// Wait returns when the last row is as given: never, if it never is.
func (s *Screen) Wait(row string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		text := s.text()
		if text[strings.LastIndex(text, "\n")+1:] == row {
			return
		}
		s.changed.Wait()
	}
}

// Writes returns how often something was written since the last call.
func (s *Screen) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.written)
	s.written = nil
	return n
}
