package inject_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// What is said of an object stays on its line, and is free of what a terminal obeys: whoever writes
// manifests must not speak for the program to those who read its log, of which GitHub Actions takes
// lines that begin with two colons for commands.
func TestNothingFeignsALine(t *testing.T) {
	const feigned = `\n::error::feigned \e[31m\u2028`
	odd := func(at string, was ...string) []byte {
		text := fmt.Sprintf(annotatedPod, `"injector.tyk.io/port"`, `"80"`) + "---\napiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop, annotations: " +
			"{injector.tyk.io/inject: 'true'}}\nspec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]}\n"
		for _, w := range was {
			text = strings.Replace(text, w, strings.Replace(w, at, `"`+strings.Trim(at, `"`)+feigned+`"`, 1), 1)
		}
		return []byte(text)
	}

	said := 0
	for name, text := range map[string][]byte{
		"kind":           odd("Deployment", "kind: Deployment"),
		"API version":    odd("apps/v1", "apiVersion: apps/v1"),
		"name":           odd("web", "name: web,"),
		"namespace":      odd("shop", "namespace: shop}\nspec"),
		"app":            odd("web", "labels: {app: web}"),
		"annotation":     odd(`"injector.tyk.io/port"`, `"injector.tyk.io/port"`),
		"its value":      odd(`"80"`, `"80"`),
		"container":      odd("web", "- {name: web"),
		"image":          odd(`"web:1"`, `"web:1"`),
		"port":           odd("http", "ports: [{name: http, containerPort"),
		"port's number":  odd("8081", "containerPort: 8081"),
		"target":         odd("http", "targetPort: http"),
		"selector":       odd("web", "selector: {app: web}, ports"),
		"field":          odd("spec", "\nspec:"),
		"broken":         []byte("kind: \"Deployment" + feigned + "\nx: injector.tyk.io/inject"),
		"alias":          []byte("kind: *a\u0007\nx: injector.tyk.io/inject\n"),
		"service's name": odd("web", "Service\nmetadata: {name: web"),
	} {
		for _, builtin := range []string{"builtin", "plain"} {
			for _, skip := range []inject.OnSkip{inject.SkipFail, inject.SkipWarn} {
				s := profile(builtin)
				s.TLS, s.OnSkip = true, skip
				stream, problems := inject.Inject(manifest.Split("f.yaml", text), s)
				var all []string
				for _, p := range problems {
					all = append(all, p.Error())
				}

				for _, p := range stream.Warnings {
					all = append(all, p.Error())
				}

				for _, o := range stream.Objects {
					all = append(all, o.String(), o.Change, o.Reason)
				}

				for _, line := range all {
					if said++; strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
						t.Errorf("%s: %q", name, line)
					}
				}
			}
		}
	}

	if said < 100 {
		t.Errorf("only %d texts: this shows nothing", said)
	}
}
