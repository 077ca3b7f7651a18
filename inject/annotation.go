package inject

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// The annotations, as tyk-k8s named them.
const (
	annotationInject   = "injector.tyk.io/inject"
	annotationStatus   = "injector.tyk.io/status"
	annotationRoute    = "injector.tyk.io/route"
	annotationInbound  = "injector.tyk.io/inbound-service-id"
	annotationMesh     = "injector.tyk.io/mesh-service-id"
	annotationTemplate = "template.service.tyk.io"

	// annotationTrust is ours: which CAs a sidecar is to trust. A gateway reads them when it starts
	// and never again (crypto/x509, system roots), so a pod template has to differ where they do:
	// then its pods roll.
	annotationTrust = "injector.tyk.io/ca-bundle"

	// annotationRecord is ours: what injection added, by name, so that Uninject finds it. It holds
	// nothing that changes with the tool's version, a certificate or the rest of the object,
	// because a pod template that differs makes the pods roll.
	annotationRecord = "injector.tyk.io/record"

	// statusInjected is the value of annotationStatus.
	statusInjected = "injected"
)

// fieldKinds are the prefixes of annotations that set a field of the inbound API definition, and
// how each reads its value.
var fieldKinds = map[string]func(string) (any, error){
	"string.service.tyk.io/": func(s string) (any, error) { return s, nil },
	"bool.service.tyk.io/":   parseBool,
	"num.service.tyk.io/":    parseInt,
	"object.service.tyk.io/": parseObject,
	"array.service.tyk.io/":  parseArray,
}

// isInjected reports whether metadata say that an earlier run injected their object.
func isInjected(meta *manifest.Node) bool {
	return strings.EqualFold(meta.Get("annotations", annotationStatus).Text(), statusInjected)
}

// wantsInjection returns the webhook's reading of the inject annotation: no trimming, and no other
// word.
func wantsInjection(value string) bool {
	return slices.Contains([]string{"y", "yes", "true", "on"}, strings.ToLower(value))
}

// declinesInjection reports whether a value of the inject annotation switches injection off.
func declinesInjection(value string) bool {
	return slices.Contains([]string{"", "n", "no", "false", "off", "disabled"}, strings.ToLower(value))
}

// isUnclear reports whether a value of the inject annotation says neither yes nor no.
func isUnclear(value string) bool { return !wantsInjection(value) && !declinesInjection(value) }

// readings lists the values of the inject annotation, for errors about another one.
const readings = "write y, yes, true or on to put it on the mesh; n, no, false, off or disabled to leave it out"

// readAnnotations reads the settings of a service's APIs from the annotations of its pod template.
func (o *target) readAnnotations(w *Workload, annotations *manifest.Node) {
	fail := func(n *manifest.Node, key, format string, args ...any) {
		o.refuse(RuleAnnotation, n, "annotation %s: %s%s", key, fmt.Sprintf(format, args...), asVariable(n.Text()))
	}
	w.Route, w.RoutePos = "/"+w.Service.App, w.Pos
	for k, v := range annotations.Entries() {
		key := strings.Clone(k.Text()) // it outlives the document
		kind, path, read := fieldKind(key)
		if read == nil && !strings.HasPrefix(key, marker+"/") && key != annotationTemplate {
			continue
		}

		if !v.IsString() {
			fail(v, key, "must be a string, not %s; put it in quotes", v.Describe())
			continue
		}

		text, pos := strings.Clone(v.Text()), o.object.Document.PositionOf(v)
		switch key {
		case annotationRoute:
			w.RoutePos = pos
			route, err := cleanRoute(text, w.Service.App)
			if err != nil {
				fail(v, key, "%v", err)
			}
			w.Route = route

		case annotationTemplate:
			w.Template, w.HasTemplate, w.TemplatePos = text, true, pos
		case annotationInbound, annotationMesh:
			if text == "" {
				fail(v, key, "must not be empty; delete it, and tykmesh writes it")
			}
			w.setID(key, text)
		case annotationTrust:
			fail(k, key, "only tykmesh writes it, and these pods are not injected; delete it")
		}

		if read == nil {
			continue
		}

		value, err := read(text)
		switch {
		case err != nil:
			fail(v, key, "%v", err)
			continue
		case path == "":
			fail(k, key, "no path after %s", kind)
			continue
		}

		w.Fields = append(w.Fields, Field{Key: key, Path: path, Value: value, Pos: pos})
	}

	slices.SortFunc(w.Fields, func(a, b Field) int { return strings.Compare(a.Key, b.Key) })
}

// unknownAnnotations reports each key that has the form of a tykmesh annotation and is not one,
// such as a typing error. The webhook ignored these.
func (o *target) unknownAnnotations(report reporter) {
	for k := range o.meta.Get("annotations").Entries() {
		if key := k.Text(); isOurs(key) && !isAnnotation(key) {
			report(RuleAnnotation, k, "there is no annotation %s%s", key, meantBy(key))
		}
	}
}

// setID takes the id of one of the service's APIs from its annotation.
func (w *Workload) setID(key, id string) {
	if key == annotationInbound {
		w.InboundID = id
	} else {
		w.MeshID = id
	}
}

func fieldKind(key string) (kind, path string, read func(string) (any, error)) {
	slash := strings.IndexByte(key, '/') + 1
	read = fieldKinds[key[:slash]]
	return key[:slash], strings.ReplaceAll(key[slash:], "-", "_"), read
}

// cleanRoute turns the route annotation into a listen path: a URL path, RFC 3986 section 3.3, that
// a gateway's router takes as it is.
func cleanRoute(typed, app string) (string, error) {
	route := cmp.Or(typed, app)
	if !strings.HasPrefix(route, "/") {
		route = "/" + route
	}

	if i := strings.IndexFunc(route, func(r rune) bool { return !strings.ContainsRune(pathChars, r) }); i >= 0 {
		return "", fmt.Errorf("not a URL path: %q; delete %q or percent-encode it", typed, []rune(route[i:])[0])
	}
	if _, err := url.PathUnescape(route); err != nil {
		return "", fmt.Errorf("not a URL path: %q; write two hexadecimal digits after %%", typed)
	}

	for segment := range strings.SplitSeq(strings.Trim(route, "/"), "/") {
		if segment == "." || segment == ".." || segment == "" && strings.Trim(route, "/") != "" {
			return "", fmt.Errorf("not a clean URL path: %q; routers never match an empty, . or .. segment", typed)
		}
	}

	if strings.HasPrefix(route, "//") || strings.HasSuffix(route, "//") {
		return "", fmt.Errorf("not a clean URL path: %q; routers never match an empty segment", typed)
	}

	return route, nil
}

// pathChars are what RFC 3986 allows in a path: unreserved, sub-delims, ":", "@", and the slash and
// the percent sign.
const pathChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/%"

func parseBool(s string) (any, error) {
	switch strings.ToLower(s) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return nil, fmt.Errorf("not a bool: %q; write true or false", s)
}

// parseInt reads what tyk-k8s read: a decimal integer of 64 bits.
func parseInt(s string) (any, error) {
	n, err := strconv.Atoi(s)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return nil, fmt.Errorf("out of range for a 64-bit integer: %q", s)
	case err != nil:
		return nil, fmt.Errorf("not an integer: %q", s)
	}

	return json.Number(strconv.Itoa(n)), nil
}

func parseObject(s string) (any, error) { return parseAs[map[string]any](s, "object") }
func parseArray(s string) (any, error)  { return parseAs[[]any](s, "array") }

// parseAs reads a JSON value of one kind, or null.
func parseAs[T any](s, kind string) (any, error) {
	v, err := parseJSON(s)
	if _, ok := v.(T); err != nil || !ok && v != nil {
		return nil, fmt.Errorf("not a JSON %s: %s", kind, clip(s))
	}
	return v, nil
}

// parseJSON reads one JSON value and keeps its numbers as they are written.
func parseJSON(s string) (v any, err error) {
	dec := json.NewDecoder(bytes.NewReader([]byte(s)))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}

	return v, nil
}

// clip quotes a value for an error, without letting it fill the screen.
func clip(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		return strconv.Quote(string(r[:most])) + "..."
	}
	return strconv.Quote(s)
}
