package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// lifeConfigs are configurations of the two modes, with %IMAGE for the sidecar's image.
var lifeConfigs = map[string]string{
	"standalone": "Injector: {mode: standalone}\nSidecar: {image: %IMAGE}\n",
	"dashboard": "CA: {keyPath: ca-quickstart/ca-key.pem, certPath: ca-quickstart/chain.pem, bundlePath: ca-quickstart/bundle.pem}\n" +
		"Injector: {createRoutes: true, enableMeshTLS: true}\nSidecar: {image: %IMAGE, dashboard: http://dashboard, redis: redis:6379}\n",
}

// meshOf makes a mesh in a directory, whose services have sidecars of a previous image, and changes
// the image in the configuration. It returns the Dashboard; nil in standalone mode.
func meshOf(t *testing.T, dir, mode string) *dashboardtest.Server {
	t.Helper()
	text := lifeConfigs[mode]
	var server *dashboardtest.Server
	if mode == "dashboard" {
		server = dashboardtest.New(dashboardtest.Options{})
		t.Cleanup(server.Close)
		text += "Tyk: {url: " + server.URL + ", secret: " + server.Secret + ", org: " + server.Org + "}\n"
	}

	save := func(image string) {
		if err := os.WriteFile(filepath.Join(dir, "tykmesh.yaml"), []byte(strings.ReplaceAll(text, "%IMAGE", image)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	save("tykio/tyk-gateway:v5.14.0")
	runGuide(t, dir, "tykmesh ca init -q --algo ecdsa > ca.yaml\ntykmesh inject -q -n default -f app.yaml -w meshed.yaml\nkubectl apply -f meshed.yaml\n")
	save("tykio/tyk-gateway:v5.14.1")

	return server
}

// linesOf returns the commands of a README section, each with the statuses that a user accepts:
// diff exits with 3 if there are changes. The user answers yes where delete asks.
func linesOf(t *testing.T, heading string) string {
	t.Helper()
	commands := guideOf(t, readmeFile, heading)
	commands = regexp.MustCompile(`(?m)^(tykmesh diff [^#\n]*)`).ReplaceAllString(commands, "$1 || [ $$? -eq 3 ] ")
	return strings.ReplaceAll(commands, "tykmesh delete ", "tykmesh delete --yes ")
}

// The commands of README's section Upgrade give injected manifests the sidecar of the current
// configuration, and change no id of an API.
func TestReadmeUpgrade(t *testing.T) {
	for mode := range lifeConfigs {
		t.Run(mode, func(t *testing.T) {
			dir := t.TempDir()
			server := meshOf(t, dir, mode)
			var before map[string]string
			if server != nil {
				before = idsOf(server)
			}

			stdout, applied := runGuide(t, dir, linesOf(t, "## Upgrade"))
			if !strings.Contains(stdout, "+") || !strings.Contains(stdout, "tyk-gateway:v5.14.1") {
				t.Errorf("no diff of the sidecars:\n%s", stdout)
			}
			if strings.Contains(applied, "v5.14.0") || strings.Count(applied, "v5.14.1") != 2 {
				t.Errorf("the previous sidecars were applied:\n%s", applied)
			}
			if server != nil && (len(before) == 0 || !maps.Equal(before, idsOf(server))) {
				t.Errorf("the ids of the APIs were %v, and are %v", before, idsOf(server))
			}
		})
	}
}

// leftInCluster makes the kubectl of guides have the ConfigMaps of the mesh.
const leftInCluster = `awk 'BEGIN { RS = "---\n" } /kind: ConfigMap/ { printf "---\n%s", $0 }' meshed.yaml > "$APPLIED/Secret"
`

// idsOf returns the ids of a Dashboard's APIs by their slugs.
func idsOf(server *dashboardtest.Server) map[string]string {
	ids := map[string]string{}
	for _, api := range server.APIs() {
		ids[api.Definition.Slug()] = api.Definition.ID()
	}
	return ids
}

// The commands of README's section Remove take all services off the mesh, and leave nothing of them
// at the Dashboard; in standalone mode they list the rest with commands.
func TestReadmeRemove(t *testing.T) {
	for mode := range lifeConfigs {
		t.Run(mode, func(t *testing.T) {
			dir := t.TempDir()
			server := meshOf(t, dir, mode)
			commands := linesOf(t, "## Remove")
			dashboardOnly, standaloneOnly := regexp.MustCompile(`(?m)^tykmesh delete .*\n`), regexp.MustCompile(`(?m)^.*tykmesh status -f -.*\n`)
			if !dashboardOnly.MatchString(commands) || !standaloneOnly.MatchString(commands) {
				t.Fatalf("README deletes no APIs, or does not list the rest:\n%s", commands)
			}

			if server == nil {
				stdout, applied := runGuide(t, dir, leftInCluster+dashboardOnly.ReplaceAllString(commands, ""))
				if strings.Contains(applied, "tyk-mesh\n") || !strings.Contains(stdout, "kubectl delete configmap") {
					t.Errorf("sidecars or the rest stay unnoticed:\n%s\n%s", stdout, applied)
				}
				return
			}

			other := regexp.MustCompile(`(?m)^tykmesh delete [^\n]*retail/echo[^\n]*\n`)
			server.PutAPI(dashboard.API{Definition: dashboard.Definition{"slug": "foreign", "name": "foreign", "proxy": map[string]any{"listen_path": "/foreign"}}})
			_, applied := runGuide(t, dir, other.ReplaceAllString(standaloneOnly.ReplaceAllString(commands, ""), ""))
			if strings.Contains(applied, "tyk-mesh") {
				t.Errorf("sidecars stay:\n%s", applied)
			}
			if ids, certs := idsOf(server), server.Certificates(); len(ids) != 1 || ids["foreign"] == "" || len(certs) > 0 {
				t.Errorf("the Dashboard has %v and %v, and not the foreign API alone", ids, certs)
			}
		})
	}
}
