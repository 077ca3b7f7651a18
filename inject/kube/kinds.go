package kube

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// Around says which objects others are read for the sake of.
type Around uint8

// Objects are read around Services, around pods, or around both.
const (
	Services Around = 1 << iota
	Workloads
)

// kind says what Facts does with the objects of a kind.
type kind struct {
	around Around
	groups []string
	add    func(*Facts, Object) *Meta
}

// definition is a kind whose objects are long, and speak of containers without having any.
const definition = "CustomResourceDefinition"

// kinds are the kinds that Facts reads besides pods. Workloads have no fixed kind: their containers
// reveal them.
var kinds = withPortKinds(map[string]kind{
	"Service":                 {around: Services | Workloads}, // AddService
	"ServiceMonitor":          {Services, []string{"monitoring.coreos.com"}, addMonitor},
	"Rollout":                 {Services, []string{"argoproj.io"}, addRollout},
	"NetworkPolicy":           {Workloads, []string{"networking.k8s.io", "extensions"}, addPolicy},
	"HorizontalPodAutoscaler": {Workloads, []string{"autoscaling"}, addScaler},
	"Namespace":               {Workloads, []string{""}, addNamespace},
	"ResourceQuota":           {Workloads, []string{""}, addQuota},
	"LimitRange":              {Workloads, []string{""}, addLimits},
	"ConfigMap":               {0, []string{""}, addProvided}, // only those of Reader.Wanted; AddCalls reads the calls in ConfigMaps
	"Secret":                  {0, []string{""}, addProvided},
	"SealedSecret":            {0, []string{"bitnami.com"}, addProvided},
	"ExternalSecret":          {0, []string{"external-secrets.io"}, addProvided},
	"Bundle":                  {0, []string{"trust.cert-manager.io"}, addProvided},
	"Certificate":             {0, []string{"cert-manager.io"}, addProvided},
})

// withPortKinds adds the kinds that name ports of Services.
func withPortKinds(all map[string]kind) map[string]kind {
	for _, k := range portKinds {
		all[k.kind] = kind{Services, k.groups, addReferrer}
	}
	return all
}

// makers are kinds of objects of which a controller makes an object of another kind: of the same
// name, or of that in a field (Sealed Secrets, README; External Secrets Operator, API
// specification, ExternalSecret; cert-manager, trust-manager API reference).
var makers = map[string]struct {
	makes string
	name  []string // the path of the field; nil without one
	all   bool     // one for each namespace
}{
	"SealedSecret":   {makes: "Secret"},
	"ExternalSecret": {makes: "Secret", name: []string{"spec", "target", "name"}},
	"Bundle":         {makes: "ConfigMap", all: true},
}

// made returns the kind of the object that a controller makes of an object; the object's own where
// no controller does.
func made(kind string) string { return cmp.Or(makers[kind].makes, kind) }

// Mentions reports whether a text may hold an object that Facts reads around others. It looks for
// words, because parsing every document would cost more than the rest of a run. It misses an object
// whose kind is written with an escape or an alias.
func (r Reader) Mentions(text []byte, around Around) bool {
	var defines, list, found bool
	for rest := text; ; {
		i := bytes.Index(rest, []byte("kind"))
		if i < 0 {
			break
		}

		rest = rest[i+len("kind"):]
		word := word(bytes.TrimLeft(rest[:min(len(rest), 80)], "\"': \t\r\n"))
		word, isList := bytes.CutSuffix(word, []byte("List"))
		list = list || isList
		switch {
		case string(word) == definition:
			defines = true
		case r.reads(word, around, text):
			if found = true; !defines {
				return true
			}
		}
	}

	if defines && !list { // alone it names the kind that it defines, and speaks of containers
		return around&Services != 0 && converts(text)
	}

	return found || around&Services != 0 && (bytes.Contains(text, []byte("containers")) || defines && converts(text))
}

// converts reports whether the text of a CustomResourceDefinition may name a Service that converts
// between its versions.
func converts(text []byte) bool {
	return bytes.Contains(text, []byte("conversion")) && bytes.Contains(text, []byte("lientConfig"))
}

// reads reports whether Facts reads objects of a kind around others: a kind of the table, one of
// the configuration, or that of a wanted object.
func (r Reader) reads(kind []byte, around Around, text []byte) bool {
	refers := func(p PortReference) bool { return p.Kind == string(kind) }
	return kinds[string(kind)].around&around != 0 || around&Services != 0 && slices.ContainsFunc(r.PortReferences, refers) || r.mayWant(string(kind), text)
}

// word returns the letters and digits that a text begins with.
func word(text []byte) []byte {
	end := bytes.IndexFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	})
	if end < 0 {
		return text
	}
	return text[:end]
}

// partKinds are the kinds whose objects are wanted if their names have the wanted part. Controllers
// make Secrets of objects of other kinds, too.
var partKinds = []string{"Secret", "ConfigMap", "Certificate", "NetworkPolicy"}

// mayWant reports whether a text may hold one of the wanted objects of a kind.
func (r Reader) mayWant(kind string, text []byte) bool {
	if r.WantedPart != "" && slices.Contains(partKinds, made(kind)) && bytes.Contains(text, []byte(r.WantedPart)) {
		return true
	}
	return slices.ContainsFunc(r.Wanted, func(w Ref) bool { return w.Kind == made(kind) && bytes.Contains(text, []byte(w.Name)) })
}

// addProvided notes an object if it is a wanted one, or if a controller makes one of it.
func addProvided(f *Facts, o Object) *Meta {
	m, maker := f.meta(o), makers[o.Kind]
	provided := Ref{Kind: made(m.Kind), Name: m.Name}
	if maker.name != nil {
		provided.Name = cmp.Or(o.Node.Get(maker.name...).Text(), m.Name)
	}

	if f.wants(provided) {
		if !maker.all {
			provided.Namespace = m.Namespace
		}
		f.provided[provided] = true
	}

	return nil
}

// wants reports whether an object is a wanted one, in any namespace.
func (r Reader) wants(ref Ref) bool {
	return r.WantedPart != "" && slices.Contains(partKinds, ref.Kind) && strings.Contains(ref.Name, r.WantedPart) || slices.Contains(r.Wanted, ref)
}

// Amount is an amount of a resource that a namespace or a container sets: requests.cpu,
// limits.memory.
type Amount struct{ Namespace, Name string }

// addLimits notes what a LimitRange says for containers (Kubernetes documentation, Limit Ranges;
// pkg/apis/core/v1, SetDefaults_LimitRangeItem).
func addLimits(f *Facts, o Object) *Meta {
	namespace := f.meta(o).Namespace
	for _, limit := range o.Node.Get("spec", "limits").Items() {
		if limit.Get("type").Text() != "Container" {
			continue
		}

		for key, sets := range map[string]string{
			"default": "limits. requests.", "max": "limits. requests.", "defaultRequest": "requests.", "min": "requests.",
		} {
			for resource := range limit.Get(key).Entries() {
				for of := range strings.FieldsSeq(sets) {
					f.defaults[Amount{namespace, of + Text(resource)}] = true
				}
			}
		}
	}

	return nil
}
