package inject_test

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// annotated are annotations that have a syntax of their own, with values that are tried first.
var annotated = []struct {
	key    string
	values []string
}{
	{"injector.tyk.io/route", []string{"/a/b", "a b", "//", "/%zz", "/..", ""}},
	{"injector.tyk.io/port", []string{"8080", "http", "0", "65536", " 80", "9e3"}},
	{"injector.tyk.io/accept", []string{"selector", "route, ingress", ",", "policy,policy"}},
	{"injector.tyk.io/sidecar-image", []string{"tyk:1", "a@sha256:x", "A b", "h:5000/a:b"}},
	{"injector.tyk.io/sidecar-cpu", []string{"50m", "1e3", "-1", "0.0000001", "9999999999999999999"}},
	{"injector.tyk.io/sidecar-cpu-limit", []string{"1", "1m", "x"}},
	{"injector.tyk.io/sidecar-memory", []string{"96Mi", "1e30", "0", "1Ki"}},
	{"injector.tyk.io/sidecar-memory-limit", []string{"128Mi", "1", "1Ei"}},
	{"injector.tyk.io/sidecar-log-level", []string{"debug", "loud"}},
	{"injector.tyk.io/sidecar-env", []string{"A=b\nB=c=d", "=x", "# none\n A = b", "A=1\nA=2", "TYK_GW_SECRET=x", "A=$(B)"}},
	{"injector.tyk.io/intercept", []string{"none", "outbound", "x"}},
	{"injector.tyk.io/exempt-cidrs", []string{"10.0.0.0/8", "10.0.0.1/8", "::/0", "1.2.3.4", "10.0.0.0/8,10.0.0.0/8", "0.0.0.0/0 -j ACCEPT"}},
	{"injector.tyk.io/exempt-ports", []string{"25", "25,3306", "1-2", "0", "70000", "25;reboot"}},
	{"injector.tyk.io/ca-file", []string{"/etc/ssl/ca.pem", "ca.pem", "/a/../b", "/a:b", "/", "$(X)"}},
	{"bool.service.tyk.io/active", []string{"true", "TRUE", "1"}},
	{"num.service.tyk.io/cache-options.cache-timeout", []string{"1", "1e9", "99999999999999999999"}},
	{"object.service.tyk.io/proxy", []string{"{}", "null", "[]", `{"a":1}{}`, `{"a":1e400}`}},
	{"array.service.tyk.io/allowed-ips", []string{"[]", `["1"]`, "[1,", "null null"}},
	{"string.service.tyk.io/a.b-c", []string{"", "x"}},
}

const annotatedPod = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
      annotations:
        injector.tyk.io/inject: "true"
        %s: %s
    spec:
      containers:
      - {name: web, image: "web:1", ports: [{name: http, containerPort: 80}, {containerPort: 8081}]}
`

// FuzzAnnotation shows that whatever an annotation says, people are told where it is wrong, or get
// what Kubernetes takes, under the laws.
func FuzzAnnotation(f *testing.F) {
	for i, a := range annotated {
		for _, value := range a.values {
			f.Add(byte(i), value)
		}
	}

	f.Fuzz(func(t *testing.T, which byte, value string) {
		if !utf8.ValidString(value) || len(value) > 256 {
			return
		}

		key := annotated[int(which)%len(annotated)].key
		text := fmt.Appendf(nil, annotatedPod, key, strconv.QuoteToASCII(value)) // whose escapes YAML has too
		s := profile([]string{"builtin", "nft"}[int(which)/len(annotated)%2])
		s.TLS = true

		stream, problems := inject.Inject(manifest.Split("f.yaml", text), s)
		for _, p := range problems {
			if said := p.Error(); !strings.HasPrefix(said, "f.yaml:11:") || !strings.Contains(said, key) || strings.ContainsAny(said, "\n\r\x1b") || len(said) > 1000 {
				t.Fatalf("%q: %s", value, said)
			}
		}

		if len(problems) > 0 {
			return
		}

		out := slices.Concat(slices.Collect(stream.Texts(bindings(stream, ids)))...)

		data, err := asJSON(out)
		if err != nil {
			t.Fatal(err)
		}

		if err := checkValid(data); err != nil {
			t.Fatalf("%s %q: Kubernetes refuses it: %v\n%s", key, value, err, out)
		}

		checkSubsequence(t, manifest.Split("f.yaml", text)[0], out)
		back, problems := inject.Uninject(manifest.Split("f.yaml", out))
		if len(problems) > 0 || !bytes.Equal(slices.Concat(slices.Collect(back.Texts(nil))...), text) {
			t.Fatalf("%s %q: it cannot be taken back: %v", key, value, problems)
		}
	})
}
