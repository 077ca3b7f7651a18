package plan

import (
	"time"

	"github.com/tykmesh/tykmesh/inject"
)

// End tells when a certificate ends that services or the mesh have after a plan.
type End struct {
	Service  inject.Service // zero for the mesh
	Action   Action         // Keep, Confirm or Issue
	NotAfter time.Time      // zero for one that is issued, and where neither the store nor the ledger tells
}

// ends returns the ends of the certificates that services and the mesh have after the plan.
func (p *Plan) ends(x *Snapshot) (all []End) {
	for _, s := range p.certificates() {
		end := End{Service: s.Service, Action: s.Action}
		if s.ID != "" && s.Action != Issue {
			end.NotAfter = x.certificate(s.ID).expires()
		}
		all = append(all, end)
	}
	return all
}
