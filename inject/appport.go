package inject

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// usualPort is where an app listens if nothing says otherwise: the rule that the guide gives to all of them.
const usualPort = 80

// findAppPort is the port on which the app of a pod listens. The first row that says something counts:
//
//	the annotation injector.tyk.io/port: a number, or the name of a declared port
//	the only TCP port that the pod's containers declare
//	80
//
// Several ports of which none is 80 are a guess, and refused.
func (o *subject) findAppPort(spec, annotation *manifest.Node) (int, []Problem) {
	declared := make(map[string]string) // ports by name, and by number
	var numbers []string
	for _, c := range spec.Get("containers").Items() {
		if c.Get("name").Text() == sidecar.Name {
			continue
		}
		for _, p := range c.Get("ports").Items() {
			n := number(p.Get("containerPort"))
			if !isTCP(p) || n == "" {
				continue
			}
			declared[p.Get("name").Text()] = n
			if !slices.Contains(numbers, n) {
				numbers = append(numbers, n)
			}
		}
	}
	refuse := func(n *manifest.Node, format string, args ...any) (int, []Problem) {
		return usualPort, []Problem{o.problem(RulePort, n, format, args...)}
	}
	text := strconv.Itoa(usualPort)
	switch {
	case annotation != nil:
		if text = annotation.Text(); declared[text] != "" && text != "" {
			text = declared[text]
		}
	case len(numbers) == 1:
		text = numbers[0]
	case len(numbers) > 1 && !slices.Contains(numbers, text):
		return refuse(spec, "the app's port is not clear: the pod has the ports %s; annotation %s names one", strings.Join(numbers, ", "), annotationPort)
	}
	port, err := strconv.Atoi(text)
	switch {
	case err != nil || port < 1 || port > 65535:
		return refuse(annotation, "annotation %s: no port, and no declared port's name: %q", annotationPort, text)
	case annotation != nil && (port == sidecar.Port || port == sidecar.ControlPort):
		return refuse(annotation, "annotation %s: the sidecar itself listens on port %d", annotationPort, port)
	}
	return port, nil
}
