package inject_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// TestAddedPortsKeepAll shows that joining the mesh takes nothing from Services: with servicePorts:
// add and intercept: mesh, as config init sets them, every port of the input is in the output, with
// all that it says.
func TestAddedPortsKeepAll(t *testing.T) {
	s := additive()
	kept := 0
	for _, g := range goldens(t) {
		for _, d := range g.documents() { // one by one, so that a refused neighbour does not matter
			kept += checkPortsKept(t, s, d)
		}
	}

	for seed := range tries(300) {
		w := styleWriter{Rand: rand.New(rand.NewPCG(seed, 13))}
		for _, d := range manifest.Split("f.yaml", w.stream()) {
			kept += checkPortsKept(t, s, d)
		}
	}

	if kept < 100 {
		t.Fatalf("only %d ports of injected Services were compared", kept)
	}
}

// TestAddedPortsOfTheShop shows it for the sample shop: all twelve workloads and Services are
// injected.
func TestAddedPortsOfTheShop(t *testing.T) {
	text, err := os.ReadFile("../testdata/samples/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}

	s := additive()
	s.Namespace = "retail"

	stream, problems := inject.Inject(manifest.Split("shop.yaml", text), s)
	for _, p := range problems {
		t.Error(p)
	}

	injected := 0
	for _, o := range stream.Objects {
		if o.Outcome == inject.Injected {
			injected++
		}
	}

	kept := 0
	for _, d := range manifest.Split("shop.yaml", text) {
		kept += checkPortsKept(t, s, d)
	}

	if injected != 24 || kept != 12 {
		t.Errorf("%d objects were injected, %d ports were kept; want 24 and 12", injected, kept)
	}
}

// additive returns the settings that config init begins with, as far as injection sees them.
func additive() inject.Settings {
	s := profile("native")
	s.TLS, s.Routes, s.Strict, s.OnSkip = true, true, true, inject.SkipWarn
	s.ServicePorts, s.Sidecar.Port, s.Sidecar.Rules.Intercept = inject.AddPort, 18080, sidecar.Mesh
	return s
}

// checkPortsKept injects a document, and returns how many ports of its injected Services it
// compared.
func checkPortsKept(t *testing.T, s inject.Settings, d *manifest.Document) (kept int) {
	t.Helper()
	was, err := asJSON(d.Text)
	if err != nil || json.Unmarshal(was, new(struct{ Kind string })) != nil { // nothing that Kubernetes would take
		return 0
	}

	stream, problems := inject.Inject([]*manifest.Document{d}, s)
	if len(problems) > 0 {
		return 0
	}

	is, err := asJSON(slices.Collect(stream.Texts(bindings(stream, ids)))[0])
	if err != nil {
		t.Fatal(err)
	}

	before, after := flatten(t, was), flatten(t, is)
	for i := range before {
		had, has := portsIn(before[i]), portsIn(after[i])
		for _, port := range had {
			if !slices.ContainsFunc(has, func(p map[string]any) bool { return includes(p, port) }) {
				t.Errorf("%s: port %v became %v", d.Position(0), port, has)
			}
		}

		if len(has) > len(had) {
			kept += len(had)
		}
	}

	return kept
}

// portsIn returns the ports of a Service.
func portsIn(object json.RawMessage) []map[string]any {
	var service struct {
		Kind string
		Spec struct{ Ports []map[string]any }
	}
	if err := json.Unmarshal(object, &service); err != nil || service.Kind != "Service" {
		return nil
	}
	return service.Spec.Ports
}

// includes reports whether a port has every field of another, with the same value; null is no
// value.
func includes(port, other map[string]any) bool {
	for k, v := range other {
		if v != nil && !reflect.DeepEqual(port[k], v) {
			return false
		}
	}
	return true
}
