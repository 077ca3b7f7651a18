package apply

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
	"github.com/tykmesh/tykmesh/inject"
)

var (
	echo   = workload("shop", "echo", route("/echo-svc"))
	sleepy = workload("shop", "sleep")
)

func TestFirstRun(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	bindings, err := w.run(context.Background(), echo, sleepy)
	must(t, err)
	want := strings.Join([]string{
		"GET /api/apis/{echo-inbound}", "GET /api/apis/{echo-mesh}", "GET /api/apis/{sleep-inbound}", "GET /api/apis/{sleep-mesh}",
		"GET /api/apis?p=-2",
		"GET /api/certs/{echo.shop}", "GET /api/certs/{mesh}", "GET /api/certs/{sleep.shop}",
		"GET /api/certs?mode=detailed&p=-1",
		"POST /api/apis", "POST /api/apis", "POST /api/apis", "POST /api/apis",
		"POST /api/certs", "POST /api/certs", "POST /api/certs",
	}, " ")

	if diff := cmp.Diff(want, w.requests()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}

	inbound, meshAPI := w.api("echo-inbound"), w.api("echo-mesh")
	if got, want := bindings[echo.Service], (inject.Binding{InboundID: inbound.ID(), MeshID: meshAPI.ID()}); got != want {
		t.Errorf("binding %v, want %v", got, want)
	}

	for _, check := range []struct{ what, got, want string }{
		{"inbound domain", inbound.Domain(), "echo.shop"},
		{"inbound listen path", inbound.ListenPath(), "/"},
		{"inbound target", inbound.TargetURL(), "http://localhost:6767"},
		{"inbound tags", strings.Join(inbound.Tags(), " "), "echo"},
		{"inbound api_id", inbound.APIID(), mesh.APIID(w.settings.Org, echo.Service, mesh.Inbound)},
		{"mesh domain", meshAPI.Domain(), `{host:mesh|mesh\.local|localhost}`},
		{"mesh listen path", meshAPI.ListenPath(), "/echo-svc"},
		{"mesh target", meshAPI.TargetURL(), "https://echo.shop:8080"},
		{"mesh tags", strings.Join(meshAPI.Tags(), " "), "mesh mesh.echo"},
		{"one mesh certificate for all", meshAPI.Certificates()[0], w.api("sleep-mesh").Certificates()[0]},
	} {
		if check.got != check.want {
			t.Errorf("%s: %q, want %q", check.what, check.got, check.want)
		}
	}

	for _, r := range w.records() {
		if r.State != ca.Active {
			t.Errorf("record %s is %s", r.ID, r.State)
		}
	}

	w.settled(echo, sleepy)
	w.settled(sleepy, echo)
}

func TestWithoutTLS(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.settings.TLS = false
	w.remote.Certificates, w.remote.Issuer, w.remote.Ledger = nil, nil, nil
	w.mustRun(echo)
	if got := w.api("echo-mesh").TargetURL(); got != "http://echo.shop:8080" {
		t.Errorf("target %q", got)
	}
}

func TestWithoutLedger(t *testing.T) {
	for name, o := range map[string]dashboardtest.Options{"detailed": {}, "plain listing": {NoDetailedCertificates: true}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, o)
			w.remote.Ledger = nil
			_, err := w.run(context.Background(), echo, sleepy)
			must(t, err)
			if todo := w.plan(echo, sleepy); !todo.Empty() {
				t.Errorf("the second run wants to %v", todo.Steps())
			}

			if n := len(w.dash.Certificates()); n != 3 {
				t.Errorf("%d certificates", n)
			}
		})
	}
}
