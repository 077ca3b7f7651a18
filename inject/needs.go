package inject

import (
	"cmp"
	"maps"
	"slices"

	"github.com/tykmesh/tykmesh/inject/checks"
	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/sidecar"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// Need lists the things that a namespace must have for the injected pods, and that the stream does
// not contain.
type Need struct {
	Namespace string
	Secret    bool          // the Secret of the sidecars (sidecar.Secret)
	Secrets   []string      // those of the services, in a mesh without a Dashboard: certificates and tokens, sorted
	Authority bool          // the ConfigMap of the CA (sidecar.Authority)
	Security  kube.Security // a level of Pod Security that is looser than what its pods met before; "" where none is

	implicit bool // some of the pods do not say that they are in the namespace
}

// What namespaces need besides levels of Pod Security.
var (
	neededSecret    = kube.Ref{Kind: "Secret", Name: sidecar.Secret}
	neededAuthority = kube.Ref{Kind: "ConfigMap", Name: sidecar.Authority}
)

// needs returns the needs of the injected pods, by namespace.
func (in *injection) needs() (all []Need) {
	needs := make(map[string]*Need)
	for _, p := range in.facts.Pods {
		o := in.objects[p.Meta]
		if o == nil || o.Outcome != Injected {
			continue
		}

		need := needs[p.Namespace]
		if need == nil {
			need = in.needOf(p.Namespace)
			needs[p.Namespace] = need
		}

		need.implicit = need.implicit || p.Implicit
		need.Secrets = append(need.Secrets, in.missingSecrets(p, o)...)
		in.unsettle(p)
		if in.acceptsOf(p, Rule(checks.Security.Code)) {
			continue
		}

		if n := in.facts.NamespaceOf(p.Meta); o.After.Looser(o.Before) && (n == nil || n.Enforced == "") {
			need.Security = cmp.Or(need.Security, o.After)
			if o.After.Looser(need.Security) {
				need.Security = o.After
			}
		}
	}

	for _, name := range slices.Sorted(maps.Keys(needs)) {
		slices.Sort(needs[name].Secrets)
		needs[name].Secrets = slices.Compact(needs[name].Secrets)
		all = append(all, *needs[name])
	}

	return all
}

// needOf returns what all pods of a namespace need. In a mesh without a Dashboard they share
// nothing.
func (in *injection) needOf(namespace string) *Need {
	need := &Need{Namespace: namespace}
	if s := in.settings; s.Standalone == nil {
		need.Secret = s.Sidecar != nil && !in.facts.Provides(namespace, neededSecret)
		need.Authority = s.TLS && !in.facts.Provides(namespace, neededAuthority)
	}

	return need
}

// missingSecrets returns the Secrets of the pods' service that the stream does not contain, and
// that the user does not accept as missing. cert-manager makes those of certificates.
func (in *injection) missingSecrets(p *kube.Pods, o *Object) (names []string) {
	mesh := in.settings.Standalone
	if mesh == nil || in.acceptsOf(p, RuleSecret) {
		return nil
	}

	svc := standalone.Service(o.workload.Service)
	if mesh.Certificates && mesh.Issuer == nil {
		names = append(names, standalone.SecretName(svc))
	}
	if mesh.TokenKey != "" {
		names = append(names, standalone.TokenSecretName(svc))
	}

	return slices.DeleteFunc(names, func(name string) bool {
		return in.facts.Provides(p.Namespace, kube.Ref{Kind: neededSecret.Kind, Name: name})
	})
}

// secretNames returns the part of the names of services' Secrets that they have in common; "" if
// services have none.
func (s Settings) secretNames() string {
	if s.Standalone == nil {
		return ""
	}
	return standalone.NameSuffix
}

// unsettle notes what pods need of their namespace without accepting the warning about it.
func (in *injection) unsettle(p *kube.Pods) {
	if in.unsettled == nil {
		in.unsettled = make(map[kube.Ref]bool)
	}
	for rule, ref := range map[Rule]kube.Ref{RuleSecret: neededSecret, RuleTrust: neededAuthority} {
		if ref.Namespace = p.Namespace; !in.acceptsOf(p, rule) {
			in.unsettled[ref] = true
		}
	}
}

// forgive drops the needs that all pods concerned accept. It comes after emit, which adds the
// ConfigMap of an accepted need too.
func (in *injection) forgive() {
	for i := range in.Needs {
		n, secret, authority := &in.Needs[i], neededSecret, neededAuthority
		secret.Namespace, authority.Namespace = n.Namespace, n.Namespace
		n.Secret, n.Authority = n.Secret && in.unsettled[secret], n.Authority && in.unsettled[authority]
	}
}
