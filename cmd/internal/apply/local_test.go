package apply

import (
	"context"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan/plantest"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
	"github.com/tykmesh/tykmesh/inject"
)

// TestDirectory: the same plan against a directory, a local CA and a ledger in a file. A second run
// writes no byte.
func TestDirectory(t *testing.T) {
	dir := t.TempDir()
	s := plantest.Settings()
	s.TLS, s.SeesAllAPIs = true, true
	run := func() map[inject.Service]inject.Binding {
		store, err := dashboard.OpenDir(dir, s.Org)
		must(t, err)
		local, err := ca.OpenLocal(filepath.Join(dir, "ca"), nil)
		must(t, err)
		ledger, err := ca.OpenFileLedger(context.Background(), filepath.Join(dir, "ledger.db"))
		must(t, err)
		defer ledger.Close(context.Background())
		w := &world{tb: t, settings: s, remote: mesh.Remote{APIs: store, Certificates: store, Issuer: issuer{Signer: local}, Ledger: ledger}}
		bindings, err := w.run(context.Background(), echo, sleepy)
		must(t, err)

		return bindings
	}

	first := run()

	files := read(t, dir)
	if n := len(files); n != 4+3+3 {
		t.Errorf("%d files", n)
	}

	if diff := cmp.Diff(first, run()); diff != "" {
		t.Errorf("bindings:\n%s", diff)
	}

	if diff := cmp.Diff(files, read(t, dir)); diff != "" {
		t.Errorf("a second run changed files:\n%s", diff)
	}

	if len(first) != 2 || first[echo.Service].MeshID == "" {
		t.Errorf("bindings %v", first)
	}
}

// read gives the files of a folder.
func read(t *testing.T, dir string) map[string]string {
	files := make(map[string]string)
	must(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			var content []byte
			content, err = os.ReadFile(path)
			files[path] = string(content)
		}
		return err
	}))

	return files
}

func TestMongo(t *testing.T) {
	ledger, err := ca.OpenMongo(context.Background(), catest.Mongo(t)+"?maxPoolSize=1")
	must(t, err)
	defer ledger.Close(context.Background())
	w := newWorld(t, dashboardtest.Options{})
	w.remote.Ledger = ledger
	var g sync.WaitGroup
	for range 3 {
		g.Go(func() {
			if _, err := w.run(context.Background(), echo, sleepy); err != nil {
				t.Error(err)
			}
		})
	}

	g.Wait()
	if n := len(w.records()); n != 3 || len(w.dash.Certificates()) != 3 {
		t.Errorf("%d records, %d certificates", n, len(w.dash.Certificates()))
	}

	w.settled(echo, sleepy)
}

// TestOtherRunIsAboutToUpload: a record that another run wrote a moment ago is not taken from it.
func TestOtherRunIsAboutToUpload(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	bundle, err := w.remote.Issuer.Issue(context.Background(), []string{"echo.shop"})
	must(t, err)
	theirs := ca.NewRecord("inbound", "shop", "echo", w.settings.Org, bundle, time.Now())
	must(t, w.remote.Ledger.Insert(context.Background(), theirs))
	w.dash.Fail(dashboardtest.Fault{
		Method: "GET", Path: "/api/certs/" + theirs.Fingerprint,
		Answer: func(rw http.ResponseWriter, r *http.Request) {
			w.dash.PutCertificate(bundle.PEM())
			dashboardtest.Refusal(404, "Could not retrieve certificate details. Certificate with given SHA256 fingerprint not found")(rw, r)
		},
	})

	_, err = w.run(context.Background(), echo)
	must(t, err)
	if got := w.api("echo-inbound").Certificates(); len(got) != 1 || got[0] != theirs.Fingerprint {
		t.Errorf("certificates %v, the other run's is %s", got, theirs.Fingerprint)
	}

	if n := len(w.dash.Certificates()); n != 2 {
		t.Errorf("%d certificates", n)
	}
}

// arriving is a store in which one certificate appears after a time.
type arriving struct {
	anyStore
	at time.Time
}

type anyStore interface{ mesh.Certificates }

func (a arriving) Certificate(context.Context, string) (dashboard.Certificate, error) {
	if time.Now().Before(a.at) {
		return dashboard.Certificate{}, dashboard.ErrNotFound
	}
	return dashboard.Certificate{}, nil
}

func TestWaitForUpload(t *testing.T) {
	local, err := ca.OpenLocal(t.TempDir(), nil)
	must(t, err)
	bundle, err := issuer{Signer: local}.Issue(context.Background(), []string{"echo.shop"})
	must(t, err)
	authority, err := issuer{Signer: local}.CA(context.Background())
	must(t, err)
	for _, c := range []struct {
		name      string
		state     ca.State
		hosts     []string
		authority *x509.Certificate
		after     time.Duration
		want      bool
		waits     time.Duration
	}{
		{"there", ca.Pending, []string{"echo.shop"}, authority, 0, true, 0},
		{"soon", ca.Pending, []string{"echo.shop"}, authority, time.Second, true, 2 * time.Second},
		{"never", ca.Pending, []string{"echo.shop"}, authority, time.Hour, false, 4 * time.Second},
		{"lost", ca.Active, []string{"echo.shop"}, authority, time.Second, false, 0},
		{"for other hosts", ca.Pending, []string{"mesh"}, authority, 0, false, 0},
		{"of another CA", ca.Pending, []string{"echo.shop"}, catest.NewCA("other").Cert, 0, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				now := bundle.Leaf.NotBefore.Add(time.Hour) // the bubble's clock stands in the year 2000
				r := &run{
					Remote:    mesh.Remote{Certificates: arriving{at: time.Now().Add(c.after)}},
					settings:  mesh.Settings{Now: func() time.Time { return now }},
					currentCA: c.authority, journal: newJournal(nil, 1),
				}
				record := ca.NewRecord("inbound", "shop", "echo", "", bundle, now)
				record.State = c.state
				start := time.Now()
				got, err := r.appears(t.Context(), "echo.shop", c.hosts, &record)
				if err != nil || got != c.want || time.Since(start) > c.waits {
					t.Errorf("%v, %v after %v", got, err, time.Since(start))
				}
			})
		})
	}
}
