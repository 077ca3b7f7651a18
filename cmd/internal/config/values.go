package config

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudflare/cfssl/csr"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/spelling"
)

// applyMeshHosts takes a list of host names; in the environment commas separate them.
func applyMeshHosts(l *loader, s setting) {
	hosts, ok := l.texts(s)
	for i, host := range hosts {
		if problem := checkHost(host); problem != "" {
			l.fail(s, problem)
		} else if slices.Contains(hosts[:i], host) {
			l.fail(s, fmt.Sprintf("names %q twice", host))
		}
	}

	if ok && len(hosts) > 0 {
		l.config.Injector.MeshHosts = hosts
	}
}

// applySharedRoutes takes a list of clean URL paths; in the environment commas separate them.
func applySharedRoutes(l *loader, s setting) {
	routes, _ := l.texts(s)
	for _, route := range routes {
		if path.Clean(route) != route || !path.IsAbs(route) {
			l.fail(s, fmt.Sprintf("%q is no clean URL path: want /, or /NAME and so on", route))
		}
	}
	l.config.Injector.SharedRoutes = routes
}

// applyServiceLabels takes a list of keys of labels; in the environment commas separate them.
func applyServiceLabels(l *loader, s setting) {
	labels, ok := l.texts(s)
	for i, label := range labels {
		if problems := validation.IsQualifiedName(label); len(problems) > 0 {
			l.fail(s, fmt.Sprintf("no label can be named %q: like app, or app.kubernetes.io/name", label))
		} else if slices.Contains(labels[:i], label) {
			l.fail(s, fmt.Sprintf("names %q twice", label))
		}
	}

	if ok && len(labels) > 0 {
		l.config.Injector.ServiceLabels = labels
	}
}

// applyAccept takes a list of codes; in the environment commas separate them.
func applyAccept(l *loader, s setting) {
	codes, _ := l.texts(s)
	for _, code := range codes {
		rule, err := inject.ParseAccepted(code)
		if err != nil {
			l.fail(s, err.Error())
			continue
		}
		l.config.Injector.Accept = append(l.config.Injector.Accept, rule)
	}
}

// texts returns a setting that is to be a list of texts.
func (l *loader) texts(s setting) ([]string, bool) {
	var out []string
	if s.variable != "" {
		for text := range strings.SplitSeq(s.text, ",") {
			out = append(out, strings.TrimSpace(text))
		}
		return out, true
	}

	items, ok := l.list(s)
	for i, item := range items {
		text, isText := l.text(setting{key: fmt.Sprintf("%s[%d]", s.key, i), value: item})
		out, ok = append(out, text), ok && isText
	}

	return out, ok
}

// list returns the items of a setting that is to be a list.
func (l *loader) list(s setting) ([]node, bool) {
	n := resolve(s.value)
	if n.Kind != yaml.SequenceNode {
		l.fail(s, "want a list, got "+kindOf(n))
		return nil, false
	}
	return l.items(n), true
}

// applyNames takes a list of X.509 subjects, written as CFSSL writes them.
func applyNames(l *loader, s setting) {
	items, _ := l.list(s)
	for i, item := range items {
		var name csr.Name
		l.fields(fmt.Sprintf("%s[%d]", s.key, i), item, []textField{
			{"C", &name.C},
			{"ST", &name.ST},
			{"L", &name.L},
			{"O", &name.O},
			{"OU", &name.OU},
			{"E", &name.E},
			{"SerialNumber", &name.SerialNumber},
		})

		l.config.CA.DefaultNames = append(l.config.CA.DefaultNames, name)
	}
}

// applyPodTemplates takes a list of places where custom resources have pod templates.
func applyPodTemplates(l *loader, s setting) {
	items, _ := l.list(s)
	for i, item := range items {
		key := fmt.Sprintf("%s[%d]", s.key, i)
		var t inject.PodTemplate
		var path string
		if !l.fields(key, item, []textField{{"group", &t.Group}, {"kind", &t.Kind}, {"path", &path}}) {
			continue
		}

		t.Path = strings.Split(path, ".")
		at := setting{key: key, value: item}
		switch {
		case t.Kind == "" || path == "":
			l.fail(at, "want a kind and a path: {group: ray.io, kind: RayCluster, path: spec.workerGroupSpecs.*.template}")
		case slices.Contains(t.Path, ""):
			l.fail(at, fmt.Sprintf("not a path: %q; keys with dots between them", path))
		case t.Path[len(t.Path)-1] == "spec":
			l.fail(at, fmt.Sprintf("%q leads to a pod's spec; name the template around it, which has the metadata too", path))
		default:
			l.config.Injector.PodTemplates = append(l.config.Injector.PodTemplates, t)
		}
	}
}

// applyKeyRequest takes the algorithm and the size of a key: those that CFSSL makes and a Tyk
// Gateway serves.
func applyKeyRequest(l *loader, s setting) {
	request := &l.config.CA.DefaultKeyRequest
	size := strconv.Itoa(request.S)
	if !l.fields(s.key, s.value, []textField{{"A", &request.A}, {"S", &size}}) {
		return
	}

	request.S, _ = strconv.Atoi(size)
	rsa := request.A == "rsa" && request.S >= 2048 && request.S <= 8192
	ecdsa := request.A == "ecdsa" && slices.Contains([]int{256, 384, 521}, request.S)
	switch {
	case request.A == "ed25519":
		l.fail(s, "Tyk gateways cannot read ed25519 keys: want A: rsa or A: ecdsa")
	case !rsa && !ecdsa:
		l.fail(s, "want A: rsa with S: 2048 to 8192, or A: ecdsa with S: 256, 384 or 521")
	}
}

// textField is a key of a mapping within a setting, and where its text goes.
type textField struct {
	name string
	text *string
}

// fields reads a mapping of texts, and tells whether nothing was wrong with it.
func (l *loader) fields(key string, n node, fields []textField) bool {
	before := len(l.errors)
	for _, e := range l.entries(n, key, strings.EqualFold) {
		i := slices.IndexFunc(fields, func(f textField) bool { return strings.EqualFold(f.name, e.key) })
		switch {
		case i < 0:
			names := make([]string, len(fields))
			for i, f := range fields {
				names[i] = f.name
			}
			l.report(e.pos, dotted(key, e.key), "unknown key"+spelling.Suggest(e.key, names))

		case isNull(e.value):
		default:
			if text, ok := l.text(setting{key: dotted(key, fields[i].name), value: e.value}); ok {
				*fields[i].text = text
			}
		}
	}

	return len(l.errors) == before
}
