package main

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// fail is the command
//
//	fail METHOD|any PATH|any WHICH before|after WHAT
//	fail CFSSL ENDPOINT WHICH before|after WHAT
//	fail MONGO ledger WHICH before|after WHAT
//
// WHICH is a number, from 1, or always, or of the Dashboard NUMBER-NUMBER; WHAT is a status (to
// MongoDB all are one), cut, of MongoDB hang, or of the Dashboard one of its answers.
func fail(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 5 || args[3] != "before" && args[3] != "after" {
		ts.Fatalf("usage: fail METHOD|CFSSL|MONGO PATH WHICH before|after WHAT")
	}

	w := worldOf(ts)
	w.forgetHanging()
	after, what := args[3] == "after", args[4]
	nth, last, err := which(args[2])
	ts.Check(err)
	switch args[0] {
	case "CFSSL":
		w.failCFSSL(args[1], nth, after, what)
		return
	case "MONGO":
		f := commandFault{nth: nth, after: after, refused: what != "cut"}
		if what == "hang" {
			f.mute, f.struck = true, func() { w.hanging <- struct{}{} }
		}
		w.ledger.fail(f)
		return
	}

	f := dashboardtest.Fault{Method: args[0], Path: args[1], Request: nth, Times: last - nth + 1, After: after}
	if nth == 0 {
		f.Times = -1
	}

	if f.Method == "any" {
		f.Method = ""
	}

	if f.Path == "any" {
		f.Path = ""
	}

	f.Answer, err = w.answer(what)
	ts.Check(err)
	w.dashboard.Fail(f)
}

// which reads WHICH; always is 0.
func which(word string) (nth, last int, err error) {
	if word == "always" {
		return 0, 0, nil
	}
	from, to, isRange := strings.Cut(word, "-")
	if nth, err = strconv.Atoi(from); err != nil || !isRange {
		return nth, nth, err
	}
	last, err = strconv.Atoi(to)

	return nth, last, err
}

// manyTimes is more often than any run asks.
const manyTimes = 20

func (w *world) failCFSSL(endpoint string, nth int, after bool, what string) {
	f := catest.Fault{Endpoint: endpoint, Nth: nth, Cut: what == "cut", Body: "planned"}
	f.Status, _ = strconv.Atoi(what)
	if after {
		f.When = catest.After
	}

	if nth > 0 {
		w.cfssl.Fail(f)
		return
	}

	for f.Nth = 1; f.Nth <= manyTimes; f.Nth++ {
		w.cfssl.Fail(f)
	}
}

// answer returns the Dashboard's answer of a name.
func (w *world) answer(what string) (http.HandlerFunc, error) {
	if status, err := strconv.Atoi(what); err == nil {
		return dashboardtest.Refusal(status, "planned"), nil
	}

	answers := map[string]http.HandlerFunc{
		"cut": dashboardtest.Cut, "endless": dashboardtest.Endless, "huge": dashboardtest.Huge, "bomb": dashboardtest.Bomb, "truncated": dashboardtest.Truncated,
		"hang": func(rw http.ResponseWriter, r *http.Request) {
			w.hanging <- struct{}{}
			dashboardtest.Hang(rw, r)
		},
		"html":     dashboardtest.Reply(500, "text/html", "<html><head><title>Oops</title></head><body><h1>Internal Server Error</h1></body></html>"),
		"gateway":  dashboardtest.Reply(502, "text/html", "<html><body><h1>502 Bad Gateway</h1><hr>nginx</body></html>"),
		"login":    dashboardtest.Reply(200, "text/html", "<html><body>Please log in</body></html>"),
		"missing":  dashboardtest.Reply(404, "text/plain", "404 page not found\n"),
		"object":   dashboardtest.Reply(200, "application/json", `{"hello":"world"}`),
		"redirect": dashboardtest.Redirect("https://login.example.com/start?to=dashboard"),
	}

	if answers[what] == nil {
		return nil, fmt.Errorf("there is no answer %s", what)
	}

	return answers[what], nil
}

// heal is the command heal: the Dashboard is well again.
func heal(ts *testscript.TestScript, _ bool, _ []string) { worldOf(ts).dashboard.Heal() }

// hung is the command hung [SIGNAL]: it waits until a request hangs, and then sends a signal to the
// one program in the background.
func hung(ts *testscript.TestScript, neg bool, args []string) {
	running := ts.BackgroundCmds()
	if neg || len(running) != 1 {
		ts.Fatalf("usage, with one program in the background: hung [INT|TERM|HUP|KILL]")
	}

	w := worldOf(ts)
	<-w.hanging
	w.background = running[0]
	if len(args) > 0 {
		signal := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "KILL": os.Kill}[args[0]]
		ts.Check(w.background.Process.Signal(signal))
	}
}
