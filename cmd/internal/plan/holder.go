package plan

import (
	"cmp"
	"slices"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/inject"
)

// holder has a certificate: a service, whose inbound APIs carry it, or the mesh, whose mesh APIs
// do.
type holder struct {
	Service inject.Service // zero for the mesh
	Role    mesh.Role
	Hosts   []string // of the certificate
}

func serviceHolder(svc inject.Service) holder {
	return holder{Service: svc, Role: mesh.Inbound, Hosts: []string{mesh.Host(svc)}}
}

func meshHolder(s mesh.Settings) holder {
	return holder{Role: mesh.Mesh, Hosts: s.MeshCertificateHosts()}
}

// name returns the first host.
func (h holder) name() string { return cmp.Or(h.Hosts...) }

// recordID returns the id of the holder's record in the ledger. The mesh's has no namespace, and
// the name that no app can have.
func (h holder) recordID() string { return ca.RecordID(string(h.Role), h.Service.Namespace, h.App()) }

func (h holder) App() string { return cmp.Or(h.Service.App, mesh.Tag) }

// madeFor reports whether a certificate was made for a holder: it is that of the holder's record,
// now or before; tyk-k8s recorded it for no other hosts; or by the store's details a CA of the mesh
// signed it for exactly these hosts, or it is for exactly these and has expired.
func (c *Certificate) madeFor(h holder) bool {
	return c.recordedFor(h) || c.legacyLeaf != nil && within(c.legacyLeaf.DNSNames, h.Hosts) ||
		c.signedFor(h.Hosts) || c.isFor(h.Hosts) && c.stored.NotAfter.Before(c.snapshot.now)
}

// recordedFor reports whether the record of a holder names the certificate, now or in its history.
func (c *Certificate) recordedFor(h holder) bool {
	r := c.snapshot.records[h.recordID()]
	return r != nil && (r.entry.Fingerprint == c.ID || slices.ContainsFunc(r.entry.History, func(past ca.Past) bool { return past.Fingerprint == c.ID }))
}

// within reports whether there are any hosts, and all of them are among others.
func within(hosts, others []string) bool {
	return len(hosts) > 0 && !slices.ContainsFunc(hosts, func(h string) bool { return !slices.Contains(others, h) })
}

// replaceable returns the certificates on an API that the one with this id replaces: all others
// that were made for the holder, and those that the store has lost, which serve nothing.
func (x *Snapshot) replaceable(attached []string, h holder, id string) (ids []string) {
	for _, other := range attached {
		if other != id && (x.State.Lost[other] || x.certificate(other).madeFor(h)) {
			ids = append(ids, other)
		}
	}
	return ids
}
