package plan

import (
	"slices"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard"
)

// planAPI plans the step for one API.
func (x *Snapshot) planAPI(w *mesh.WantedAPI, current *dashboard.API, certificate *assignment) (*Step, *UnkeptError) {
	step := Step{Kind: APIKind, Service: w.Service, Role: w.Role, Name: w.Slug}
	if current == nil {
		step.Action, step.Reasons = Create, []string{Absent}
		step.Work = &Registration{Wanted: w, Updated: w.Definition}
		return &step, nil
	}
	return x.planUpdate(step, w, current.Definition, certificate)
}

// planUpdate plans the step for an API that is there. Where w is nil, only its certificate may
// change.
//
// Errors: the Dashboard is known not to keep vital fields of the API.
func (x *Snapshot) planUpdate(step Step, w *mesh.WantedAPI, current dashboard.Definition, certificate *assignment) (*Step, *UnkeptError) {
	step.Action, step.ID = Keep, current.ID()

	known := ""
	var former []string
	if certificate != nil {
		known = certificate.ID
		former = x.replaceable(current.Certificates(), certificate.holder, certificate.ID)
	}

	if hasCertificate(current, certificate) && len(former) == 0 && asWanted(current, w) {
		return &step, nil
	}

	due := &Registration{Wanted: w, Updated: update(current, w), Former: former}
	changes, lost := due.changes(current, known)
	step.Reasons = mesh.Reasons(changes)
	if certificate != nil && known == "" {
		step.Reasons = append(step.Reasons, "gets a new certificate")
	}

	if len(step.Reasons) > 0 {
		step.Action, step.Changes, step.Work = Update, changes, due
		step.Renewal = certificate != nil && certificate.renews() && len(changes) == 0
	}

	if len(lost) > 0 {
		return &step, &UnkeptError{step.Name, step.ID, lost}
	}

	return &step, nil
}

// changes returns the changes that an update would make, and of those that the Dashboard is known
// not to keep the vital ones. A tag of the API remembers a difference that the Dashboard does not
// keep: it is not due again.
func (w *Registration) changes(current dashboard.Definition, certificate string) (list, lost []dashboard.Change) {
	bare, tag := WithoutUnkeptTag(current)
	to, _ := WithoutUnkeptTag(w.Final(certificate))
	list = mesh.Changes(bare, to)
	if tag != "" && tag == UnkeptTag(bare, to) {
		return OfCertificates(list), VitalChanges(list)
	}
	return list, nil
}

// asWanted reports whether an update would change nothing, which is so nearly always, without
// making one.
func asWanted(current dashboard.Definition, w *mesh.WantedAPI) bool {
	if w == nil {
		return true
	}
	return current.Includes(w.LeavesFor(current)) && len(current.Zeros(mesh.Switches)) == 0 && len(staleFields(current, w)) == 0
}

// hasCertificate reports whether a definition names the certificate that it is to have.
func hasCertificate(d dashboard.Definition, certificate *assignment) bool {
	return certificate == nil || certificate.ID != "" && slices.Contains(d.Certificates(), certificate.ID)
}

// update merges the wanted leaves into a definition, and reverts the leaves that annotations set
// and no longer set.
func update(current dashboard.Definition, w *mesh.WantedAPI) dashboard.Definition {
	if w == nil {
		return current
	}

	bare, tag := WithoutUnkeptTag(current)

	out := bare.Without(staleFields(bare, w)).Merge(w.LeavesFor(bare)).Merge(bare.Zeros(mesh.Switches))
	if tag != "" && tag == UnkeptTag(bare, out) {
		out["tags"] = dashboard.Union(out.Tags(), tag)
	}

	return out
}

// staleFields returns the fields set by annotations that the manifest no longer has, template
// fields that an annotation now replaces, unless they were edited since, and the port in the mark
// after the second step.
func staleFields(current dashboard.Definition, w *mesh.WantedAPI) (paths []string) {
	for _, p := range mesh.MarkedPaths(current) {
		// The mark is in the hands of whoever edits the Dashboard: it must not make us drop what
		// identifies the API.
		if _, ok := slices.BinarySearch(w.Paths, p); !ok && !dashboard.Identifies(p) {
			paths = append(paths, p)
		}
	}

	if w.NextPort == 0 && mesh.MarkedNextPort(current) != 0 {
		paths = append(paths, mesh.NextPortPath)
	}

	for _, leaf := range w.Replaced {
		if v, ok := current.Leaf(leaf.Path); ok && dashboard.Same(v, leaf.Value) {
			paths = append(paths, leaf.Path.String())
		}
	}

	return paths
}

// withCertificate puts a certificate among those of a definition: in the place of the first that it
// replaces, else at the end. The others that it replaces are taken off; all other certificates
// stay.
func withCertificate(d dashboard.Definition, id string, former []string) dashboard.Definition {
	var list []string
	placed := false
	for _, held := range d.Certificates() {
		ours := held == id || slices.Contains(former, held)
		if !ours {
			list = append(list, held)
			continue
		}

		if !placed {
			list = append(list, id)
			placed = true
		}
	}

	if !placed {
		list = append(list, id)
	}

	return d.With("certificates", dashboard.Union(list))
}

// Final returns the definition with the certificate that is known by now.
func (w *Registration) Final(certificate string) dashboard.Definition {
	if certificate == "" {
		return w.Updated
	}
	return withCertificate(w.Updated, certificate, w.Former)
}

// Aligned merges the wanted leaves into a definition, with this certificate, if any, in the place
// of those that it replaces.
func Aligned(held dashboard.Definition, w *mesh.WantedAPI, certificate string, former []string) dashboard.Definition {
	to := update(held, w)
	if certificate != "" {
		to = withCertificate(to, certificate, former)
	}
	return to
}
