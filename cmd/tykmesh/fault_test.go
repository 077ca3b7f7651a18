package main

import (
	"net/http"
	"os"
	"strconv"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// fail is the command
//
//	fail METHOD PATH WHICH before|after WHAT
//	fail CFSSL ENDPOINT WHICH before|after WHAT
//	fail MONGO ledger WHICH before|after WHAT
//
// WHICH is a number, from 1, or always; WHAT is a status (to MongoDB all are one), cut, of the Dashboard and MongoDB hang, or of the
// Dashboard endless.
func fail(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 5 || args[3] != "before" && args[3] != "after" {
		ts.Fatalf("usage: fail METHOD|CFSSL|MONGO PATH WHICH before|after WHAT")
	}
	w := worldOf(ts)
	w.forgetHanging()
	after, what := args[3] == "after", args[4]
	nth, err := strconv.Atoi(args[2])
	if always := args[2] == "always"; !always {
		ts.Check(err)
	}
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
	f := dashboardtest.Fault{Method: args[0], Path: args[1], Request: nth, After: after, Answer: w.answer(what)}
	if nth == 0 {
		f.Times = -1
	}
	w.dashboard.Fail(f)
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

func (w *world) answer(what string) http.HandlerFunc {
	switch what {
	case "cut":
		return dashboardtest.Cut
	case "endless":
		return dashboardtest.Endless
	case "hang":
		return func(rw http.ResponseWriter, r *http.Request) {
			w.hanging <- struct{}{}
			dashboardtest.Hang(rw, r)
		}
	}
	status, _ := strconv.Atoi(what)
	return dashboardtest.Refusal(status, "planned")
}

// heal is the command heal: the Dashboard is well again.
func heal(ts *testscript.TestScript, _ bool, _ []string) { worldOf(ts).dashboard.Heal() }

// hung is the command hung [SIGNAL]: it waits until a request hangs, and then sends a signal to the one program in the background.
func hung(ts *testscript.TestScript, neg bool, args []string) {
	running := ts.BackgroundCmds()
	if neg || len(running) != 1 {
		ts.Fatalf("usage, with one program in the background: hung [INT|TERM|KILL]")
	}
	w := worldOf(ts)
	<-w.hanging
	w.background = running[0]
	if len(args) > 0 {
		signal := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM, "KILL": os.Kill}[args[0]]
		ts.Check(w.background.Process.Signal(signal))
	}
}
