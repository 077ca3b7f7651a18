package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/cmd/internal/report/reporttest"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// Help is as wide as the terminal, from 40 columns to 80.
func TestHelpOnTerminal(t *testing.T) {
	for terminal, help := range map[int]int{30: 40, 60: 60, 200: 80} {
		screen := reporttest.NewTerminal(t, terminal)
		if p := newHelpPage(screen.Program); p.columns != help {
			t.Errorf("on a terminal of %d columns, help has %d, want %d", terminal, p.columns, help)
		}
		screen.Ends()
	}
}

// slowly returns a Dashboard in which the first listing and the second new API take until they are
// let go.
func slowly(t *testing.T, w *world) (letGo func()) {
	t.Helper()
	released := make(chan struct{})
	hang := func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-released:
			dashboardtest.Cut(rw, r) // its answer is looked for
		case <-r.Context().Done():
		}
	}

	w.dashboard.Fail(
		dashboardtest.Fault{Method: http.MethodGet, Path: "/api/apis", Answer: hang},
		dashboardtest.Fault{Method: http.MethodPost, Path: "/api/apis", Request: 2, After: true, Answer: hang},
	)

	return func() { released <- struct{}{} }
}

// slowRun runs the program on the samples against such a Dashboard.
func slowRun(ctx context.Context, t *testing.T, stdout, stderr io.Writer, meanwhile func(letGo func())) (status int) {
	t.Helper()
	w := newWorld(t.TempDir())
	w.dashboard = dashboardtest.New(dashboardtest.Options{Secret: plantedDashboardKey})
	defer w.dashboard.Close()
	w.cfssl = catest.New(catest.Options{Key: plantedCFSSLKey})
	defer w.cfssl.Close()
	letGo := slowly(t, w)
	over := make(chan struct{})
	go func() {
		defer close(over)
		meanwhile(letGo)
	}()
	status = run(ctx, process{
		args: []string{"inject", "--parallel", "1", "-n", "webshop", "--config", samples + "/tykmesh.yaml", "-f", samples + "/echo.yaml"},
		environ: []string{
			"TYKMESH_TYK_URL=" + w.dashboard.URL, "TYK_DASHBOARD_KEY=" + plantedDashboardKey,
			"TYKMESH_CA_ADDR=" + w.cfssl.URL, "CFSSL_KEY=" + plantedCFSSLKey, "TERM=vt100",
		},
		stdin: strings.NewReader(""), stdout: stdout, stderr: stderr,
	})

	<-over

	return status
}

// The rows that a slow run shows one after the other.
const (
	rowReading     = "reading registered APIs and certificates ..."
	rowRegistering = "registering 2/4: API echo-mesh"
)

// On a terminal a line says what a slow run is doing. When the run is over, the terminal shows what
// a file would hold, and no more.
func TestProgressOnATerminal(t *testing.T) {
	const width = 60
	plain, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}

	defer plain.Close()
	var manifests bytes.Buffer
	if status := slowRun(t.Context(), t, &manifests, plain, func(letGo func()) { letGo(); letGo() }); status != 0 {
		t.Fatalf("exit status %d", status)
	}

	report, err := os.ReadFile(plain.Name())
	if err != nil {
		t.Fatal(err)
	}

	if strings.ContainsAny(string(report), "\r\x1b") || strings.Contains(string(report), "registering") {
		t.Errorf("there is progress in a file:\n%s", report)
	}

	term := reporttest.NewTerminal(t, width)
	status := slowRun(t.Context(), t, term.Program, term.Program, func(letGo func()) {
		term.Wait(rowReading)
		letGo()
		term.Wait(rowRegistering)
		letGo()
	})

	term.Ends()
	want := reporttest.NewScreen(width)
	_, _ = want.Write(manifests.Bytes())
	_, _ = want.Write(report)
	if diff := cmp.Diff(want.String(), term.String()); status != 0 || diff != "" {
		t.Errorf("exit status %d, what the terminal shows (-want +got):\n%s", status, diff)
	}
}

// Ctrl-C, which the terminal shows where the line ends, leaves nothing of it either.
func TestInterruptedOnATerminal(t *testing.T) {
	const width = 70
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	term := reporttest.NewTerminal(t, width)
	var stdout bytes.Buffer
	status := slowRun(ctx, t, &stdout, term.Program, func(letGo func()) {
		letGo()
		term.Wait(rowRegistering)
		_, _ = term.User.WriteString("\x03")
		term.Wait(rowRegistering + "^C")
		cancel()
	})

	term.Ends()
	want := `error: interrupted
done: issue certificate echo.webshop
done: create API echo-inbound
not done: issue certificate mesh
unknown: create API echo-mesh
hint: run it again: it continues where this run ended
`

	if got := term.String(); status != 130 || got != want || stdout.Len() > 0 {
		t.Errorf("exit status %d, the terminal shows:\n%s", status, got)
	}
}

// A terminal gets no private key: it shows how to do it instead, and nothing is made.
func TestSecretsAreNotForTerminals(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "tykmesh.yaml")
	if err := os.WriteFile(config, []byte(standaloneConfig), 0o600); err != nil {
		t.Fatal(err)
	}

	var said bytes.Buffer
	program := func(stdout io.Writer, args ...string) int {
		return run(t.Context(), process{name: "tykmesh", args: args, stdin: strings.NewReader(""), stdout: stdout, stderr: &said})
	}
	if status := program(io.Discard, "ca", "init", "-q", "--algo", "ecdsa", "--dir", filepath.Join(dir, "ca")); status != 0 {
		t.Fatalf("exit status %d: %s", status, &said)
	}

	term := reporttest.NewTerminal(t, 80)
	args := []string{"certs", "secrets", "-n", "shop", "--config", config, "-f", samples + "/echo.yaml"}
	status := program(term.Program, args...)
	if want := "error: standard output is a terminal, which must not show private keys; pipe it to kubectl apply -f -"; status != 2 || !strings.HasPrefix(said.String(), want) {
		t.Errorf("exit status %d: %s", status, &said)
	}

	if _, err := os.Stat(filepath.Join(dir, "ledger.db")); err == nil {
		t.Error("a ledger was made")
	}

	for _, more := range [][]string{{"--dry-run"}, {"-w", filepath.Join(dir, "secrets.yaml")}} {
		if status := program(term.Program, append(args, more...)...); status != 0 {
			t.Errorf("%v: exit status %d: %s", more, status, &said)
		}
	}

	term.Ends()
	if got := term.String(); got != "issue certificate echo.shop (not there yet)\n" {
		t.Errorf("the terminal shows:\n%s", got)
	}
}
