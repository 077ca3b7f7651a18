package apply

import (
	"context"
	"crypto/x509"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
)

// Observe reads the remote systems, each listing once and all at the same time: the APIs, and with
// TLS the store's certificates, the ledger's records and the certificate of the CA. Certificates
// are looked up one by one only where the listing leaves a question open, see lookUp.
//
// Without an Issuer the CA stays unknown, which is enough for plan.Remove and an Inventory, and not
// for a Plan: see Survey.
//
// Errors: *StepError for a listing that failed, all of them joined; nothing can be planned then,
// because only a complete listing proves that something is not there.
func Observe(ctx context.Context, r mesh.Remote, s mesh.Settings) (plan.State, error) {
	state := plan.State{HasLedger: s.TLS && r.Ledger != nil}
	reads := []func() error{func() (err error) {
		state.APIs, err = r.APIs.APIs(ctx)
		return stepError("listing", "APIs", "", err)
	}}
	if s.TLS {
		reads = append(reads, func() (err error) {
			state.Certificates, err = r.Certificates.Certificates(ctx)
			return stepError("listing", "certificates", "", err)
		})
	}

	if s.TLS && r.Issuer != nil {
		reads = append(reads, func() (err error) {
			state.CA, err = r.Issuer.CA(ctx)
			return stepError("reading", "certificate authority", "", err)
		})
	}

	if state.HasLedger {
		reads = append(reads, func() (err error) {
			state.Records, err = r.Ledger.Records(ctx)
			state.Records = slices.DeleteFunc(state.Records, ca.Record.IsSecret) // a mesh without a Dashboard may share the ledger
			return stepError("reading", "ledger", "", err)
		})
	}

	errs := make([]error, len(reads))
	var g errgroup.Group
	for i, read := range reads {
		g.Go(func() error {
			errs[i] = read()
			return nil
		})
	}

	_ = g.Wait()
	if err := joinErrors(ctx, errs); err != nil {
		return plan.State{}, err
	}

	if err := lookUp(ctx, r, s, &state); err != nil {
		return plan.State{}, stepError("listing", "certificates", "", err)
	}

	return state, nil
}

// Survey reads the remote systems as Observe does, for commands that only list or delete: they work
// without the certificate of the CA where it cannot be read, and missing tells why.
func Survey(ctx context.Context, r mesh.Remote, s mesh.Settings) (state plan.State, missing, err error) {
	issuer := r.Issuer
	if !s.TLS || issuer == nil {
		state, err = Observe(ctx, r, s)
		return state, nil, err
	}

	r.Issuer = nil
	var authority *x509.Certificate
	var g errgroup.Group
	g.Go(func() (err error) {
		authority, err = issuer.CA(ctx)
		return stepError("reading", "certificate authority", "", err)
	})
	state, err = Observe(ctx, r, s)
	missing = g.Wait()
	state.CA = authority

	return state, missing, err
}
