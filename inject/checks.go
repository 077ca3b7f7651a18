package inject

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// The checks across the stream say what injection breaks that stands beside what it changes: a
// Service that leads past the sidecars, an Ingress that loses its port. They are the last that
// Inject does, on the facts that are left of the documents.
//
//	the pods and Services that join the mesh ──which kinds matter?──> documents that are only read ──facts──> checks ──> findings

// need says for whose sake a kind of objects is read.
type need uint8

const (
	forServices  need = 1 << iota // because a Service joins the mesh
	forWorkloads                  // because a workload does
)

// kindsRead are the kinds that checks want to know of although they carry no annotation of ours.
// Workloads have no fixed kind: they are told by their containers.
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

// mentions reports whether a text may hold an object that is needed. It looks at words, because to
// parse all would cost more than the rest of a run: an object that it overlooks, because its kind
// is written with an escape or an alias, is one that no check sees.
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

// isProvider reports whether a text may hold an object that pods take something from.
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
	services map[named]*service
	spaces   map[string]*namespace
	sidecar  []containerPort // what pods get
	settings Settings
	problems []Problem
}

// named is what an object of a kind is found by.
type named struct{ namespace, name string }

// need says for whose sake anything is read at all.
func (in *injection) need() (n need) {
	if slices.ContainsFunc(in.facts.services, (*service).joins) {
		n |= forServices
	}
	if slices.ContainsFunc(in.facts.pods, (*pods).joins) {
		n |= forWorkloads
	}
	return n
}

// read gathers the facts of documents without any annotation of ours. One that cannot be read says
// nothing: it is kubectl that reports it.
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

// check looks at what stands beside the objects that join the mesh. It reads other documents when
// all edits are made, because the memory for both at once would be more than a run needs.
func (in *injection) check(docs []*manifest.Document) {
	n := in.need()
	if n == 0 {
		return
	}

	others := in.read(docs, n)
	in.facts.merge(others)
	in.pods.add(others.pods)
	c := checks{facts: &in.facts, Stream: in.Stream, pods: in.pods, settings: in.settings, sidecar: in.settings.sidecarPorts()}
	c.services, c.spaces = make(map[named]*service), make(map[string]*namespace)
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

// breaks notes a finding that makes the mesh not work as far as the stream shows: an error with
// Settings.Strict.
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

// warn notes a finding that may be as it should be: the stream does not show everything.
func (c *checks) warn(about *known, rule Rule, at manifest.Place, format string, args ...any) {
	p := about.problem(rule, at, format, args...)
	if c.accepts(about, rule) {
		c.Accepted = append(c.Accepted, p)
		return
	}
	c.Warnings = append(c.Warnings, p)
}

// problem is what was found out about an object.
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

// listed returns the names of a few objects, and how many there are more.
func listed(all []*pods) string {
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
