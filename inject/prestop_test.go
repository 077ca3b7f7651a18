package inject_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// sleeping is a pod that sleeps before it ends, with a lifecycle to fill in.
func sleeping(lifecycle string) string {
	return `apiVersion: v1
kind: Pod
metadata:
  name: web
  labels:
    app: web
  annotations:
    injector.tyk.io/inject: "true"
    injector.tyk.io/pre-stop-sleep: "10"
spec:
  containers:
  - name: web
    image: example.com/web:1
` + lifecycle
}

// What users change about the hooks of an injected container stays when the pod is taken off the
// mesh, and a lifecycle in which nothing is left goes with the hook.
func TestUninjectChangedHooks(t *testing.T) {
	const (
		hook = "      preStop:\n        sleep:\n          seconds: 10\n"
		post = "      postStart: {exec: {command: [date]}}\n"
		head = "    lifecycle:\n"
	)
	for _, tt := range []struct{ name, before, from, to, after string }{
		{"nothing", "", "", "", ""},
		{"the hook is deleted", head + post, hook, "", head + post},
		{"all hooks are deleted", "", head + hook, "", ""},
		{"another hook is added", "", head, head + post, head + post},
		{"the other hook is deleted", head + post, post, "", ""},
		{"another hook fills an empty one", "    lifecycle: {}\n", "lifecycle: {preStop", "lifecycle: {postStart: {exec: {command: [date]}}, preStop", "    lifecycle: {postStart: {exec: {command: [date]}}}\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stream, problems := inject.Inject(manifest.Split("web.yaml", []byte(sleeping(tt.before))), profile("builtin"))
			out := printed(t, stream, problems)
			if !strings.Contains(out, tt.from) {
				t.Fatalf("%q is not in\n%s", tt.from, out)
			}

			out = strings.Replace(out, tt.from, tt.to, 1)
			stream, problems = inject.Uninject(manifest.Split("web.yaml", []byte(out)))
			back := printed(t, stream, problems)
			if diff := cmp.Diff(sleeping(tt.after), back); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// printed returns the output of a stream, which has no problems.
func printed(t *testing.T, stream *inject.Stream, problems []inject.Problem) string {
	t.Helper()
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return written(t, stream, bindings(stream, ids))
}
