//go:build unix

package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// Whichever request the program is about to make, or waits for the answer of, when it is killed: it
// has printed nothing, the next run finishes the work, and what is there then is what one good run
// would have made, once. A further run writes nothing.
func TestKilledAtEveryRequest(t *testing.T) {
	mongo, program := catest.Mongo(t), buildProgram(t)
	good := newCluster(t, mongo, "good", dashboardtest.Options{})
	defer good.close()
	good.program = program
	want := good.withoutAccidents(t)

	all := good.accidents(killed)
	if diff := cmp.Diff(requestsOfThree, requestsIn(all)); diff != "" {
		t.Fatalf("a run without accidents (-want +got):\n%s", diff)
	}

	each(t, mongo, all, func(c *cluster, a accident) (outcome, error) {
		c.program = program
		return c.dies(a, want)
	})
	t.Logf("killed %d times", len(all))
}

// dies returns a run that is killed at a request, and what follows it.
func (c *cluster) dies(a accident, want wanted) (outcome, error) {
	var (
		started = make(chan *os.Process, 1)
		dead    = make(chan struct{})
	)
	c.befalls(a, func() {
		p := <-started
		_ = p.Kill() // that it was is seen from its exit status
		<-dead
	})

	r := c.start(c.stream...)
	if r.failed == nil {
		started <- r.Process
	}

	first := r.wait()
	close(dead)
	if what := c.secretIn(first.stdout + first.stderr); what != "" {
		return first, fmt.Errorf("the run shows %s", what)
	}
	if first.status != -1 || first.stdout != "" {
		return first, fmt.Errorf("exit status %d, and %d bytes on standard output; it was not killed", first.status, len(first.stdout))
	}

	return first, c.recovers(want)
}
