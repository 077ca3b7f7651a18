package apply

import (
	"context"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/dashboard"
)

// The listing of the store leaves these questions open, and a look at a certificate by its id
// answers them:
//
//	the listing                                    the certificate is read
//	has no details, and there is no ledger         always: the plan needs the details
//	has no details, because the detailed one
//	  failed                                       if an API or a record names it
//	lacks it, and an API of the mesh carries it    always
//	else                                           never
//
// A certificate that cannot be read is lost: the store has its id at most. The gateway behind the
// Dashboard keeps ids and certificates in Redis apart, so that Redis can lose one without the
// other, and the detailed listing fails then.
//
// A certificate that is read although the listing lacks it is new, if another listing has it. Else
// it is lost too: gateways remember certificates for five minutes (Tyk Gateway, certs.List).

// lookUp reads certificates one by one, and adds to a state the details or that they are lost.
func lookUp(ctx context.Context, r mesh.Remote, s mesh.Settings, state *plan.State) error {
	ids := openQuestions(state, s.Org)
	if len(ids) == 0 {
		return nil
	}

	var mu sync.Mutex
	found := make(map[string]dashboard.Certificate)
	state.Lost = make(map[string]bool)

	g, reading := errgroup.WithContext(ctx)
	g.SetLimit(s.AtOnce())
	for _, id := range ids {
		g.Go(func() error {
			c, err := r.Certificates.Certificate(reading, id)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case isNotFound(err): // or deleted since the listing: of no use either way
				state.Lost[id] = true
				return nil
			case err == nil:
				found[id] = c
			}
			return err
		})
	}

	if err := g.Wait(); err != nil {
		return err
	}

	state.Certificates = slices.Clone(state.Certificates)
	for i, c := range state.Certificates {
		if detailed, ok := found[c.ID]; ok {
			state.Certificates[i] = detailed
			delete(found, c.ID)
		}
	}

	return listAgain(ctx, r, state, found)
}

// listAgain adds certificates to a state that the listing lacks: as new ones if another listing has
// them, else as lost ones.
func listAgain(ctx context.Context, r mesh.Remote, state *plan.State, unlisted map[string]dashboard.Certificate) error {
	if len(unlisted) == 0 {
		return nil
	}

	again, err := r.Certificates.Certificates(ctx)
	if err != nil {
		return err
	}

	for _, id := range slices.Sorted(maps.Keys(unlisted)) {
		if slices.ContainsFunc(again, func(c dashboard.Certificate) bool { return c.ID == id }) {
			state.Certificates = append(state.Certificates, unlisted[id])
		} else {
			state.Lost[id] = true
		}
	}

	return nil
}

// openQuestions returns the ids of the certificates to look up, sorted.
func openQuestions(state *plan.State, org string) []string {
	carried := make(map[string]bool)
	for _, api := range state.APIs {
		if _, ok := mesh.ClassicOwner(api.Definition); ok {
			for _, id := range api.Definition.Certificates() {
				carried[id] = true
			}
		}
	}

	named := func(string) bool { return true }
	if state.HasLedger {
		named = namedIn(state, org)
	}

	ids := make(map[string]bool)
	for _, c := range state.Certificates {
		delete(carried, c.ID)
		if c.NotAfter.IsZero() && (c.Unread || !state.HasLedger) && named(c.ID) {
			ids[c.ID] = true
		}
	}

	for id := range carried {
		if mesh.IsStoreID(id, org) {
			ids[id] = true
		}
	}

	return slices.Sorted(maps.Keys(ids))
}

// namedIn returns whether an API or a record of a state names a certificate.
func namedIn(state *plan.State, org string) func(id string) bool {
	uses, recorded := mesh.UsesOf(state.APIs), make(map[string]bool)
	for _, r := range state.Records {
		recorded[r.Fingerprint], recorded[org+r.Fingerprint] = true, true // tyk-k8s recorded some without the organisation
	}
	return func(id string) bool { return recorded[id] || len(uses[id]) > 0 }
}
