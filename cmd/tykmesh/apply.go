package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/explain"
	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/display"
)

// progressReading is the progress before there is a plan.
const progressReading = "reading registered APIs and certificates ..."

// surveyed holds the state of the mesh for commands that read no manifest.
type surveyed struct {
	snapshot *mesh.Snapshot
	remote   mesh.Remote
	close    func()
}

// settingsOf returns the settings of a kind of command, or an error if the configuration does not
// allow it.
type settingsOf func(config.Config, serverFlags) (mesh.Settings, error)

// look reads the configuration, and then the state of the mesh.
func look(ctx context.Context, p process, f serverFlags, of settingsOf, r *report.Run) (s surveyed, err error) {
	c, err := loadConfig(p, f.configFlags, r)
	if err != nil {
		return s, err
	}
	settings, err := of(c, f)
	if err != nil {
		return s, err
	}

	return survey(ctx, f, c, settings, r)
}

// survey connects, and reads the state of the mesh.
func survey(ctx context.Context, f serverFlags, c config.Config, settings mesh.Settings, r *report.Run) (s surveyed, err error) {
	r.Progress(progressReading)
	ctx, watch := watchProgress(ctx, f.timeout)
	defer watch.stop()
	s.remote, s.close, err = openRemote(ctx, c, f, r)
	if err != nil {
		return s, watch.explain(err)
	}

	state, missing, err := mesh.Survey(ctx, s.remote, settings)
	if err != nil {
		s.close()
		return s, watch.explain(err)
	}

	if missing != nil {
		r.Warn("%v: cannot tell which certificates the current CA issued", missing)
	}
	s.snapshot = mesh.NewSnapshot(state, settings)

	return s, nil
}

// partial returns why the listing may lack APIs; nil without a hint of that.
func (s surveyed) partial(ctx context.Context, timeout time.Duration) (partial, err error) {
	ctx, watch := watchProgress(ctx, timeout)
	defer watch.stop()
	view, err := mesh.Look(ctx, s.remote, s.snapshot)
	if err != nil {
		return nil, watch.explain(err)
	}
	return view.Partial(), nil
}

// warnOf warns of an error that does not end the run, with its hints.
func warnOf(r *report.Run, err error) {
	r.Warn("%s", strings.Join(append([]string{err.Error()}, explain.Hints(err)...), "; "))
}

// follower reports the events of a plan that is applied.
type follower struct {
	r      *report.Run
	watch  *watch
	left   []error // why replaced certificates were not deleted
	unkept []error // values of APIs that the Dashboard does not keep
}

// endings are the statuses of steps by the events that end them.
var endings = map[mesh.EventKind]string{
	mesh.Done: report.StatusDone, mesh.Failed: report.StatusNotDone, mesh.Left: report.StatusNotDone, mesh.Unclear: report.StatusUnknown,
}

// event reports an event of a step.
func (f *follower) event(e mesh.Event) {
	f.watch.progress()
	step := stepEvents(e.Step)[0]
	if status, ended := endings[e.Kind]; ended {
		f.r.Ended(status, step, e.Err)
	}

	switch {
	case e.Kind == mesh.Started:
		f.r.Started(step)
	case e.Kind == mesh.Left && e.Err != nil:
		f.left = append(f.left, e.Err)
	case e.Kind == mesh.Unkept:
		f.unkept = append(f.unkept, e.Err)
	}

	f.r.Reached(e.Finished, e.Total, e.Wait)
}

// leftBehind warns of values that the Dashboard does not keep, and of replaced certificates that
// could not be deleted. The run has succeeded all the same.
func (f *follower) leftBehind() {
	for _, err := range f.unkept {
		f.r.Warn("%v", err)
	}
	if len(f.left) > 0 {
		f.r.Warn("%s", explain.LeftBehind(len(f.left), f.left[0]))
	}
}

// carryOut applies a plan.
func carryOut(ctx context.Context, plan *mesh.Plan, remote mesh.Remote, watch *watch, r *report.Run) (map[inject.Service]inject.Binding, error) {
	f := &follower{r: r, watch: watch}
	bindings, err := mesh.Apply(ctx, plan, remote, f.event)
	if err != nil {
		return nil, watch.explain(err)
	}
	if watch.interrupted() {
		return nil, interruptedAtEnd(r)
	}

	f.leftBehind()

	return bindings, nil
}

// interruptedAtEnd returns the error of an interrupted run whose steps are all done: it prints no
// manifest.
func interruptedAtEnd(r *report.Run) error {
	return &report.UnprintedError{Err: interruptedError{}, Done: r.Done()}
}

// canAsk refuses a run that would have to ask where the user cannot answer: the answer needs a
// terminal on which no manifest is read.
func (g confirmFlags) canAsk(p process, command string, read []string) error {
	asks := files.IsTerminal(p.stdin) && files.IsTerminal(p.stderr) && !slices.Contains(read, files.Stdin)
	if g.yes || g.dryRun || asks {
		return nil
	}

	verb := command[strings.LastIndex(command, " ")+1:]
	msg := verb + " asks before it deletes, and cannot ask here: use --yes to delete without asking, or --dry-run to see the deletions"

	return &usageError{msg, p.name + " " + command}
}

// take asks whether the steps of a plan may be taken, and takes them.
func (g confirmFlags) take(ctx context.Context, p process, timeout time.Duration, r *report.Run, plan *mesh.Plan, remote mesh.Remote) error {
	if steps := plan.Steps(); len(steps) > 0 && !g.yes {
		r.Progress("") // the question takes its place
		if err := confirm(p, steps); err != nil {
			return err
		}
	}

	ctx, watch := watchProgress(ctx, timeout)
	defer watch.stop()
	f := &follower{r: r, watch: watch}
	if _, err := mesh.Apply(ctx, plan, remote, f.event); err != nil {
		return watch.explain(err)
	}

	return nil
}

// confirm shows the steps and waits for a yes.
//
// Errors: anything else is a no.
func confirm(p process, steps []mesh.Step) error {
	if err := writeSteps(p.stderr, steps); err != nil {
		return err
	}

	fmt.Fprintf(p.stderr, "%s: go on? [y/N] ", countSteps(steps))

	line, _ := bufio.NewReader(p.stdin).ReadString('\n') // at its end the answer is no
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return nil
	}

	return errors.New("not confirmed: nothing was deleted")
}

// countSteps returns "4 APIs, 1 certificate, 1 record".
func countSteps(steps []mesh.Step) string {
	var parts []string
	for _, kind := range []mesh.Kind{mesh.APIKind, mesh.CertificateKind, mesh.RecordKind} {
		n := 0
		for _, s := range steps {
			if s.Kind == kind {
				n++
			}
		}

		if n > 0 {
			parts = append(parts, report.Plural(n, string(kind)))
		}
	}

	return strings.Join(parts, ", ")
}

// byService returns steps by their services, each in order; those of the mesh by the zero service.
func byService(steps []mesh.Step) map[inject.Service][]mesh.Step {
	of := make(map[inject.Service][]mesh.Step)
	for _, s := range steps {
		of[s.Service] = append(of[s.Service], s)
	}
	return of
}

func writeSteps(w io.Writer, steps []mesh.Step) error {
	lines := display.Lines(w)
	for _, step := range steps {
		if _, err := fmt.Fprintln(lines, step); err != nil {
			return err
		}
	}
	return nil
}
