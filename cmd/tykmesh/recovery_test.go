package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// cluster is a world of three servers for runs inside of the test.
type cluster struct{ *world }

func newCluster(t *testing.T, mongo, database string) *cluster {
	t.Helper()
	c := &cluster{newWorld(t.TempDir())}
	if err := c.connect(mongo, database); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.ledger.Close() })
	c.dashboard = dashboardtest.New(dashboardtest.Options{Secret: plantedDashboardKey})
	t.Cleanup(c.dashboard.Close)
	c.cfssl = catest.New(catest.Options{Key: plantedCFSSLKey})
	t.Cleanup(c.cfssl.Close)
	return c
}

// inject runs the program on the samples.
func (c *cluster) inject() (status int, stdout, stderr string) {
	var out, report bytes.Buffer
	status = run(context.Background(), process{
		args: []string{"inject", "-v", "--config", samples + "/tykmesh.yaml", "-f", samples + "/echo-and-sleep.yaml"},
		environ: []string{
			"TYKMESH_TYK_URL=" + c.dashboard.URL, "TYK_DASHBOARD_KEY=" + plantedDashboardKey,
			"TYKMESH_CA_ADDR=" + c.cfssl.URL, "CFSSL_KEY=" + plantedCFSSLKey, "TYKMESH_CA_MONGOCONNSTR=" + c.ledger.uri,
		},
		stdin: strings.NewReader(""), stdout: &out, stderr: &report,
	})
	return status, out.String(), report.String()
}

// state is all that the servers hold, without what may differ between two meshes that are alike: ids that are counted up, and what a record
// held before.
func (c *cluster) state() (string, error) {
	var lines []string
	for _, d := range c.definitions() {
		delete(d, "id")
		text, err := indented(d)
		if err != nil {
			return "", err
		}
		lines = append(lines, c.named(text))
	}
	names := []string{}
	for _, name := range c.certificateNames() {
		names = append(names, "stored: "+name)
	}
	slices.Sort(names)
	records, err := c.describeRecords()
	if err != nil {
		return "", err
	}
	records = slices.DeleteFunc(records, func(line string) bool { return strings.HasPrefix(line, "bundlehistory:") })
	return strings.Join(slices.Concat(lines, names, records), "\n"), nil
}

// accident is one request of a run that fails.
type accident struct {
	name string
	plan func(c *cluster)
}

// accidents are one for each request of a good run and each way to fail.
func accidents(c *cluster) (all []accident) {
	ways := map[string]http.HandlerFunc{"500": dashboardtest.Refusal(500, "planned"), "cut": dashboardtest.Cut}
	for _, after := range []bool{false, true} {
		when := map[bool]string{false: "before", true: "after"}[after]
		for _, way := range sorted(ways) {
			for k := range c.dashboard.Requests() {
				all = append(all, accident{fmt.Sprintf("Dashboard request %d, %s %s", k+1, when, way), func(c *cluster) {
					c.dashboard.Fail(dashboardtest.Fault{Request: k + 1, After: after, Answer: ways[way]})
				}})
			}
			for k := range c.cfssl.Requests() {
				all = append(all, accident{fmt.Sprintf("CFSSL request %d, %s %s", k+1, when, way), func(c *cluster) {
					c.failCFSSL("", k+1, after, way)
				}})
			}
		}
		for k := range c.ledger.count() {
			all = append(all, accident{fmt.Sprintf("MongoDB command %d, %s cut", k+1, when), func(c *cluster) { c.ledger.fail(k+1, after) }})
		}
	}
	return all
}

// Whichever request of a run fails, before or after it takes effect: standard output is empty unless the run succeeds all the same, the next
// run finishes the work, and what is there then is what one good run would have made, once. A further run writes nothing.
func TestEveryRequestMayFail(t *testing.T) {
	mongo := catest.Mongo(t)
	good := newCluster(t, mongo, "good")
	if status, _, stderr := good.inject(); status != 0 {
		t.Fatalf("exit status %d\n%s", status, stderr)
	}
	want, err := good.state()
	if err != nil {
		t.Fatal(err)
	}
	all := accidents(good)
	if len(all) < 50 {
		t.Fatalf("only %d requests to fail", len(all))
	}
	var (
		wait     sync.WaitGroup
		atOnce   = make(chan struct{}, 16) // runs mostly wait
		statuses = make([]int, len(all))
	)
	for i, a := range all {
		wait.Go(func() {
			atOnce <- struct{}{}
			defer func() { <-atOnce }()
			c := newCluster(t, mongo, fmt.Sprint("case", i))
			a.plan(c)
			var err error
			if statuses[i], err = c.recover(want); err != nil {
				t.Errorf("%s: %v", a.name, err)
			}
		})
	}
	wait.Wait()
	count := map[int]int{}
	for _, status := range statuses {
		count[status]++
	}
	t.Logf("%d accidents, by exit status: %v", len(all), count)
	if count[exitDone] == len(all) || count[5] == 0 {
		t.Errorf("no run was incomplete: %v", count)
	}
}

// recover is what follows an accident.
func (c *cluster) recover(want string) (status int, err error) {
	status, stdout, stderr := c.inject()
	if what := c.secretIn(stdout + stderr); what != "" {
		return status, fmt.Errorf("it shows %s", what)
	}
	if (status == 0) == (stdout == "") || !slices.Contains([]int{0, 1, 5}, status) || status != 0 && !strings.Contains(stderr, "error: ") {
		return status, fmt.Errorf("exit status %d, %d bytes on standard output, and on standard error:\n%s", status, len(stdout), stderr)
	}
	first := stderr
	c.dashboard.Heal()
	c.ledger.fail(0, false)
	if next, _, stderr := c.inject(); next != 0 {
		return status, fmt.Errorf("the next run: exit status %d\n%s", next, stderr)
	}
	got, err := c.state()
	if err != nil {
		return status, err
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return status, fmt.Errorf("-want +got:\n%s\nafter\n%s", diff, first)
	}
	c.newRequests()
	again, _, stderr := c.inject()
	for _, line := range c.newRequests() {
		if !strings.HasPrefix(line, "dashboard GET ") && line != "cfssl info 200" {
			return status, fmt.Errorf("a further run asks for more: %s", line)
		}
	}
	if again != 0 {
		return status, fmt.Errorf("a further run: exit status %d\n%s", again, stderr)
	}
	return status, nil
}
