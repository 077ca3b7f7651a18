package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// cluster is a world of three servers for runs inside of the test, or of a program.
type cluster struct {
	*world
	program  string   // its file; "" for runs inside of the test
	stream   []string // arguments that name what is injected: three services
	anyAPIID bool     // the Dashboard gives APIs api_ids of its own
	closers  []func() // what close begins with
}

// thirdService goes to another namespace than those of the samples, and sets a field of its API.
const thirdService = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: bills
  namespace: billing
spec:
  selector:
    matchLabels:
      app: bills
  template:
    metadata:
      labels:
        app: bills
      annotations:
        injector.tyk.io/inject: "true"
        num.service.tyk.io/expire-analytics-after: "60"
    spec:
      containers:
        - name: bills
          image: example.com/bills
          ports:
            - containerPort: 80
---
apiVersion: v1
kind: Service
metadata:
  name: bills
  namespace: billing
  annotations:
    injector.tyk.io/inject: "true"
spec:
  selector:
    app: bills
  ports:
    - port: 80
`

// newCluster starts the servers of a test's mesh. The database of the MongoDB must not be another
// mesh's.
func newCluster(t *testing.T, mongo, database string, o dashboardtest.Options) *cluster {
	t.Helper()
	c := &cluster{world: newWorld(t.TempDir())}
	if err := os.WriteFile(c.file("third.yaml"), []byte(thirdService), 0o644); err != nil {
		t.Fatal(err)
	}

	if err := c.connect(mongo, database); err != nil {
		t.Fatal(err)
	}

	c.stream = []string{"-f", samples + "/echo-and-sleep.yaml", "-f", c.file("third.yaml")}
	o.Secret, c.anyAPIID = plantedDashboardKey, o.AssignsAPIID
	c.dashboard = dashboardtest.New(o)
	c.cfssl = catest.New(catest.Options{Key: plantedCFSSLKey})

	return c
}

func (c *cluster) close() {
	for _, f := range c.closers {
		f()
	}
	c.dashboard.Close()
	c.cfssl.Close()
	c.ledger.Close()
}

func (c *cluster) file(name string) string { return filepath.Join(c.folder, name) }

// arguments returns those of a run that injects what more of them name.
func (c *cluster) arguments(more ...string) []string {
	return append([]string{"inject", "-v", "--config", samples + "/tykmesh.yaml"}, more...)
}

// environ leads the program to the servers.
func (c *cluster) environ() []string {
	return []string{
		"TYKMESH_TYK_URL=" + c.dashboard.URL, "TYK_DASHBOARD_KEY=" + plantedDashboardKey,
		"TYKMESH_CA_ADDR=" + c.cfssl.URL, "CFSSL_KEY=" + plantedCFSSLKey, "TYKMESH_CA_MONGOCONNSTR=" + c.ledger.uri,
	}
}

// outcome is what a run left behind.
type outcome struct {
	status         int // -1 for a process that was killed
	stdout, stderr string
}

// inject runs the program on the cluster's stream.
func (c *cluster) inject() outcome {
	if c.program != "" {
		return c.start(c.stream...).wait()
	}
	var out, report bytes.Buffer
	status := run(context.Background(), process{
		args: c.arguments(c.stream...), environ: c.environ(), stdin: strings.NewReader(""), stdout: &out, stderr: &report,
	})
	return outcome{status, out.String(), report.String()}
}

// running is a process of the program.
type running struct {
	*exec.Cmd
	out, report bytes.Buffer
	failed      error // to start
}

// start begins a process that injects what the arguments name.
func (c *cluster) start(args ...string) *running {
	r := &running{Cmd: exec.Command(c.program, c.arguments(args...)...)}
	r.Env, r.Stdout, r.Stderr = c.environ(), &r.out, &r.report
	r.failed = r.Start()
	return r
}

func (r *running) wait() outcome {
	if r.failed != nil {
		return outcome{status: -1, stderr: r.failed.Error()}
	}
	err := r.Wait()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return outcome{status: -1, stderr: err.Error()}
	}

	return outcome{r.ProcessState.ExitCode(), r.out.String(), r.report.String()}
}

// state returns all that the servers hold, without what may differ between two meshes that are
// alike: ids that are counted up, and what a record held before.
func (c *cluster) state() (string, error) {
	var lines []string
	for _, d := range c.definitions() {
		delete(d, "id")
		if c.anyAPIID {
			delete(d, "api_id")
		}

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

// withSlugs is what a run printed, with APIs called by their slugs instead of their ids.
func (c *cluster) withSlugs(stdout string) string {
	var replace []string
	for _, d := range c.definitions() {
		replace = append(replace, d.ID(), "{"+d.Slug()+"}")
	}
	return strings.NewReplacer(replace...).Replace(stdout)
}

// settled checks that there is nothing left to do: a further run prints the same, having listed
// everything once and written nothing.
func (c *cluster) settled(printed string) error {
	c.newRequests()
	c.ledger.fail(commandFault{})
	again := c.inject()
	if again.status != 0 || again.stdout != printed {
		return fmt.Errorf("a further run: exit status %d, the same output: %v\n%s", again.status, again.stdout == printed, again.stderr)
	}

	asked := strings.Join(append(c.newRequests(), fmt.Sprint("mongo ", c.ledger.counts())), "\n")
	const once = "cfssl info 200\ndashboard GET /api/apis?p=-2 -> 200\ndashboard GET /api/certs?mode=detailed&p=-1 -> 200\nmongo map[find:1]"
	if asked != once {
		return fmt.Errorf("a further run asks for more than listings:\n%s", asked)
	}

	return nil
}
