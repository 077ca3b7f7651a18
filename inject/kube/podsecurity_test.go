package kube

import (
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// TestShape shows which pods share a verdict, and that a field which a rule looks at parts them.
func TestShape(t *testing.T) {
	const usual = `{metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "web:1", ports: [{name: http, containerPort: 80}],
  livenessProbe: {httpGet: {path: /live, port: 80}}}], volumes: [{name: settings, configMap: {name: web}}]}}`

	want := shapeOfText(t, usual)
	for text, same := range map[string]bool{
		`{metadata: {labels: {app: cart}, annotations: {checksum: "1"}}, spec: {containers: [{name: cart, image: "cart:2", ports: [{name: web, containerPort: 81}],
  livenessProbe: {httpGet: {path: /, port: web}}, env: [{name: A}]}], volumes: [{name: data, configMap: {name: cart, defaultMode: 420}}]}}`: true,
		replaced(usual, "containerPort: 80", "containerPort: 80, hostPort: 80"):                                                      false,
		replaced(usual, "path: /live", "host: elsewhere"):                                                                            false,
		replaced(usual, "configMap: {", "hostPath: {"):                                                                               false,
		replaced(usual, "name: web, image", "securityContext: {privileged: true}, image"):                                            false,
		replaced(usual, "spec: {", "spec: {os: {name: windows}, "):                                                                   false,
		replaced(usual, "spec: {", "spec: {securityContext: {sysctls: [{name: kernel.msgmax, value: '1'}]}, "):                       false,
		replaced(usual, "app: web", "app: web, version: 1"):                                                                          false,
		replaced(usual, "metadata: {", "metadata: {annotations: {container.apparmor.security.beta.kubernetes.io/web: unconfined}, "): false,
		replaced(usual, "containers: [", "initContainers: [{name: first}], containers: ["):                                           false,
	} {
		if got := shapeOfText(t, text); (got == want) != same {
			t.Errorf("%s\nhas the shape %q\n%s\nhas %q", usual, want, text, got)
		}
	}

	first, second := shapeOfText(t, replaced(usual, "spec: {", "spec: {os: {name: linux}, ")), shapeOfText(t, replaced(usual, "spec: {", "spec: {os: {name: windows}, "))
	if first == second {
		t.Errorf("operating systems do not count: %q", first)
	}
}

func shapeOfText(t *testing.T, text string) shape {
	t.Helper()
	root, err := manifest.Split("pod.yaml", []byte(text))[0].Root()
	if err != nil {
		t.Fatal(err)
	}

	return shapeOf(root, nil)
}

func replaced(text, part, by string) string { return strings.Replace(text, part, by, 1) }
