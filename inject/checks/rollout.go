package checks

import "github.com/tykmesh/tykmesh/inject/kube"

// checkRollouts looks for Rollouts of which one Service changes a port on the mesh, while another
// does not: the objects that share out their traffic call all of them on the same port (Argo
// Rollouts documentation, Traffic Management). Without such an object it may be intended.
func (r *run) checkRollouts() {
	for _, o := range r.Rollouts {
		var changes *kube.Service
		for _, named := range o.Services {
			if s := r.Service(o.Namespace, named.Name); s != nil && r.member(s.Meta).Joins && r.member(s.Meta).Port != nil {
				changes = s
				break
			}
		}

		if changes == nil {
			continue
		}

		report := r.warn
		if o.Routed {
			report = r.breaks
		}

		for _, named := range o.Services {
			if s := r.Service(o.Namespace, named.Name); s != nil && !r.member(s.Meta).Meshed {
				report(o.Meta, named.At, "Service %s/%s joins the mesh and Service %[1]s/%[3]s does not, so their ports differ; annotate both",
					changes.Namespace, changes.Name, s.Name)
			}
		}
	}
}
