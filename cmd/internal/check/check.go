// Package check checks whether inject can work: whether the Dashboard, the issuer and the ledger
// answer, accept the credentials, and support all that inject does.
//
//	                  Dashboard: answers? accepts the key? writable? tags? APIs may share a path?
//	configuration ──> issuer: answers? accepts only the key? signs correctly? ──> Results
//	                  ledger: writable?
//
// It leaves nothing behind: it deletes objects that do not exist, and has a certificate signed
// whose key it discards. It deletes everything that it writes: a record and, if the listing does
// not show whether two APIs can share a path, two APIs that no gateway serves. It talks to small
// interfaces of its own, and never prints.
package check

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"
)

// Status is the outcome of a check.
type Status string

// The statuses. After Failed, inject would fail or the mesh would be unsafe.
const (
	OK      Status = "ok"
	Warning Status = "warning"
	Failed  Status = "failed"
	Skipped Status = "skipped" // a previous check failed, or the part is not configured
)

// Result is the result of one check.
type Result struct {
	Part   string // the checked part: "Dashboard key"
	Status Status
	Detail string // a clause: "accepted"
	Err    error  // the reason for Failed, from which callers derive hints; may be nil
}

// Skip returns the result for a part that is not checked.
func Skip(part, why string) []Result {
	return []Result{{Part: part, Status: Skipped, Detail: why}}
}

// Fail returns the result for a part that cannot be checked.
func Fail(part string, err error) []Result {
	return []Result{{Part: part, Status: Failed, Detail: err.Error(), Err: err}}
}

// list collects the results of one server in order. After a failure in a needed part, the rest is
// skipped.
type list struct {
	results []Result
	blocked string // the part that failed
}

func (l *list) add(part string, status Status, detail string) {
	l.results = append(l.results, Result{Part: part, Status: status, Detail: detail})
}

func (l *list) fail(part string, err error) {
	l.results = append(l.results, Fail(part, err)...)
}

// try adds the result of f, or skips it after a failure in a needed part.
func (l *list) try(part string, f func() (detail string, err error)) (ok bool) {
	if l.blocked != "" {
		l.add(part, Skipped, "not tried, because of: "+l.blocked)
		return false
	}

	detail, err := f()
	if err != nil {
		l.fail(part, err)
		return false
	}

	l.add(part, OK, detail)

	return true
}

// warn calls try for a part that inject does not need: a failure becomes a warning.
func (l *list) warn(part string, f func() (detail string, err error)) {
	if blocked := l.blocked != ""; l.try(part, f) || blocked {
		return
	}
	l.results[len(l.results)-1].Status = Warning
}

// need calls try for a part that all later parts need.
func (l *list) need(part string, f func() (detail string, err error)) {
	if !l.try(part, f) && l.blocked == "" {
		l.blocked = part
	}
}

// leftBehind begins the names of all objects that checks write, so that the next check can find and
// delete the objects of an interrupted one.
const leftBehind = "tykmesh-check-"

// newName returns a name that no other check uses.
func newName() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return leftBehind + hex.EncodeToString(b)
}

// cleanUpTime bounds the time for deleting objects after an interruption, so that the program ends
// within a second.
const cleanUpTime = 800 * time.Millisecond

// afterwards returns a context for deleting objects, which ends cleanUpTime after ctx.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	after, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(cleanUpTime, cancel) })
	return after, func() {
		stop()
		cancel()
	}
}
