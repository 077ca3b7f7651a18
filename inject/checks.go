package inject

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// The checks across the stream find objects that injection would break without changing them: a
// Service that leads past the sidecars, an Ingress that loses its port. They run at the end of
// Inject, on facts kept from the documents.
//
//	pods and Services that join the mesh ──kinds──> other documents ──facts──> checks ──> warnings

// need says which objects make it necessary to read others.
type need uint8

const (
	forServices  need = 1 << iota // because a Service joins the mesh
	forWorkloads                  // because a workload does
)

// kindsRead are the kinds that the checks read although they carry no annotation of tykmesh.
// Workloads have no fixed kind: their containers reveal them.
var kindsRead = map[string]need{
	"Service":                 forServices | forWorkloads,
	"Ingress":                 forServices,
	"HTTPRoute":               forServices,
	"GRPCRoute":               forServices,
	"NetworkPolicy":           forWorkloads,
	"HorizontalPodAutoscaler": forWorkloads,
	"Namespace":               forWorkloads,
	"ResourceQuota":           forWorkloads,
	"LimitRange":              forWorkloads,
}

// mentions reports whether a text may hold an object that the checks need. It looks for words,
// because parsing every document would cost more than the rest of the run. It misses an object
// whose kind is written with an escape or an alias; then no check sees that object.
func (n need) mentions(text []byte) bool {
	definition, list := false, false
	for rest := text; ; {
		i := bytes.Index(rest, []byte("kind"))
		if i < 0 {
			break
		}

		rest = rest[i+len("kind"):]
		kind := word(bytes.TrimLeft(rest[:min(len(rest), 80)], "\"': \t\r\n"))
		list = list || string(kind) == "List"
		kind = bytes.TrimSuffix(kind, []byte("List"))
		if kindsRead[string(kind)]&n != 0 || isProvider(string(kind), text) {
			return true
		}

		definition = definition || string(kind) == "CustomResourceDefinition" // long, and about containers without having any
	}

	return n&forServices != 0 && (list || !definition) && bytes.Contains(text, []byte("containers"))
}

// isProvider reports whether a text may hold a ConfigMap or Secret that pods of the mesh mount or
// read.
func isProvider(kind string, text []byte) bool {
	return kind == "ConfigMap" && bytes.Contains(text, []byte(sidecar.Authority)) || kind == "Secret" && bytes.Contains(text, []byte(sidecar.Secret))
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

// checks is a run of the checks across the stream.
type checks struct {
	*facts
	*Stream
	pods     podIndex
	services map[named]*kubeService
	spaces   map[string]*namespace
	sidecar  []containerPort // what pods get
	settings Settings
	problems []Problem
}

// named is what an object of a kind is found by.
type named struct{ namespace, name string }

// need returns the kinds of objects that this run puts on the mesh.
func (in *injection) need() (n need) {
	if slices.ContainsFunc(in.facts.services, (*kubeService).joins) {
		n |= forServices
	}
	if slices.ContainsFunc(in.facts.pods, (*workloadPods).joins) {
		n |= forWorkloads
	}
	return n
}

// read gathers the facts of documents without annotations of tykmesh. It skips unreadable
// documents: kubectl reports them.
func (in *injection) read(docs []*manifest.Document, n need) (others facts) {
	for _, d := range docs {
		if isAddressed(d.Text) || !n.mentions(d.Text) {
			continue
		}
		if root, err := d.Root(); err == nil {
			for _, obj := range objects(root) {
				others.note(d, obj, in.settings, nil)
			}
		}

		d.Forget()
	}

	return others
}

// check examines the objects around those that join the mesh. It reads other documents only after
// all edits, because both at once would need more memory.
func (in *injection) check(docs []*manifest.Document) {
	n := in.need()
	if n == 0 {
		return
	}

	others := in.read(docs, n)
	in.facts.merge(others)
	in.pods.add(others.pods)
	c := checks{facts: &in.facts, Stream: in.Stream, pods: in.pods, settings: in.settings, sidecar: in.settings.sidecarPorts()}
	c.services, c.spaces = make(map[named]*kubeService), make(map[string]*namespace)
	for _, s := range in.facts.services {
		if key := (named{s.namespace, s.name}); c.services[key] == nil {
			c.services[key] = s
		}
	}

	for _, n := range in.facts.namespaces {
		c.spaces[n.name] = n
	}

	c.checkServices()
	c.checkRoutes()
	c.checkRouters()
	c.checkPolicies()
	c.checkScalers()
	c.checkNamespaces()
	c.checkMeshes()
	c.checkQuotas()
	c.checkDomains()
	SortProblems(docs, in.Warnings)
	SortProblems(docs, in.Accepted)
	in.problems = append(in.problems, append(c.problems, in.facts.problems...)...)
}

// breaks reports that the mesh cannot work as far as the stream shows: an error with
// Settings.Strict, else a warning.
func (c *checks) breaks(about *known, rule Rule, at manifest.Place, format string, args ...any) {
	p := about.problem(rule, at, format, args...)
	switch {
	case c.accepts(about, rule):
		c.Accepted = append(c.Accepted, p)
	case c.settings.Strict:
		c.problems = append(c.problems, p)
	default:
		c.Warnings = append(c.Warnings, p)
	}
}

// warn reports something that may be intended, because the stream does not show everything.
func (c *checks) warn(about *known, rule Rule, at manifest.Place, format string, args ...any) {
	p := about.problem(rule, at, format, args...)
	if c.accepts(about, rule) {
		c.Accepted = append(c.Accepted, p)
		return
	}
	c.Warnings = append(c.Warnings, p)
}

// problem returns a problem of the object.
func (k *known) problem(rule Rule, at manifest.Place, format string, args ...any) Problem {
	title := k.title
	if title == "" {
		title = titleOf(k.document, k.kind, k.namespace, k.name)
	}
	return Problem{Rule: rule, Pos: at.Position(), Object: title, Msg: printable(fmt.Sprintf(format, args...))}
}

func (c *checks) accepts(about *known, rule Rule) bool {
	return slices.Contains(about.accepts, rule) || slices.Contains(c.settings.Accept, rule)
}

// listed returns the names of a few objects, and the number of the others.
func listed(all []*workloadPods) string {
	const most = 3
	text := ""
	for i, p := range all[:min(len(all), most)] {
		if i > 0 {
			text += ", "
		}
		text += p.String()
	}

	if n := len(all) - most; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}

	return text
}
