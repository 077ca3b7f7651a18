// Package signals catches the signals that end a process, in two phases of a run. Everywhere else
// they end the process at once, as the operating system has it.
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
func Until(ctx context.Context) (context.Context, context.CancelFunc) {
	endings := slices.DeleteFunc([]os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}, signal.Ignored)
	ctx, stop := signal.NotifyContext(ctx, endings...)
	context.AfterFunc(ctx, stop)

	return ctx, stop
}

// Hold ignores the first signal until release is called. A second one ends the process.
func Hold() (release func()) {
	_, release = Until(context.Background())
	return release
}
