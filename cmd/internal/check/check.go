// Package check finds out whether inject can work: whether the Dashboard, CFSSL and the ledger are
// there, accept the credentials, and do what inject will ask of them.
//
//	configuration ──> Dashboard: answers? accepts the key? lets it write? two APIs on one path? ──┐
//	                  CFSSL: answers? accepts the key, and nobody without? signs as it should? ───┼──> a Result each, with what to do
//	                  ledger: can be written? ───────────────────────────────────────────────────┘
//
// It tries what it can without leaving anything behind: it deletes what does not exist, has a
// certificate signed whose key it throws away, and asks for unsigned things. What it writes it
// takes away again: a record, and where nothing else tells, two APIs that no gateway serves. It
// talks to its own small interfaces, and never prints.
package check

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"
)

// Status says how a check ended.
type Status string

// The statuses. What is Failed keeps inject from working, or everybody else from being safe.
const (
	OK      Status = "ok"
	Warning Status = "warning"
	Failed  Status = "failed"
	Skipped Status = "skipped" // something before it failed, or it is not configured
)

// Result is what came of one check.
type Result struct {
	Part   string // what was looked at: "Dashboard key"
	Status Status
	Detail string // a clause: "accepted"
	Err    error  // why it Failed, for those who know what to do about errors; may be nil
}

// list collects the results of one server in order. After a failure that keeps the rest from being
// tried, they are skipped.
type list struct {
	results []Result
	blocked string // the part that failed
}

func (l *list) add(part string, status Status, detail string) {
	l.results = append(l.results, Result{Part: part, Status: status, Detail: detail})
}

func (l *list) fail(part string, err error) {
	l.results = append(l.results, Result{Part: part, Status: Failed, Detail: err.Error(), Err: err})
}

// try adds what f finds, unless something before it failed.
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

// warn does as try for a part that inject can do without.
func (l *list) warn(part string, f func() (detail string, err error)) {
	if blocked := l.blocked != ""; l.try(part, f) || blocked {
		return
	}
	l.results[len(l.results)-1].Status = Warning
}

// need is try for what all that follows depends on.
func (l *list) need(part string, f func() (detail string, err error)) {
	if !l.try(part, f) && l.blocked == "" {
		l.blocked = part
	}
}

// leftBehind begins the names of all that checks write, so that what an interrupted one left is
// found by the next.
const leftBehind = "tykmesh-check-"

// newName returns a name that no other check uses at the same time.
func newName() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return leftBehind + hex.EncodeToString(b)
}

// cleanUpTime bounds how long a check takes its traces away after an interruption: people wait no
// more than a second for it to end.
const cleanUpTime = 800 * time.Millisecond

// afterwards returns a context for cleaning up, which goes on for a while after ctx has ended.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	after, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(cleanUpTime, cancel) })
	return after, func() {
		stop()
		cancel()
	}
}
