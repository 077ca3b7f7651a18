package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/cmd/internal/apply"
	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/explain"
	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/phase"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
)

// progressReading is the progress before there is a plan.
const progressReading = "reading registered APIs and certificates ..."

// surveyed holds the state of the mesh for commands that read no manifest.
type surveyed struct {
	snapshot *plan.Snapshot
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
	ctx, remotely := phase.Begin(ctx, f.timeout, r)
	defer remotely.End()
	s.remote, s.close, err = openRemote(ctx, c, f, r)
	if err != nil {
		return s, remotely.Explain(err)
	}

	state, missing, err := apply.Survey(ctx, s.remote, settings)
	if err != nil {
		s.close()
		return s, remotely.Explain(err)
	}

	if missing != nil {
		r.Warn("%v: cannot tell which certificates the current CA issued", missing)
	}
	s.snapshot = plan.NewSnapshot(state, settings)

	return s, nil
}

// observe connects, and reads the state of the mesh that a plan needs.
func observe(ctx context.Context, f serverFlags, c config.Config, settings mesh.Settings, remotely *phase.Phase, r *report.Run) (s surveyed, err error) {
	r.Progress(progressReading)
	s.remote, s.close, err = openRemote(ctx, c, f, r)
	if err != nil {
		return s, remotely.Explain(err)
	}

	state, err := apply.Observe(ctx, s.remote, settings)
	if err != nil {
		s.close()
		return s, remotely.Explain(err)
	}

	remotely.Progress()
	s.snapshot = plan.NewSnapshot(state, settings)

	return s, nil
}

// partial returns why the listing may lack APIs; nil without a hint of that.
func (s surveyed) partial(ctx context.Context, timeout time.Duration, r *report.Run) (partial, err error) {
	ctx, remotely := phase.Begin(ctx, timeout, r)
	defer remotely.End()
	view, err := apply.Look(ctx, s.remote, s.snapshot)
	if err != nil {
		return nil, remotely.Explain(err)
	}
	return view.Partial(), nil
}

// warnOf warns of an error that does not end the run, with its hints.
func warnOf(r *report.Run, err error) {
	r.Warn("%s", strings.Join(append([]string{err.Error()}, explain.Hints(err)...), "; "))
}

// warnOfLost warns of certificates that the store has lost, and names the command that makes new
// ones.
func warnOfLost(r *report.Run, lost int) {
	switch {
	case lost == 1:
		r.Warn("1 certificate is lost: an API or a record names it, and it is no longer in the Dashboard's store; tykmesh certs renew issues a new one")
	case lost > 1:
		r.Warn("%d certificates are lost: APIs or records name them, and they are no longer in the Dashboard's store; tykmesh certs renew issues new ones", lost)
	}
}

// canAsk refuses a run that would have to ask where the user cannot answer: the answer needs a
// terminal on which no manifest is typed.
func (g confirmFlags) canAsk(p process, command string, typed bool) error {
	asks := files.IsTerminal(p.stdin) && files.IsTerminal(p.stderr) && !typed
	if g.yes || g.dryRun || asks {
		return nil
	}

	verb := command[strings.LastIndex(command, " ")+1:]
	msg := verb + " asks before it deletes, and cannot ask here: use --yes to delete without asking, or --dry-run to see the deletions"

	return &usageError{msg: msg, command: p.name + " " + command}
}

// carryOut asks whether the steps of a plan may be taken, takes them, and reports them with tell. A
// dry run prints them instead.
func (g confirmFlags) carryOut(ctx context.Context, p process, timeout time.Duration, r *report.Run, todo *plan.Plan, remote mesh.Remote, tell func()) (report.Output, error) {
	tellStaying(r, todo)
	r.Planned(phase.Steps(todo.Steps()...), 0)
	if g.dryRun {
		tell()
		return r.Plan.Output(), nil
	}

	if !todo.Empty() && !g.yes && !r.Plan.Confirm(p.stdin) {
		return nil, errors.New("not confirmed: nothing was deleted")
	}

	ctx, remotely := phase.Begin(ctx, timeout, r)
	defer remotely.End()
	if _, err := remotely.Apply(ctx, todo, remote); err != nil {
		return nil, err
	}

	tell()

	return nil, nil
}

// tellStaying warns of the certificates that a plan has to leave.
func tellStaying(r *report.Run, todo *plan.Plan) {
	for _, kept := range todo.Kept {
		r.Warn("certificate %s (%s) stays: %s", kept.ID, kept.Name, kept.Reason)
	}
	for _, api := range todo.APIsWithSurplus {
		r.Warn("API %s keeps its %d certificates, because none could serve alone (%s): run certs renew first", api.Slug, api.Count, api.Reason)
	}
}
