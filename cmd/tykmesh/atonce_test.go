package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// processes are how many begin at once, as in a pipeline of so many jobs.
const processes = 8

// Processes that inject the same stream at once all succeed, print the same, and leave what one
// alone would have left: an API for each slug, for each service a certificate and an active record,
// each once. A further run writes nothing.
func TestSameStreamAtOnce(t *testing.T) {
	mongo, program := catest.Mongo(t), buildProgram(t)
	var (
		wait  sync.WaitGroup
		slots = make(chan struct{}, 2) // rounds wait now and then
		all   = 0
	)
	defer wait.Wait()
	for name, kind := range map[string]struct {
		options dashboardtest.Options
		one     bool // of the three services, which takes half the time
		rounds  int
	}{
		"three services": {dashboardtest.Options{}, false, 10},
		"current":        {dashboardtest.Options{}, true, 16},
		"unique slugs":   {dashboardtest.Options{UniqueSlugs: true}, true, 6},
		"assigns ids":    {dashboardtest.Options{AssignsAPIID: true}, true, 6},
		"insists":        {dashboardtest.Options{AssignsAPIID: true, KeepsAPIID: true}, true, 6},
		"both":           {dashboardtest.Options{AssignsAPIID: true, KeepsAPIID: true, UniqueSlugs: true}, true, 6},
	} {
		fresh := func(round int) *cluster {
			all++
			c := newCluster(t, mongo, fmt.Sprint("round", all), kind.options)
			c.program = program
			if kind.one {
				c.stream = []string{"-f", c.file("third.yaml")}
			}

			if round%2 == 1 {
				c.holdUp(processes)
			}

			return c
		}

		alone := fresh(0)
		want := alone.withoutAccidents(t)
		alone.close()
		for round := range kind.rounds {
			slots <- struct{}{}
			c := fresh(round)
			wait.Go(func() {
				defer func() { <-slots }()
				defer c.close()
				if err := c.crowd(want); err != nil {
					t.Errorf("%s, round %d: %v", name, round, err)
				}
			})
		}
	}
}

// crowd returns one round: all inject the cluster's stream.
func (c *cluster) crowd(want wanted) error {
	outcomes := c.together(func(int) []string { return c.stream })
	for i, o := range outcomes {
		if what := c.secretIn(o.stdout + o.stderr); what != "" {
			return fmt.Errorf("process %d shows %s", i, what)
		}
		if o.status != 0 {
			return fmt.Errorf("process %d: exit status %d\n%s", i, o.status, o.stderr)
		}
		if diff := cmp.Diff(outcomes[0].stdout, o.stdout); diff != "" {
			return fmt.Errorf("what process 0 printed, and process %d (-0 +%[1]d):\n%s", i, diff)
		}
	}

	return c.left(outcomes[0], want)
}

// together starts processes at once and waits for all. args are the arguments of the i-th.
func (c *cluster) together(args func(i int) []string) []outcome {
	var all []*running
	for i := range processes {
		all = append(all, c.start(args(i)...))
	}

	var outcomes []outcome
	for _, r := range all {
		outcomes = append(outcomes, r.wait())
	}

	return outcomes
}

// gate holds back all but listings until so many runs have listed a Dashboard's APIs: each of them
// has then planned for an empty one.
type gate struct {
	http.Handler // the Dashboard
	unlisted     atomic.Int32
	open         chan struct{}
	opens        sync.Once
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	apis := r.Method == http.MethodGet && r.URL.Path == "/api/apis"
	certificates := r.Method == http.MethodGet && r.URL.Path == "/api/certs"
	if !apis && !certificates {
		<-g.open
	}

	g.Handler.ServeHTTP(w, r)
	if apis && g.unlisted.Add(-1) == 0 {
		g.Open()
	}
}

// Open lets everything through.
func (g *gate) Open() { g.opens.Do(func() { close(g.open) }) }

// holdUp puts a gate for n runs before the Dashboard.
func (c *cluster) holdUp(n int) {
	g := &gate{Handler: c.dashboard, open: make(chan struct{})}
	g.unlisted.Store(int32(n))
	server := httptest.NewServer(g)
	c.dashboard.URL = server.URL
	c.closers = append(c.closers, g.Open, server.Close) // in this order: a server waits for what it serves
}

// Processes with different services of one mesh share its certificate: that and its record are
// there once, and so is every API. A further run with all services writes nothing.
func TestDifferentServicesAtOnce(t *testing.T) {
	mongo, program := catest.Mongo(t), buildProgram(t)
	for round := range 6 {
		c := newCluster(t, mongo, fmt.Sprint("different", round), dashboardtest.Options{})
		c.program, c.stream = program, nil
		var slugs []string
		for i := range processes {
			name := fmt.Sprint("service-", i)
			if err := os.WriteFile(c.file(name+".yaml"), []byte(strings.ReplaceAll(thirdService, "bills", name)), 0o644); err != nil {
				t.Fatal(err)
			}
			c.stream = append(c.stream, "-f", c.file(name+".yaml"))
			slugs = append(slugs, name+"-inbound", name+"-mesh")
		}

		if round%2 == 0 {
			c.holdUp(processes)
		}

		var printed []string
		for i, o := range c.together(func(i int) []string { return c.stream[2*i : 2*i+2] }) {
			if o.status != 0 {
				t.Errorf("round %d, process %d: exit status %d\n%s", round, i, o.status, o.stderr)
			}
			printed = append(printed, o.stdout)
		}

		var have []string
		for _, d := range c.definitions() {
			have = append(have, d.Slug())
		}

		if diff := cmp.Diff(slugs, have); diff != "" {
			t.Errorf("round %d: APIs (-want +got):\n%s", round, diff)
		}

		if n := len(c.certificateNames()); n != processes+1 {
			t.Errorf("round %d: %d certificates for %d services and the mesh", round, n, processes)
		}

		if err := c.settled(strings.Join(printed, "---\n")); err != nil {
			t.Errorf("round %d: %v", round, err)
		}

		c.close()
	}
}
