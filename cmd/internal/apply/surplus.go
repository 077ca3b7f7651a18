package apply

import (
	"context"
	"slices"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/dashboard"
)

// Without a ledger no record says which of two runs at the same moment was first, so both may issue
// a certificate for the same hosts. The API decides: the one that is on it stays, and for the mesh
// the one on the API with the lowest database id. A run that loses takes the other one and deletes
// its own.

// elected returns the certificate that an API is to have: one that another run has put on it since
// the listing and that serves, else this run's own.
func (r *run) elected(ctx context.Context, of mesh.Owner, former []string, held dashboard.Definition, own string) string {
	if r.Ledger != nil || own == "" {
		return own
	}
	for _, id := range held.Certificates() {
		if id != own && !slices.Contains(former, id) && r.serves(ctx, id, of.Hosts(r.settings)) {
			r.beaten(of.Role, own)
			return id
		}
	}

	return own
}

// serves reports whether a certificate in the store is good for these hosts.
func (r *run) serves(ctx context.Context, id string, hosts []string) bool {
	c, err := r.Certificates.Certificate(ctx, id)
	return err == nil && plan.Serves(c, hosts, r.settings.Terms(r.currentCA))
}

// beaten notes that a certificate of this run has lost. That of the mesh may be on other APIs yet,
// see oneMeshCertificate.
func (r *run) beaten(role mesh.Role, own string) {
	if role == mesh.Mesh {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.surplus, own) {
		r.surplus = append(r.surplus, own)
	}
}

// oneMeshCertificate puts the certificate of the mesh that has won on the APIs that this run gave
// its own.
func (r *run) oneMeshCertificate(ctx context.Context) error {
	if r.Ledger != nil || r.ownMesh == "" {
		return nil
	}

	apis, err := r.APIs.APIs(ctx)
	if err != nil {
		return stepError("listing", "APIs", "", err)
	}

	winner := r.winner(ctx, apis)
	if winner == "" {
		return nil
	}

	for i := range r.written {
		w := &r.written[i]
		if w.step.Role != mesh.Mesh || w.certificate == winner {
			continue
		}

		held, err := r.APIs.API(ctx, w.id)
		if err == nil {
			err = r.align(ctx, w.work.Wanted, held, winner, []string{w.certificate, r.ownMesh})
		}

		if err != nil {
			return stepError("updating", "API", w.step.Name, err)
		}

		w.certificate = winner
	}

	if r.ownMesh != winner {
		r.surplus = append(r.surplus, r.ownMesh)
	}

	return nil
}

// winner returns the certificate of the mesh that its API with the lowest database id carries; ""
// if that has none that serves.
func (r *run) winner(ctx context.Context, apis []dashboard.API) string {
	var first dashboard.Definition
	for _, api := range apis {
		o, ok := mesh.ClassicOwner(api.Definition)
		if ok && o.Role == mesh.Mesh && (first == nil || api.Definition.ID() < first.ID()) {
			first = api.Definition
		}
	}

	for _, id := range first.Certificates() {
		if r.serves(ctx, id, r.settings.MeshCertificateHosts()) {
			return id
		}
	}

	return ""
}

// dropSurplus deletes the certificates of this run that have lost, where no API is proved to use
// them. One that stays is deleted by a later run, when it is older than freshFor.
func (r *run) dropSurplus(ctx context.Context) {
	for _, id := range r.surplus {
		if r.proof.refuses(id) == nil && r.Certificates.DeleteCertificate(ctx, id) == nil {
			r.journal.wroteSome()
		}
	}
}
