package secrets_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/secrets"
)

// faulty refuses changes.
type faulty []error

func (f faulty) Write(context.Context, []ca.Change) []error { return f }

// Errors of the ledger are reported, each message once; a record that another run has written is no
// error.
func TestRecordReports(t *testing.T) {
	all := errors.New("writing 4 records: no space left on device")
	one := fmt.Errorf("replacing record x: %w", ca.ErrLedgerForbidden)
	met := fmt.Errorf("inserting record y: %w", ca.ErrRecordExists)
	for _, test := range []struct {
		errs faulty
		want string
	}{
		{faulty{nil, met, fmt.Errorf("z: %w", ca.ErrRecordChanged)}, "<nil>"},
		{faulty{all, all, all, all}, all.Error()},
		{faulty{nil, one, met, all}, one.Error() + "\n" + all.Error()},
	} {
		if got := fmt.Sprint(secrets.Record(t.Context(), test.errs, nil)); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}
