package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
	"github.com/tykmesh/tykmesh/inject/injecttest"
)

// slowDashboard is one far away: 50 ms for each request.
var slowDashboard = dashboardtest.Options{Secret: plantedDashboardKey, AddsDefaults: true, Latency: 50 * time.Millisecond}

// remoteBench is the program, a stream of services and the servers of its runs.
type remoteBench struct {
	*world
	b        *testing.B
	binary   string
	config   string
	stream   string // a file
	services int    // on the mesh
}

func newRemoteBench(b *testing.B, services int) *remoteBench {
	b.Helper()
	stream := injecttest.NewStream(services, 5)
	r := &remoteBench{world: newWorld(b.TempDir()), b: b, binary: buildProgram(b), services: stream.Workloads}
	r.stream = writeStream(b, r.folder, stream)
	var err error
	if r.config, err = filepath.Abs(filepath.Join(samples, "tykmesh.yaml")); err != nil {
		b.Fatal(err)
	}

	r.cfssl = catest.New(catest.Options{Key: plantedCFSSLKey})
	b.Cleanup(func() {
		r.cfssl.Close()
		r.dashboard.Close()
	})

	return r
}

// open starts an empty Dashboard in the place of the last one.
func (r *remoteBench) open(o dashboardtest.Options) {
	if r.dashboard != nil {
		r.dashboard.Close()
	}
	r.dashboard, r.seenOfDash = dashboardtest.New(o), 0
}

// settle makes a Dashboard that is far away and on which nothing is to be done for the stream: as a
// run leaves it that registers at one nearby. foreign APIs are not the mesh's.
func (r *remoteBench) settle(foreign int) {
	r.b.Helper()
	near := slowDashboard
	near.Latency = 0
	r.open(near)
	if out, err := r.inject("").CombinedOutput(); err != nil {
		r.b.Fatalf("%v\n%s", err, out)
	}

	registered := r.dashboard
	r.open(slowDashboard)
	for _, a := range registered.APIs() {
		r.dashboard.PutAPI(a)
	}

	for _, c := range registered.Certificates() {
		r.dashboard.PutCertificate(registered.PEM(c.ID))
	}

	like := registered.APIs()[0].Definition
	for i := range foreign {
		r.dashboard.PutAPI(dashboard.API{Definition: elsewhere(like, fmt.Sprintf("foreign-%04d", i))})
	}
}

// elsewhere returns an API of other people.
func elsewhere(like dashboard.Definition, name string) dashboard.Definition {
	d := like.Clone()
	delete(d, "id")
	delete(d, "config_data")
	d["name"], d["slug"], d["api_id"], d["domain"] = name, name, name, name+".example.com"
	d["proxy"].(map[string]any)["listen_path"] = "/" + name + "/"
	return d
}

// record writes the record of every certificate in the Dashboard's store to a MongoDB, and returns
// its connection string. The program could do it, but FerretDB reads all records to change one.
func (r *remoteBench) record() (uri string) {
	r.b.Helper()
	uri = catest.Mongo(r.b)

	ledger, err := ca.OpenMongo(context.Background(), uri)
	if err != nil {
		r.b.Fatal(err)
	}

	defer ledger.Close(context.Background())
	for _, c := range r.dashboard.Certificates() {
		role, app, namespace := ca.RoleMesh, "mesh", ""
		if c.SubjectCN != app {
			role = ca.RoleInbound
			app, namespace, _ = strings.Cut(c.SubjectCN, ".")
		}

		bundle := ca.Bundle{Certificate: r.dashboard.PEM(c.ID)}
		if bundle.Leaf, err = parseLeaf(bundle.Certificate); err != nil {
			r.b.Fatal(err)
		}

		bundle.Certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: bundle.Leaf.Raw})
		record := ca.NewRecord(role, namespace, app, r.dashboard.Org, bundle, time.Now())
		record.State = ca.Active
		if err := ledger.Insert(context.Background(), record); err != nil {
			r.b.Fatal(err)
		}
	}

	return uri
}

// inject returns the program on the stream, with the ledger in this MongoDB, or without one.
func (r *remoteBench) inject(mongo string) *exec.Cmd {
	cmd := exec.Command(r.binary, "inject", "-q", "--config", r.config, "-f", r.stream)
	cmd.Env = []string{
		"TYKMESH_TYK_URL=" + r.dashboard.URL, "TYK_DASHBOARD_KEY=" + plantedDashboardKey,
		"TYKMESH_CA_ADDR=" + r.cfssl.URL, "CFSSL_KEY=" + plantedCFSSLKey,
	}
	if mongo != "" {
		cmd.Env = append(cmd.Env, "TYKMESH_CA_MONGOCONNSTR="+mongo)
	}

	return cmd
}

// looked checks that the Dashboard's requests are nothing but one listing of everything in each of
// the runs.
func (r *remoteBench) looked(b *testing.B, runs int) {
	b.Helper()
	count := map[string]int{}
	for _, q := range r.dashboard.Requests() {
		count[q.String()]++
	}

	apis, certs := "GET /api/apis?p=-2 -> 200", "GET /api/certs?mode=detailed&p=-1 -> 200"
	if runs == 0 || len(count) != 2 || count[apis] != runs || count[certs] != runs {
		b.Fatalf("want one listing of each in each of %d runs, and nothing else: %v", runs, count)
	}
}

// nothingToDo measures runs that find everything as it should be.
func (r *remoteBench) nothingToDo(b *testing.B, mongo string) {
	b.Helper()
	r.dashboard.ClearLog()
	runs := 0
	stdout := measure(b, func() *exec.Cmd { runs++; return r.inject(mongo) })
	r.looked(b, runs)
	if n := bytes.Count(stdout, []byte("name: tyk-mesh\n")); n != r.services {
		b.Fatalf("%d sidecars for %d services", n, r.services)
	}
}

// registerAll measures runs that find an empty Dashboard, and an empty ledger if mongo gives one.
func (r *remoteBench) registerAll(b *testing.B, mongo func() string) {
	b.Helper()
	measure(b, func() *exec.Cmd {
		r.open(slowDashboard)
		return r.inject(mongo())
	})
	if apis, certs := len(r.dashboard.APIs()), len(r.dashboard.Certificates()); apis != 2*r.services || certs != r.services+1 {
		b.Fatalf("%d APIs and %d certificates of %d services", apis, certs, r.services)
	}

	writes := 0
	for _, q := range r.dashboard.Requests() {
		if q.Method != http.MethodGet {
			writes++
		}
	}

	if writes != 3*r.services+1 {
		b.Fatalf("%d writes for %d services: not a certificate and two APIs each, and the mesh's certificate", writes, r.services)
	}
}

// BenchmarkRegister registers new services with P-256 keys at a Dashboard that takes 50 ms for each
// request: 200 of them are to take less than 8 s. With a ledger there are fewer, because FerretDB
// reads all records to change one.
func BenchmarkRegister(b *testing.B) {
	b.Run("services=200/ledger=none", func(b *testing.B) { newRemoteBench(b, 200).registerAll(b, func() string { return "" }) })
	uri, n := strings.TrimSuffix(catest.Mongo(b), "tykmesh"), 0
	b.Run("services=50/ledger=mongo", func(b *testing.B) {
		newRemoteBench(b, 50).registerAll(b, func() string { n++; return fmt.Sprint(uri, "run", n) })
	})
}

// BenchmarkNothingToDo is a run over some 2,000 APIs and their certificates that finds everything
// as it should be, at a Dashboard that takes 50 ms for each request: one listing of each, and no
// write. The aim is less than 1 s and 100 MiB. Of the few services of one team, most of the APIs
// are those of others.
func BenchmarkNothingToDo(b *testing.B) {
	all, few := newRemoteBench(b, 1000), newRemoteBench(b, 3)
	all.settle(0)
	few.settle(2000 - 2*3)
	uri := all.record()
	b.Run("services=1000/ledger=mongo", func(b *testing.B) { all.nothingToDo(b, uri) })
	b.Run("services=1000/ledger=none", func(b *testing.B) { all.nothingToDo(b, "") })
	uri = few.record()
	b.Run("services=3/ledger=mongo", func(b *testing.B) { few.nothingToDo(b, uri) })
}
