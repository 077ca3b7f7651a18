package catest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/catest"
)

// post sends a body to an endpoint and returns status and answer, or the error of a cut connection.
func post(t *testing.T, s *catest.Server, endpoint, body string) (int, string, error) {
	t.Helper()
	resp, err := http.Post(s.URL+"/api/v1/cfssl/"+endpoint, "application/json", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()

	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}

	return resp.StatusCode, string(answer), nil
}

// The server accepts no request without the key, and has none of cfssl's other endpoints, which ask
// for no key.
func TestOnlyTheKeyOpens(t *testing.T) {
	s := catest.New(catest.Options{})
	defer s.Close()
	for _, endpoint := range []string{"sign", "newcert", "init_ca", ""} {
		if status, _, err := post(t, s, endpoint, `{}`); status != http.StatusNotFound || err != nil {
			t.Errorf("%s: %d, %v", endpoint, status, err)
		}
	}

	status, answer, err := post(t, s, catest.Authsign, `{"token":"AAAA","request":"e30="}`) // the request is {}
	if status != http.StatusBadRequest || !strings.Contains(answer, "invalid token") || err != nil {
		t.Errorf("a wrong token: %d %s, %v", status, answer, err)
	}
}

// A fault hits the request with its number and endpoint. The log has every request, in a form for
// goldens.
func TestFaults(t *testing.T) {
	s := catest.New(catest.Options{Faults: []catest.Fault{
		{Nth: 2, Endpoint: catest.Info, Status: 500, Body: "second info"},
		{Nth: 4, Cut: true},
		{Nth: 5, When: catest.After, Status: 503, Header: http.Header{"Retry-After": {"1"}}},
	}})
	defer s.Close()

	client, err := ca.New(ca.Config{Addr: s.URL, Key: catest.Key})
	if err != nil {
		t.Fatal(err)
	}

	if _, err := ca.Issue(t.Context(), client, ca.Request{Hosts: []string{"mesh", "mesh.local"}}); err != nil {
		t.Fatal(err)
	}

	if status, answer, _ := post(t, s, catest.Info, "{}"); status != 500 || answer != "second info" {
		t.Errorf("the second info: %d %s", status, answer)
	}

	if _, _, err := post(t, s, catest.Info, "{}"); err == nil {
		t.Error("the fourth request got an answer")
	}

	if status, _, _ := post(t, s, catest.Info, "{}"); status != 503 {
		t.Errorf("the fifth request: %d", status)
	}

	s.Fail(catest.Fault{Nth: 1, Status: 418})
	if status, _, _ := post(t, s, catest.Info, "{}"); status != 418 {
		t.Errorf("after Fail: %d", status)
	}

	s.Fail(catest.Fault{Nth: 1, Answer: func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "closed today", http.StatusGone) }})
	if status, answer, _ := post(t, s, catest.Info, "{}"); status != http.StatusGone || answer != "closed today\n" {
		t.Errorf("an answer of its own: %d %s", status, answer)
	}

	var got []string
	for _, r := range s.Requests() {
		got = append(got, r.String())
	}

	want := []string{"info 200", "authsign mesh,mesh.local 200", "info 500", "info 0", "info 503", "info 418", "info 410"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}
