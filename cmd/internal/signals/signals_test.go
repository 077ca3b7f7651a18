//go:build unix

package signals_test

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"

	"github.com/tykmesh/tykmesh/cmd/internal/signals"
)

// phaseVariable turns the test binary into a program that gets a signal in the middle of a phase.
const phaseVariable = "SIGNALS_PHASE"

func TestMain(m *testing.M) {
	switch os.Getenv(phaseVariable) {
	case "hold":
		release := signals.Hold()
		raise()
		os.Stdout.WriteString("held ")
		release()
		select {} // the signal ends the process
	case "until":
		ctx, stop := signals.Until(context.Background())
		raise()
		<-ctx.Done()
		if stop() {
			os.Stdout.WriteString("came")
		}
	case "late": // nothing has looked at the context when the phase ends
		_, stop := signals.Until(context.Background())
		raise()
		if stop() {
			os.Stdout.WriteString("came")
		}
	default:
		os.Exit(m.Run())
	}
}

// raise sends SIGINT to the process, and returns when it has arrived.
func raise() {
	arrived := make(chan os.Signal, 1)
	signal.Notify(arrived, os.Interrupt)
	defer signal.Stop(arrived)
	_ = syscall.Kill(os.Getpid(), syscall.SIGINT)
	<-arrived
}

// No signal is lost, whenever it comes.
func TestNoSignalIsLost(t *testing.T) {
	for phase, want := range map[string]struct {
		output string
		killed bool
	}{
		"hold":  {"held ", true},
		"until": {"came", false},
		"late":  {"came", false},
	} {
		for range 5 {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), phaseVariable+"="+phase)
			output, err := cmd.Output()
			status := cmd.ProcessState.Sys().(syscall.WaitStatus)
			if string(output) != want.output || status.Signaled() != want.killed || !want.killed && err != nil {
				t.Fatalf("%s: %q, %v", phase, output, err)
			}
		}
	}
}
