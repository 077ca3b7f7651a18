package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// screen is what a terminal shows of what it is sent, for a program that knows carriage returns and
// nothing else.
type screen struct {
	mu      sync.Mutex
	changed *sync.Cond
	width   int
	rows    [][]rune
	column  int
	written []string
}

func newScreen(width int) *screen {
	s := &screen{width: width, rows: [][]rune{nil}}
	s.changed = sync.NewCond(&s.mu)
	return s
}

func (s *screen) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written = append(s.written, string(text))
	for _, char := range string(text) {
		switch char {
		case '\r':
			s.column = 0
		case '\n':
			s.rows, s.column = append(s.rows, nil), 0
		default:
			s.put(char)
		}
	}

	s.changed.Broadcast()

	return len(text), nil
}

// put writes one character; one that has no room on a row goes to the next.
func (s *screen) put(char rune) {
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
func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text()
}

func (s *screen) text() string {
	rows := make([]string, len(s.rows))
	for i, row := range s.rows {
		rows[i] = strings.TrimRight(string(row), " ")
	}
	return strings.Join(rows, "\n")
}

// wait returns when the last row is as said: never, if it never is.
func (s *screen) wait(row string) {
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

// writes is how often something was written since the last call.
func (s *screen) writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.written)
	s.written = nil
	return n
}

// A line comes when a run takes long, says what is going on without flickering, makes room for
// whatever else is written, and goes.
func TestProgressLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScreen(30)
		l := &progressLine{terminal: s, width: func() int { return 30 }}
		want := func(text string) {
			t.Helper()
			synctest.Wait()
			if s.String() != text {
				t.Errorf("the screen shows\n%s\nwant\n%s", s, text)
			}
		}

		l.show("reading")
		time.Sleep(199 * time.Millisecond)
		want("")
		l.show("registering 1/4: API echo-mesh")
		time.Sleep(time.Millisecond)
		want("registering 1/4: API echo-m") // the rest has no room
		fmt.Fprintln(l, "warning: mind")
		want("warning: mind\n")
		time.Sleep(100 * time.Millisecond)
		want("warning: mind\nregistering 1/4: API echo-m")
		s.writes()
		for i := range 1000 {
			l.show(fmt.Sprintf("registering %d/1000", i))
			time.Sleep(time.Millisecond)
		}

		if n := s.writes(); n > 2*10 {
			t.Errorf("drawn with %d writes in a second", n)
		}

		time.Sleep(100 * time.Millisecond)
		want("warning: mind\nregistering 999/1000")
		l.show("")
		time.Sleep(time.Second)
		want("warning: mind\n") // where a question can be asked
		l.show("registering 1000/1000")
		time.Sleep(200 * time.Millisecond)
		want("warning: mind\nregistering 1000/1000")
		fmt.Fprint(s, "^C") // typed
		l.show("too late")
		l.stop()
		want("warning: mind\n")
		l.show("too late")
		fmt.Fprintln(l, "error: interrupted")
		time.Sleep(time.Second)
		want("warning: mind\nerror: interrupted\n")
	})
}

// A run that is over at once shows nothing, nor does one where nobody wants a line.
func TestNoProgressLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quick, none := newScreen(30), newScreen(30)
		l := &progressLine{terminal: quick, width: func() int { return 30 }}
		l.show("reading")
		l.stop()
		(&progressLine{terminal: none}).show("reading")
		time.Sleep(time.Second)
		if n := quick.writes() + none.writes(); n != 0 {
			t.Errorf("%d writes", n)
		}
	})
}
