package ca_test

import (
	"context"
	"crypto/x509"
	"errors"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/tykmesh/tykmesh/ca"
)

// An interruption does not wait for the key, which would never be made here.
func TestKeyIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	for _, makes := range []func() (int, error){
		func() (int, error) { cancel(); select {} },
		func() (int, error) { select {} },
	} {
		if _, err := ca.Until(ctx, makes); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}

	if n, err := ca.Until(t.Context(), func() (int, error) { return 1, nil }); n != 1 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
}

// After an interruption, nothing is signed.
func TestIssueIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	signer := interrupting{newLocal(t, t.TempDir()), cancel, t}
	_, err := ca.Issue(ctx, signer, ca.Request{Hosts: []string{"echo.shop"}, Key: ca.KeyRequest{Algo: ca.RSA, Size: 8192}})
	wantError(t, err, context.Canceled, "making a key rsa 8192")
}

// interrupting is a signer that ends the context while a certificate is issued.
type interrupting struct {
	*ca.Local
	cancel context.CancelFunc
	t      *testing.T
}

// Chain ends the context: Issue calls it right before it makes the key.
func (i interrupting) Chain(ctx context.Context) ([]*x509.Certificate, error) {
	i.cancel()
	return i.Local.Chain(ctx)
}

func (i interrupting) Sign(context.Context, []string, []byte) ([]byte, error) {
	i.t.Error("it was signed")
	return nil, errors.New("too late")
}

// If another process keeps the ledger open, every operation on it can be interrupted.
func TestOpeningIsInterrupted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	other, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}

	defer other.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	_, err = ca.OpenFileLedger(ctx, path)
	wantError(t, err, context.Canceled, path)
}

// After the end of the context, Close does not notify the server, which may be the one that does
// not answer.
func TestClosingIsInterrupted(t *testing.T) {
	asked := make(chan string, 100)
	uri := serveStub(t, func(request bson.Raw) bson.D {
		if e, err := request.IndexErr(0); err == nil {
			asked <- e.Key()
		}
		return stubAnswer(request, "", 0)
	})

	for _, interrupted := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		l, err := ca.OpenMongo(ctx, uri)
		if err != nil {
			t.Fatal(err)
		}

		if _, err := l.Records(ctx); err != nil {
			t.Fatal(err)
		}

		if interrupted {
			cancel()
		}

		_ = l.Close(ctx)
		cancel()

		told := false
		for len(asked) > 0 {
			told = <-asked == "endSessions" || told
		}

		if told == interrupted {
			t.Errorf("interrupted: %v, the server was told: %v", interrupted, told)
		}
	}
}
