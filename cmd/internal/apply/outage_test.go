package apply

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	kubeyaml "sigs.k8s.io/yaml"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// cluster is the state of a cluster that decides whether the sidecars of callers reach those of
// echo.
type cluster struct {
	headless bool
	ports    map[int]any // of the Service: the targetPort, a number or a name
	pods     []int       // where their sidecars listen
}

// answers reports whether every pod answers calls to a port of the Service. Behind a headless one
// it is the pod's own port (Kubernetes documentation, headless Services).
func (c *cluster) answers(port int) bool {
	return !slices.ContainsFunc(c.pods, func(listens int) bool { return c.leads(port, listens) != listens })
}

// leads returns the port of a pod to which a port of the Service leads; 0 for none.
func (c *cluster) leads(port, listens int) int {
	if c.headless {
		return port
	}
	switch target := c.ports[port].(type) {
	case string:
		return listens // where the pod's port has that name
	case float64:
		return int(target)
	}

	return 0
}

// printed holds what counts of the printed manifests.
type printed struct {
	ports   map[int]any
	listens int
}

func readPrinted(t *testing.T, text []byte) (out printed) {
	t.Helper()
	out.ports = make(map[int]any)
	for _, document := range bytes.Split(text, []byte("\n---\n")) {
		var object struct {
			Kind string
			Spec struct {
				Ports []struct {
					Port       int
					TargetPort any
				}
				Template struct {
					Spec struct {
						Containers []struct {
							Name  string
							Ports []struct {
								Name          string
								ContainerPort int
							}
						}
					}
				}
			}
		}
		must(t, kubeyaml.Unmarshal(document, &object))

		for _, p := range object.Spec.Ports {
			out.ports[p.Port] = p.TargetPort
		}

		for _, c := range object.Spec.Template.Spec.Containers {
			for _, p := range c.Ports {
				if c.Name == sidecar.Name && p.Name == sidecar.PortName {
					out.listens = p.ContainerPort
				}
			}
		}
	}

	return out
}

// ports are the configuration keys Sidecar.port and Sidecar.previousPort.
type ports struct{ port, previous int }

// release injects echo, registers it and returns the printed manifests, and the reported outages.
func (w *world) release(t *testing.T, p ports, kind inject.ServicePorts, headless bool) (out printed, reported []string) {
	t.Helper()
	clusterIP := ""
	if headless {
		clusterIP = "clusterIP: None, "
	}

	docs := manifest.Split("app.yaml", fmt.Appendf(nil, `apiVersion: apps/v1
kind: Deployment
metadata: {name: echo, namespace: retail}
spec:
  selector: {matchLabels: {app: echo}}
  template:
    metadata:
      labels: {app: echo}
      annotations: {injector.tyk.io/inject: "true"}
    spec: {containers: [{name: web, image: "web:1", ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: echo, namespace: retail, annotations: {injector.tyk.io/inject: "true"}}
spec: {%sselector: {app: echo}, ports: [{name: http, port: 80}]}
`, clusterIP))
	stream, problems := inject.Inject(docs, inject.Settings{Routes: true, ServicePorts: kind, MeshHosts: w.settings.MeshHosts, Sidecar: &inject.Sidecar{
		Gateway: sidecar.Gateway{Image: sidecar.DefaultImage, Port: p.port, UID: sidecar.DefaultUID}, Rules: sidecar.Rules{Intercept: sidecar.None}, PreviousPort: p.previous,
	}})
	if len(problems) > 0 {
		t.Fatalf("%v: %v", p, problems)
	}

	todo := w.plan(stream.Workloads()...)
	for _, problem := range slices.Concat(stream.Warnings, todo.Outages) {
		if problem.Rule == inject.RuleOutage {
			reported = append(reported, problem.Msg)
		}
	}

	bindings, err := Run(context.Background(), todo, w.remote, nil)
	must(t, err)

	var text bytes.Buffer
	must(t, stream.Write(&text, bindings))

	return readPrinted(t, text.Bytes()), reported
}

// called returns the port of the Service to which the mesh API of echo leads.
func (w *world) called(t *testing.T) (port int) {
	t.Helper()
	u, err := url.Parse(w.api("echo-mesh").TargetURL())
	must(t, err)
	_, err = fmt.Sscan(u.Port(), &port)
	must(t, err)
	return port
}

// rollOut applies printed manifests: the Service, and then one pod after the other. It returns the
// moments at which calls fail.
func (c *cluster) rollOut(to printed, called int) (failed []string) {
	note := func(moment string) {
		if !c.answers(called) {
			failed = append(failed, moment)
		}
	}
	note("registered")

	c.ports = to.ports
	note("Service applied")

	for i := range c.pods {
		c.pods[i] = to.listens
		note("a pod restarted")
	}

	return failed
}

// TestPortChanges: calls fail at some moment of a change of the sidecar's port if an outage was
// reported before, and else never. The reports know the registered state alone; the Services and
// pods here are those of the printed manifests.
func TestPortChanges(t *testing.T) {
	states := []ports{{8080, 0}, {18080, 0}, {8080, 18080}, {18080, 8080}, {18080, 28080}, {28080, 18080}}
	for _, kind := range []inject.ServicePorts{inject.ReplacePort, inject.PreservePort, inject.AddPort} {
		for _, headless := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s headless=%v", kind, headless), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, dashboardtest.Options{})
				w.settings.TLS = false

				outages := 0
				for _, before := range states {
					for _, after := range states {
						c := &cluster{headless: headless, pods: make([]int, 2)}
						first, _ := w.release(t, before, kind, headless)
						c.rollOut(first, w.called(t))

						second, reported := w.release(t, after, kind, headless)
						failed := c.rollOut(second, w.called(t))
						if (len(failed) > 0) != (len(reported) > 0) {
							t.Errorf("%v -> %v: calls fail when %q, and reported are %q", before, after, failed, reported)
						}

						if len(failed) > 0 {
							outages++
						}
					}
				}

				if outages == 0 || outages == len(states)*len(states) {
					t.Errorf("%d of the changes are outages", outages)
				}
			})
		}
	}
}

// TestTwoSteps: the remedy in the report of an outage avoids it.
func TestTwoSteps(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.settings.TLS = false
	c := &cluster{pods: make([]int, 3)}

	first, reported := w.release(t, ports{8080, 0}, inject.ReplacePort, false)
	if len(reported) > 0 {
		t.Errorf("a new service: %q", reported)
	}
	c.rollOut(first, w.called(t))

	for step, p := range []ports{{18080, 8080}, {18080, 8080}, {18080, 0}, {18080, 0}} {
		w.dash.ClearLog()
		to, reported := w.release(t, p, inject.ReplacePort, false)
		if len(reported) > 0 {
			t.Errorf("step %d: %q", step, reported)
		}
		if failed := c.rollOut(to, w.called(t)); len(failed) > 0 {
			t.Errorf("step %d: calls fail when %q", step, failed)
		}

		want := "" // a second run
		if step%2 == 0 {
			want = "PUT /api/apis/{echo-mesh}"
		}
		if got := w.writes(); got != want {
			t.Errorf("step %d: writes %q, want %q", step, got, want)
		}

		next := 0
		if p.previous != 0 {
			next = p.port
		}
		if got := mesh.MarkedNextPort(w.api("echo-mesh")); got != next {
			t.Errorf("step %d: the mark has port %d, want %d", step, got, next)
		}
	}

	if got := w.called(t); got != 18080 || len(c.ports) != 1 {
		t.Errorf("callers go to port %d of %v", got, c.ports)
	}

	// Without the two steps the same change is an outage.
	_, reported = w.release(t, ports{8080, 0}, inject.ReplacePort, false)
	if len(reported) != 1 || !strings.Contains(reported[0], "(18080 -> 8080)") || c.answers(w.called(t)) {
		t.Errorf("reported are %q", reported)
	}
}
