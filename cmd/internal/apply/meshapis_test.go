package apply

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// TestMeshAPIs: with the certificate of the mesh the mesh APIs of all services change, those that a
// run is not about in nothing but that; the APIs of other people do not.
func TestMeshAPIs(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.mustRun(echo, sleepy, workload("other", "quote"))
	old := w.attached("echo-mesh")
	w.edit("quote-mesh", "certificates", []any{"theirs", old})
	w.edit("sleep-mesh", "proxy.target_url", "https://edited.example")
	w.put("foreign", "mesh", "/foreign", "http://foreign", map[string]any{"tags": []any{"mesh"}, "certificates": []any{old}})
	w.later(nearEnd)
	todo := w.plan(echo)
	var others []string
	for _, s := range plan.Filter(todo.All, func(s *plan.Step) bool { return s.Shared }) {
		others = append(others, s.String())
	}

	if got, want := strings.Join(others, "; "), "update API quote-mesh (gets a new certificate); update API sleep-mesh (gets a new certificate)"; got != want {
		t.Errorf("others: %s", got)
	}

	before := w.api("sleep-mesh")
	_, err := Run(context.Background(), todo, w.remote, nil)
	must(t, err)

	renewed := w.attached("echo-mesh")
	if got := w.api("quote-mesh").Certificates(); !slices.Equal(got, []string{"theirs", renewed}) {
		t.Errorf("quote-mesh has %v", got)
	}

	if got := w.attached("foreign"); got != old {
		t.Error("a foreign API was changed")
	}

	if got := mesh.Changes(before, w.api("sleep-mesh")); len(got) != 1 || got[0].Path != "certificates" || w.attached("sleep-mesh") != renewed {
		t.Errorf("of sleep-mesh was changed: %v", got)
	}

	w.settled(echo)
}

// TestMeshAPIsFirst: the record of the mesh certificate is active only when every API carries it.
func TestMeshAPIsFirst(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.mustRun(echo, sleepy)
	w.later(nearEnd)
	w.dash.Fail(dashboardtest.Fault{Method: http.MethodPut, Path: "/api/apis/" + w.api("sleep-mesh").ID(), Times: -1, Answer: dashboardtest.Refusal(400, "no")})
	if _, err := w.run(context.Background(), echo); err == nil {
		t.Fatal("no error")
	}

	for _, r := range w.records() {
		if r.ID == "mesh//mesh" && r.State != ca.Pending {
			t.Errorf("the record of the mesh is %s", r.State)
		}
	}

	if strings.Contains(w.writes(), "DELETE") {
		t.Errorf("deleted after a failure: %s", w.writes())
	}

	w.dash.Heal()
	w.later(nearEnd + time.Minute)
	w.mustRun(echo)
	if w.attached("sleep-mesh") != w.attached("echo-mesh") {
		t.Error("sleep has another certificate of the mesh")
	}
}

// TestCertificateOfAll: without a ledger a new service gets the certificate of the mesh that the
// others have, even if the store has another that would do.
func TestCertificateOfAll(t *testing.T) {
	w := newWorld(t, dashboardtest.Options{})
	w.remote.Ledger = nil
	w.mustRun(echo)

	held := w.attached("echo-mesh")
	for range 4 { // some sort before it, some after
		w.later(time.Hour)
		bundle, err := w.remote.Issuer.Issue(context.Background(), w.settings.MeshCertificateHosts())
		must(t, err)
		w.dash.PutCertificate(bundle.PEM())
	}

	w.mustRun(sleepy)
	if w.attached("sleep-mesh") != held || w.attached("echo-mesh") != held {
		t.Errorf("the mesh had %s, and now echo has %s and sleep %s", held, w.attached("echo-mesh"), w.attached("sleep-mesh"))
	}
}
