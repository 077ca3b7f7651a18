// Package signals catches the signals that end a process, in two phases of a run. Everywhere else
// they end the process at once, as the operating system has it. No signal is lost: after a phase, a
// caught one still takes effect.
//
//	while servers are asked     Until: the run reports the steps that are done and those that are left
//	while files are replaced    Hold: it takes milliseconds, and would leave temporary files
package signals

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// Until returns a context that ends with the first signal: of Ctrl-C, of a supervisor, or of a
// terminal that closes. A second signal ends the process. A signal that the caller ignores stays
// ignored, as nohup wants it.
//
// stop ends the catching, and reports whether a signal came.
func Until(parent context.Context) (ctx context.Context, stop func() (came bool)) {
	ctx, cancel := context.WithCancel(parent)
	first := catch(cancel)
	return ctx, func() bool {
		defer cancel()
		return first() != nil
	}
}

// Hold keeps a signal back until release is called; then the signal ends the process. A second one
// ends it at once.
func Hold() (release func()) {
	first := catch(func() {})
	return func() {
		if s := first(); s != nil {
			raise(s)
		}
	}
}

// catch catches one signal, and calls then. stop ends the catching, and returns the signal or nil.
func catch(then func()) (stop func() os.Signal) {
	caught, stopped, ended := make(chan os.Signal, 1), make(chan struct{}), make(chan os.Signal, 1)
	endings := slices.DeleteFunc([]os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}, signal.Ignored)
	if len(endings) == 0 { // Notify would take that for all signals
		return func() os.Signal { return nil }
	}

	signal.Notify(caught, endings...)
	go func() {
		var first os.Signal
		select {
		case first = <-caught:
			signal.Stop(caught)
			then()
		case <-stopped:
			signal.Stop(caught) // no signal comes after it, so the next line sees all
			select {
			case first = <-caught:
			default:
			}
		}
		ended <- first
	}()

	return func() os.Signal {
		close(stopped)
		return <-ended
	}
}
