package main

import (
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/cmd/internal/exit"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// accident is what happens to one request of a run. Requests are told apart by their kinds and
// counted: services are registered at the same time, so which request is the tenth differs from run
// to run, but there are always the same number of each kind.
type accident struct {
	server string // dashboard, cfssl or mongo
	kind   string // "POST /api/apis", "authsign", "insert"
	nth    int    // of its kind
	after  bool   // it takes effect before
	way    string // refused, cut, or killed
}

// The ways in which a request fails: an error for an answer, a connection that breaks off, and one
// that nobody is there any more to see.
const (
	refused = "refused"
	cut     = "cut"
	killed  = "killed"
)

func (a accident) String() string {
	when := map[bool]string{false: "before", true: "after"}[a.after]
	return fmt.Sprintf("%s %s %d, %s %s it took effect", a.server, a.kind, a.nth, a.way, when)
}

// accidents returns one for each request that the servers have seen, each of these ways, and both
// moments.
func (c *cluster) accidents(ways ...string) (all []accident) {
	count := map[accident]int{}
	for _, r := range c.dashboard.Requests() {
		count[accident{server: "dashboard", kind: r.Method + " " + anyID(r.Path)}]++
	}

	for _, r := range c.cfssl.Requests() {
		count[accident{server: "cfssl", kind: r.Endpoint}]++
	}

	for command, n := range c.ledger.counts() {
		count[accident{server: "mongo", kind: command}] = n
	}

	for a, n := range count {
		for a.nth = 1; a.nth <= n; a.nth++ {
			for _, a.way = range ways {
				all = append(all, a)
				a.after = true
				all = append(all, a)
				a.after = false
			}
		}
	}

	slices.SortFunc(all, func(a, b accident) int { return strings.Compare(a.String(), b.String()) })

	return all
}

// anyID returns the pattern of a path: an id in it may be any.
func anyID(p string) string {
	if dir := path.Dir(p); dir != "/api" {
		return dir + "/*"
	}
	return p
}

// befalls plans an accident. struck is called at its moment.
func (c *cluster) befalls(a accident, struck func()) {
	answer := dashboardtest.Cut
	if a.way == refused {
		answer = dashboardtest.Refusal(http.StatusInternalServerError, "planned")
	}

	happens := func(w http.ResponseWriter, r *http.Request) {
		struck()
		answer(w, r)
	}
	switch a.server {
	case "dashboard":
		method, pattern, _ := strings.Cut(a.kind, " ")
		c.dashboard.Fail(dashboardtest.Fault{Method: method, Path: pattern, Request: a.nth, After: a.after, Answer: happens})
	case "cfssl":
		f := catest.Fault{Endpoint: a.kind, Nth: a.nth, Answer: happens}
		if a.after {
			f.When = catest.After
		}
		c.cfssl.Fail(f)

	case "mongo":
		c.ledger.fail(commandFault{command: a.kind, nth: a.nth, after: a.after, refused: a.way == refused, struck: struck})
	}
}

// requestsOfThree are the kinds of requests that it takes to register three services with TLS, and
// how many there are of each.
const requestsOfThree = `cfssl authsign 4
cfssl info 1
dashboard GET /api/apis 1
dashboard GET /api/apis/* 6
dashboard GET /api/certs 1
dashboard GET /api/certs/* 4
dashboard POST /api/apis 6
dashboard POST /api/certs 4
mongo find 1
mongo insert 4
mongo update 4`

// requestsIn lists the last request of each kind in accidents.
func requestsIn(all []accident) string {
	last := map[string]int{}
	for _, a := range all {
		kind := a.server + " " + a.kind
		last[kind] = max(last[kind], a.nth)
	}

	var lines []string
	for _, kind := range sorted(last) {
		lines = append(lines, fmt.Sprint(kind, " ", last[kind]))
	}

	return strings.Join(lines, "\n")
}

// wanted is what one run without accidents leaves behind.
type wanted struct{ state, stdout string }

// withoutAccidents runs once, where nothing goes wrong.
func (c *cluster) withoutAccidents(t *testing.T) wanted {
	t.Helper()
	first := c.inject()
	if first.status != 0 {
		t.Fatalf("exit status %d\n%s", first.status, first.stderr)
	}

	state, err := c.state()
	if err != nil {
		t.Fatal(err)
	}

	return wanted{state, c.withSlugs(first.stdout)}
}

// recovers checks what follows an accident: one good run brings about what is wanted.
func (c *cluster) recovers(want wanted) error {
	next := c.inject()
	if next.status != 0 {
		return fmt.Errorf("the next run: exit status %d\n%s", next.status, next.stderr)
	}
	return c.left(next, want)
}

// left checks that a good run left what is wanted, and nothing to do.
func (c *cluster) left(o outcome, want wanted) error {
	state, err := c.state()
	if err != nil {
		return err
	}
	if diff := cmp.Diff(want, wanted{state, c.withSlugs(o.stdout)}, cmp.AllowUnexported(wanted{})); diff != "" {
		return fmt.Errorf("(-want +got):\n%s", diff)
	}

	return c.settled(o.stdout)
}

// accidentsAtOnce is how many are tried at the same time. Most wait: for another try, or whether a
// certificate is about to be uploaded.
const accidentsAtOnce = 24

// each tries accidents, each in a cluster of its own, and returns how each first run ended.
func each(t *testing.T, mongo string, all []accident, try func(*cluster, accident) (outcome, error)) []outcome {
	t.Helper()
	var (
		wait  sync.WaitGroup
		slots = make(chan struct{}, accidentsAtOnce)
		ended = make([]outcome, len(all))
	)
	defer wait.Wait()
	for i, a := range all {
		slots <- struct{}{}
		c := newCluster(t, mongo, fmt.Sprint("case", i), dashboardtest.Options{})
		wait.Go(func() {
			defer func() { <-slots }()
			defer c.close()
			var err error
			if ended[i], err = try(c, a); err != nil {
				t.Errorf("%v: %v\nafter\n%s", a, err, ended[i].stderr)
			}
		})
	}

	return ended // once all are over
}

// Whichever request of a run fails, before or after it takes effect: standard output is empty
// unless the run succeeds all the same, the next run finishes the work, and what is there then is
// what one good run would have made, once. A further run writes nothing.
func TestEveryRequestMayFail(t *testing.T) {
	mongo := catest.Mongo(t)
	good := newCluster(t, mongo, "good", dashboardtest.Options{})
	defer good.close()
	want := good.withoutAccidents(t)

	all := good.accidents(refused, cut)
	if diff := cmp.Diff(requestsOfThree, requestsIn(all)); diff != "" {
		t.Fatalf("a run without accidents (-want +got):\n%s", diff)
	}

	count := map[int]int{}
	for _, o := range each(t, mongo, all, func(c *cluster, a accident) (outcome, error) { return c.fails(a, want) }) {
		count[o.status]++
	}

	t.Logf("%d accidents, by exit status: %v", len(all), count)
	if count[exit.Done] == len(all) || count[5] == 0 {
		t.Errorf("no run was incomplete: %v", count)
	}
}

// fails returns a run with an accident, and what follows it.
func (c *cluster) fails(a accident, want wanted) (outcome, error) {
	var struck atomic.Bool
	c.befalls(a, func() { struck.Store(true) })
	first := c.inject()
	if !struck.Load() {
		return first, fmt.Errorf("it did not happen")
	}
	if what := c.secretIn(first.stdout + first.stderr); what != "" {
		return first, fmt.Errorf("the run shows %s", what)
	}
	if !slices.Contains([]int{0, 1, 5}, first.status) || first.status != 0 && !strings.Contains(first.stderr, "error: ") {
		return first, fmt.Errorf("exit status %d", first.status)
	}
	if (first.status == 0) == (first.stdout == "") {
		return first, fmt.Errorf("exit status %d, and %d bytes on standard output", first.status, len(first.stdout))
	}
	if first.status == 0 { // then it is done, and there is nothing to recover from
		return first, c.left(first, want)
	}

	return first, c.recovers(want)
}
