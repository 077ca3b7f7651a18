package apply

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/tykmesh/tykmesh/cmd/internal/plan"
)

// Event is one thing that happened while a plan was applied.
type Event struct {
	Step     plan.Step
	Kind     EventKind
	Err      error // of a Failed, an Unclear, a Left or an Unkept one
	Finished int   // steps done so far, this one included
	Total    int   // steps of the plan

	Wait time.Duration // of Waiting: how long yet
}

// EventKind tells what happened to a step.
type EventKind string

// A step is started once, and done, failed or unclear once, unless the run ends before. A
// certificate is done when the API that carries it is in place and its record is active. Unclear is
// a failure that may have taken effect.
//
// Left is the event of a replaced certificate that is not deleted. Err is the reason; it is nil
// where another API has taken the certificate into use, so that the deletion was not tried. It is
// no failure, because the new certificate is in place. Waiting belongs to no step: it comes about
// once a second while gateways load changed APIs.
const (
	Started EventKind = "started"
	Done    EventKind = "done"
	Failed  EventKind = "failed"
	Unclear EventKind = "unclear"
	Left    EventKind = "left"
	Waiting EventKind = "waiting"
	// Unkept is an API that is done, and of which the Dashboard does not keep all: Err is an
	// *UnkeptError.
	Unkept EventKind = "unkept"
)

// outcome tells how far a step came.
type outcome int

const (
	untouched outcome = iota
	begun
	finished
	failed
	unclear // a request took effect, or did not
	left    // not done, which is no failure
)

// journal keeps what happened to each step of a run. It calls progress one event at a time.
type journal struct {
	mu       sync.Mutex
	progress func(Event)
	total    int
	finished int
	outcomes map[*plan.Step]outcome
	errs     map[*plan.Step]error
	wrote    bool
	wroteAPI time.Time // when an API was last changed, by this run or another
	refused  error     // of the credentials: nothing further can succeed
}

func newJournal(progress func(Event), total int) *journal {
	if progress == nil {
		progress = func(Event) {}
	}
	return &journal{progress: progress, total: total, outcomes: make(map[*plan.Step]outcome), errs: make(map[*plan.Step]error)}
}

func (j *journal) begin(s *plan.Step) {
	j.note(s, begun, nil)
}

func (j *journal) done(s *plan.Step) {
	j.note(s, finished, nil)
}

// doneAs does as done for a step that came to another action than was planned.
func (j *journal) doneAs(s *plan.Step, did plan.Action) {
	if s.Action == plan.Keep {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.outcomes[s] = finished
	j.finished++
	e := Event{Step: *s, Kind: Done, Finished: j.finished, Total: j.total}
	e.Step.Action = did
	j.progress(e)
}

// revoke makes a failure of a step that was done.
func (j *journal) revoke(s *plan.Step, err error) {
	j.mu.Lock()
	j.finished--
	j.mu.Unlock()
	j.fail(s, err)
}

// unkept notes the fields that the Dashboard did not keep of an API that is done.
func (j *journal) unkept(s *plan.Step, err *plan.UnkeptError) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.progress(Event{Step: *s, Kind: Unkept, Err: err, Finished: j.finished, Total: j.total})
}

func (j *journal) fail(s *plan.Step, err error) {
	o := failed
	if errors.As(err, new(unclearError)) {
		o = unclear
	}
	j.note(s, o, err)
}

func (j *journal) leave(s *plan.Step, err error) {
	j.note(s, left, err)
}

// waiting reports how long the run will wait yet.
func (j *journal) waiting(d time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.progress(Event{Kind: Waiting, Finished: j.finished, Total: j.total, Wait: d})
}

func (j *journal) note(s *plan.Step, o outcome, err error) {
	if s.Action == plan.Keep {
		return
	}

	j.mu.Lock()
	defer j.mu.Unlock()
	j.outcomes[s] = o

	e := Event{Step: *s, Kind: Started, Total: j.total}
	switch o {
	case finished:
		e.Kind = Done
		j.finished++
	case failed, unclear:
		e.Kind, e.Err = Failed, err
		if o == unclear {
			e.Kind = Unclear
		}
		j.errs[s] = err
		j.noteRefusal(err)

	case left:
		e.Kind, e.Err = Left, err
		j.noteRefusal(err)
	}

	e.Finished = j.finished
	j.progress(e)
}

// outcome returns how far a step has come.
func (j *journal) outcome(s *plan.Step) outcome {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.outcomes[s]
}

// wroteSome notes that something remote was changed.
func (j *journal) wroteSome() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.wrote = true
}

// changedAPI notes that an API was changed.
func (j *journal) changedAPI() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.wrote, j.wroteAPI = true, time.Now()
}

// foundChanged notes that an API was changed by another run, or perhaps by this one.
func (j *journal) foundChanged() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.wroteAPI = time.Now()
}

// lastChange returns when an API was last changed, or found changed; zero if none was.
func (j *journal) lastChange() time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.wroteAPI
}

// all reports whether every one of some steps was done.
func (j *journal) all(steps []*plan.Step) bool {
	return !slices.ContainsFunc(steps, func(s *plan.Step) bool { return j.outcome(s) != finished })
}

func (j *journal) noteRefusal(err error) {
	if j.refused == nil && unauthorized(err) {
		j.refused = err
	}
}

// ended returns why no further step should begin; nil if one may.
func (j *journal) ended(ctx context.Context) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return cmp.Or(ctx.Err(), j.refused)
}

// note adds errors, except those that only report the end of the context.
func (e *Incomplete) note(ctx context.Context, errs ...error) {
	for _, err := range errs {
		if err != nil && (ctx.Err() == nil || !errors.Is(err, ctx.Err())) {
			e.Errors = append(e.Errors, err)
		}
	}
}

// incomplete returns nil if every step was done, or left for good reason, and nothing else went
// wrong.
func (j *journal) incomplete(ctx context.Context, steps []*plan.Step, others ...error) error {
	e := &Incomplete{wrote: j.wrote, cause: context.Cause(ctx)}
	e.note(ctx, others...)
	for _, s := range steps {
		switch j.outcomes[s] {
		case finished:
			e.Done = append(e.Done, *s)
		case unclear:
			e.Unknown = append(e.Unknown, *s)
		case left:
		default:
			e.NotDone = append(e.NotDone, *s)
		}

		e.note(ctx, j.errs[s])
	}

	if len(e.NotDone)+len(e.Unknown)+len(e.Errors) == 0 && (ctx.Err() == nil || errors.Join(others...) == nil) {
		return nil
	}

	return e
}

// unclearError is the error of a write that may have taken effect.
type unclearError struct{ error }

// Unwrap returns the failure of the write.
func (e unclearError) Unwrap() error { return e.error }
