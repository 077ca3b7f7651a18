package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// terminal is a pseudo-terminal: what a program writes to it, and what is typed, is on the screen.
type terminal struct {
	*screen
	program *os.File      // the program's end
	people  *os.File      // ours
	gone    chan struct{} // closed when the program's end has been closed and everything is on the screen
}

func newTerminal(t *testing.T, width int) *terminal {
	t.Helper()
	people, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { people.Close() })

	fd := int(people.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}

	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}

	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 25, Col: uint16(width)}); err != nil {
		t.Fatal(err)
	}

	program, err := os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}

	term := &terminal{screen: newScreen(width), program: program, people: people, gone: make(chan struct{})}
	go func() {
		defer close(term.gone)
		_, _ = io.Copy(term.screen, people) // ends with EIO when nobody has the other end any more
	}()

	return term
}

// ends closes the program's end, and returns when the screen shows everything.
func (t *terminal) ends() {
	t.program.Close()
	<-t.gone
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

	term := newTerminal(t, width)
	status := slowRun(t.Context(), t, term.program, term.program, func(letGo func()) {
		term.wait(rowReading)
		letGo()
		term.wait(rowRegistering)
		letGo()
	})

	term.ends()
	want := newScreen(width)
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
	term := newTerminal(t, width)
	var stdout bytes.Buffer
	status := slowRun(ctx, t, &stdout, term.program, func(letGo func()) {
		letGo()
		term.wait(rowRegistering)
		_, _ = term.people.WriteString("\x03")
		term.wait(rowRegistering + "^C")
		cancel()
	})

	term.ends()
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

// Who asks for less, for more or for a report for machines gets no progress, nor does a terminal
// that cannot show it.
func TestWhoGetsProgress(t *testing.T) {
	term := newTerminal(t, 80)
	machines, err := parseReport("json")
	if err != nil {
		t.Fatal(err)
	}

	file, err := parseReport("json=file")
	if err != nil {
		t.Fatal(err)
	}

	for _, test := range []struct {
		name    string
		stderr  io.Writer
		environ []string
		options options
		target  reportTarget
		want    bool
	}{
		{name: "a terminal", stderr: term.program, want: true},
		{name: "a report in a file", stderr: term.program, target: file, want: true},
		{name: "a report for machines", stderr: term.program, target: machines},
		{name: "-q", stderr: term.program, options: options{reportFlagGroup: reportFlagGroup{quiet: true}}},
		{name: "-v", stderr: term.program, options: options{remoteFlagGroup: remoteFlagGroup{verbose: true}}},
		{name: "TERM=dumb", stderr: term.program, environ: []string{"A=b", "TERM=dumb"}},
		{name: "no terminal", stderr: &bytes.Buffer{}},
	} {
		l := newProgressLine(process{stderr: test.stderr, environ: test.environ}, test.options, test.target)
		if got := l.width != nil; got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}

	term.ends()
}
