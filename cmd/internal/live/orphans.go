package live

import (
	"cmp"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// orphans notes the objects of the mesh that no workload of the input uses. Services and policies
// are no orphans where the input holds no workloads at all.
func (r *reading) orphans() {
	for o, c := range r.configs {
		if _, ours := c.files[inboundKey]; ours && !r.isUsed("ConfigMap", o) {
			r.mesh.Orphans = append(r.mesh.Orphans, r.orphanConfig(o))
		}
	}

	for o, s := range r.secrets {
		if s.isOurs(o.name) && !r.isUsed("Secret", o) {
			r.mesh.Orphans = append(r.mesh.Orphans, s.orphan(o, r.unusedFor("Secret", o)))
		}
	}

	for _, s := range r.facts.Services {
		if r.emitted[s] && len(r.rollouts) > 0 && !r.isRoute(s) {
			r.mesh.Orphans = append(r.mesh.Orphans, r.orphanService(s))
		}
	}

	for _, o := range r.policies {
		if len(r.rollouts) > 0 && !r.stands(o) {
			r.mesh.Orphans = append(r.mesh.Orphans, Orphan{"NetworkPolicy", o.namespace, o.name, unused, deletion("networkpolicy", o)})
		}
	}

	slices.SortFunc(r.mesh.Orphans, func(a, b Orphan) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
}

// The reasons of orphans.
const (
	unused  = "no workload uses it"
	returns = unused + ", but kubectl rollout undo may return to it"
	rolling = unused + ", but a rollout of its service is under way"
)

// unusedFor returns why an object is an orphan.
func (r *reading) unusedFor(kind string, o object) string {
	if len(r.earlier[kube.Ref{Kind: kind, Namespace: o.namespace, Name: o.name}]) > 0 {
		return returns
	}
	return unused
}

// isRoute reports whether a Service leads to pods of the mesh.
func (r *reading) isRoute(s *kube.Service) bool {
	for p := range r.facts.Behind(s) {
		if r.byPods[p] != nil {
			return true
		}
	}
	return false
}

// orphanService returns a Service as an orphan. It may lead to pods with a sidecar until a rollout
// is done.
func (r *reading) orphanService(s *kube.Service) Orphan {
	o := object{s.Namespace, s.Name}
	for p := range r.facts.Behind(s) {
		if r.rollouts[kube.Ref{Kind: p.Kind, Namespace: p.Namespace, Name: p.Name}] {
			return Orphan{"Service", o.namespace, o.name, rolling, ""}
		}
	}

	return Orphan{"Service", o.namespace, o.name, "it leads to no pods of the mesh", deletion("service", o)}
}

// orphanConfig returns a ConfigMap as an orphan. Of a service that stands, it may be the one to
// which kubectl rollout undo returns, if no ReplicaSets are there to tell.
func (r *reading) orphanConfig(o object) Orphan {
	rolls, stands := r.rolls[standalone.Service{Namespace: o.namespace, App: appOf(o.name)}]
	orphan := Orphan{Kind: "ConfigMap", Namespace: o.namespace, Name: o.name, Reason: r.unusedFor("ConfigMap", o), Command: deletion("configmap", o)}
	switch {
	case rolls:
		orphan.Reason, orphan.Command = rolling, ""
	case stands && !r.mesh.History:
		orphan.Reason = returns
	}

	return orphan
}

// isOurs reports whether a Secret has the name and the key of one for sidecars.
func (s *secret) isOurs(name string) bool {
	has := func(key string) bool {
		_, ok := s.data[key]
		return ok
	}

	switch {
	case isTokenName(name):
		return has(standalone.TokenFile)
	case standalone.IsSecretName(name):
		return has(standalone.CertificateFile) || has(issuerKey())
	}

	return false
}

// orphan returns a Secret as an orphan. There is a command only for one that tykmesh or
// cert-manager made.
func (s *secret) orphan(o object, reason string) Orphan {
	orphan := Orphan{Kind: "Secret", Namespace: o.namespace, Name: o.name, Reason: reason}
	switch {
	case s.issues != "":
		orphan.Reason += "; cert-manager renews it"
		orphan.Command = deletion("certificate", object{o.namespace, s.issues}, o)
	case s.managed:
		orphan.Command = deletion("secret", o)
	default:
		orphan.Reason += "; tykmesh did not make it"
	}

	return orphan
}

// deletion returns the command that deletes an object of a kind, and then a Secret that a
// controller would otherwise make again; "" for a name that is not safe in a shell.
func deletion(kind string, objects ...object) string {
	command := ""
	for _, o := range objects {
		if len(validation.IsDNS1123Label(o.namespace))+len(validation.IsDNS1123Subdomain(o.name)) > 0 {
			return ""
		}
		if command != "" {
			command, kind = command+" && ", "secret"
		}
		command += fmt.Sprintf("kubectl delete %s -n %s %s", kind, o.namespace, o.name)
	}

	return command
}
