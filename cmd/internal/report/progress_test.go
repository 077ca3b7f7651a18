package report

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tykmesh/tykmesh/cmd/internal/report/reporttest"
)

// TestProgressLine: the line appears when a run takes long, names the current step without
// flickering, makes room for other lines, and disappears.
func TestProgressLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := reporttest.NewScreen(30)
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
		s.Writes()
		for i := range 1000 {
			l.show(fmt.Sprintf("registering %d/1000", i))
			time.Sleep(time.Millisecond)
		}

		if n := s.Writes(); n > 2*10 {
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

// TestNoProgressLine: a short run shows no line, nor does a run without a terminal.
func TestNoProgressLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quick, none := reporttest.NewScreen(30), reporttest.NewScreen(30)
		l := &progressLine{terminal: quick, width: func() int { return 30 }}
		l.show("reading")
		l.stop()
		(&progressLine{terminal: none}).show("reading")
		time.Sleep(time.Second)
		if n := quick.Writes() + none.Writes(); n != 0 {
			t.Errorf("%d writes", n)
		}
	})
}
