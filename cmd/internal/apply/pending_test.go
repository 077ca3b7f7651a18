package apply

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// anothers returns the certificate of echo that another run has just made, and its record.
func (w *world) anothers() (ca.Bundle, ca.Record) {
	w.tb.Helper()
	bundle, err := w.remote.Issuer.Issue(context.Background(), []string{"echo.shop"})
	must(w.tb, err)
	return bundle, ca.NewRecord("inbound", "shop", "echo", w.settings.Org, bundle, time.Now())
}

// appearsLater makes the Dashboard store a certificate once somebody has looked for it in vain.
func (w *world) appearsLater(id string, bundle ca.Bundle) {
	w.dash.Fail(dashboardtest.Fault{Method: http.MethodGet, Path: "/api/certs/" + id, Answer: func(rw http.ResponseWriter, r *http.Request) {
		w.dash.PutCertificate(bundle.PEM())
		dashboardtest.Refusal(http.StatusNotFound, "not yet")(rw, r)
	}})
}

// TestAnotherRunDiesAfterItsUpload: a run that waits for another's certificate also finishes its
// record, because the other one may never come to do that.
func TestAnotherRunDiesAfterItsUpload(t *testing.T) {
	t.Run("recorded before this run", func(t *testing.T) {
		w := newWorld(t, dashboardtest.Options{})
		bundle, record := w.anothers()
		must(t, w.remote.Ledger.Insert(context.Background(), record))
		w.appearsLater(record.Fingerprint, bundle)
		w.mustRun(echo)
		w.holds(record)
	})

	t.Run("recorded at the same moment", func(t *testing.T) {
		w := newWorld(t, dashboardtest.Options{})
		bundle, record := w.anothers()
		w.remote.Ledger = &overtaken{Ledger: w.remote.Ledger, by: record, overtake: func() { w.appearsLater(record.Fingerprint, bundle) }}
		w.mustRun(echo)
		w.holds(record)
	})
}

// holds checks that the ledger has a record as active.
func (w *world) holds(want ca.Record) {
	w.tb.Helper()
	for _, r := range w.records() {
		if r.ID == want.ID && r.Fingerprint == want.Fingerprint && r.State == ca.Active {
			return
		}
	}
	w.tb.Errorf("the other run's record is not there as active: %s", w.ledgerText())
}

// overtaken is a ledger into which another run writes a record just before this one does.
type overtaken struct {
	mesh.Ledger
	by       ca.Record
	overtake func()
	once     sync.Once
}

func (l *overtaken) Insert(ctx context.Context, r ca.Record) (err error) {
	if r.ID == l.by.ID {
		l.once.Do(func() {
			l.overtake()
			err = l.Ledger.Insert(ctx, l.by)
		})
		if err != nil {
			return err
		}
	}

	return l.Ledger.Insert(ctx, r)
}

// outdated is a store whose listing was made before the last certificates came in.
type outdated struct{ sound }

type sound interface{ mesh.Certificates } // an embedded Certificates would hide its method of that name

func (outdated) Certificates(context.Context) ([]dashboard.Certificate, error) { return nil, nil }

// TestListingOlderThanTheRecord: the store and the ledger are not listed at the same instant. A
// certificate that another run records and stores in between is in the one listing and not in the
// other, and is not made again.
func TestListingOlderThanTheRecord(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.mustRun(echo)
	before, store := w.snapshot()+w.ledgerText(), w.remote.Certificates
	w.remote.Certificates = outdated{store}
	_, err := w.run(context.Background(), echo)
	must(t, err)
	w.remote.Certificates = store
	if diff := cmp.Diff(before, w.snapshot()+w.ledgerText()); diff != "" {
		t.Errorf("a run with an old listing changed (-before +after):\n%s", diff)
	}

	w.settled(echo)
}
