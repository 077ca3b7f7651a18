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

// Processes that inject the same stream at once all succeed, print the same, and leave what one alone would have left: an API for each slug,
// for each service a certificate and an active record, each once. A further run writes nothing.
func TestSameStreamAtOnce(t *testing.T) {
	mongo, program := catest.Mongo(t), buildProgram(t)
	all := 0
	for name, kind := range map[string]struct {
		options dashboardtest.Options
		rounds  int
	}{
		"current":      {dashboardtest.Options{}, 26},
		"unique-slugs": {dashboardtest.Options{UniqueSlugs: true}, 6},
		"assigns-ids":  {dashboardtest.Options{AssignsAPIID: true}, 6},
		"insists":      {dashboardtest.Options{AssignsAPIID: true, KeepsAPIID: true}, 6},
		"both":         {dashboardtest.Options{AssignsAPIID: true, KeepsAPIID: true, UniqueSlugs: true}, 6},
	} {
		fresh := func(database string) *cluster {
			c := newCluster(t, mongo, name+database, kind.options)
			c.program = program
			return c
		}
		alone := fresh("-alone")
		want := alone.withoutAccidents(t)
		alone.close()
		for round := range kind.rounds {
			c := fresh(fmt.Sprint(round))
			if round%2 == 0 {
				c.holdWrites(processes)
			}
			outcomes := c.together(func(int) []string { return c.stream })
			for i, o := range outcomes {
				if o.status != 0 || o.stdout != outcomes[0].stdout {
					t.Errorf("%s, round %d, process %d: exit status %d, the same output as the first: %v\n%s", name, round, i, o.status, o.stdout == outcomes[0].stdout, o.stderr)
				}
				if what := c.secretIn(o.stdout + o.stderr); what != "" {
					t.Errorf("%s, round %d, process %d shows %s", name, round, i, what)
				}
			}
			if err := c.left(outcomes[0], want); err != nil {
				t.Errorf("%s, round %d: %v", name, round, err)
			}
			c.close()
		}
		all += kind.rounds
	}
	if all < 50 {
		t.Errorf("only %d rounds", all)
	}
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

// gate holds back whatever would change a Dashboard until so many runs have listed its APIs: each of them has then planned for an empty one.
type gate struct {
	http.Handler // the Dashboard
	unlisted     atomic.Int32
	open         chan struct{}
	opens        sync.Once
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		<-g.open
	}
	g.Handler.ServeHTTP(w, r)
	if r.Method == http.MethodGet && r.URL.Path == "/api/apis" && g.unlisted.Add(-1) == 0 {
		g.Open()
	}
}

// Open lets everything through.
func (g *gate) Open() { g.opens.Do(func() { close(g.open) }) }

// holdWrites puts a gate for n runs before the Dashboard.
func (c *cluster) holdWrites(n int) {
	g := &gate{Handler: c.dashboard, open: make(chan struct{})}
	g.unlisted.Store(int32(n))
	server := httptest.NewServer(g)
	c.dashboard.URL = server.URL
	c.closers = append(c.closers, g.Open, server.Close) // in this order: a server waits for what it serves
}

// Processes with different services of one mesh share its certificate: that and its record are there once, and so is every API. A further run
// with all services writes nothing.
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
			c.holdWrites(processes)
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
