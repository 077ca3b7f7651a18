package main

import (
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

var update = flag.Bool("update", false, "rewrite golden files with what the program says now")

// program is what scripts call the program that is under test; their command tykmesh runs it and
// looks at what it says.
const program = "tykmesh-under-test"

// TestMain makes the test binary be the program itself where a script calls it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){program: runUnderTest, "kubectl-tykmesh": main, "kubectl_complete-tykmesh": main, measured: runMeasured})
}

// noSleep is the variable without which the race detector sleeps for a second whenever a process ends.
const noSleep = "GORACE=atexit_sleep_ms=0"

// testClock is the environment variable with the time at which the program under test believes to
// run (RFC 3339); it stands still then.
const testClock = "TYKMESH_TEST_CLOCK"

func runUnderTest() {
	text := os.Getenv(testClock)
	if text == "" {
		main()
		return
	}

	now, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}

	p := thisProcess()
	p.now = func() time.Time { return now }
	os.Exit(run(context.Background(), p))
}

// scripts is where the scripts are: what users are promised of the whole program, a file for each
// promise.
const scripts = root + "/testdata/script"

// TestScripts runs the program against a Dashboard, a CFSSL and a MongoDB, as scripts say. A script
// begins in a folder that holds the samples and, without servers, has these commands beside those
// of testscript:
//
//	tykmesh ARGS             runs the program, which must succeed
//	exits STATUS ARGS        runs the program, which must fail with this status and, but for config view, without anything on standard output
//	dashboard [OPTION]       starts a Dashboard and configures the program for it, by the environment; so do
//	cfssl [OPTION]           and
//	mongo, silent mongo      (OPTIONs are the fields of dashboardtest.Options and catest.Options, see world_test.go)
//	web [plain]              serves files over HTTPS or HTTP (web_test.go)
//	clock TIME               sets the clocks of the program and of all servers, which stand still then (RFC 3339)
//	cluster FILE...          what kubectl get -o yaml prints of manifests (status_live_test.go); hashless prints the last output without the hashes in it
//	pods APP N               what tyk-k8s leaves behind (legacy_test.go)
//	stop-..., restart-...    ends a server, and has it back
//	fail ..., heal, hung     plans faults, forgets them, waits for one (fault_test.go)
//	requests, apis, records  prints what came in, and what is there now (state_test.go)
//	lose [listed]            lets the store lose all certificates, with or without their ids
//	anonymous                prints the last output again with a letter for what no two CAs share (ca_rotate_test.go)
//	secrets FILE CA [TOKEN]  checks and prints the Secrets in a file (secrets_test.go)
//	recorded                 prints which Secrets MongoDB's ledger has (secrets_test.go)
//	verify, manifests, tree  checks and prints certificates, manifests, folders (files_test.go)
//
// Whatever the program says is searched for secrets. On standard error, addresses and certificate
// ids have names instead, so that it can be compared; -update writes what it is compared with.
func TestScripts(t *testing.T) {
	if signal.Ignored(syscall.SIGHUP) { // as under nohup: the programs would inherit it
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}

	mongo := sync.OnceValue(hasMongo)
	testscript.Run(t, testscript.Params{
		Dir:                 scripts,
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setUpScript,
		Condition: func(name string) (bool, error) {
			if name != "mongo" {
				return false, fmt.Errorf("there is no condition %s", name)
			}
			return mongo(), nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"tykmesh":           runProgram,
			"exits":             exits,
			"exited":            exited,
			"dashboard":         startDashboard,
			"cfssl":             startCFSSL,
			"mongo":             startMongo,
			"silent":            startSilent,
			"web":               startWeb,
			"clock":             setClock,
			"stop-cfssl":        stopCFSSL,
			"stop-dashboard":    stopDashboard,
			"restart-dashboard": restartDashboard,
			"fail":              fail,
			"heal":              heal,
			"hung":              hung,
			"requests":          requests,
			"apis":              apis,
			"edit-api":          editAPI,
			"give-api":          giveAPI,
			"lend":              lend,
			"lose":              lose,
			"cluster":           liveObjects,
			"hashless":          hashless,
			"pods":              pods,
			"records":           records,
			"anonymous":         anonymous,
			"replace":           replaceText,
			"secrets":           checkSecrets,
			"recorded":          printRecorded,
			"verify":            verify,
			"manifests":         manifests,
			"tree":              listFolder,
			"remember":          remember,
			"unchanged":         unchanged,
		},
	})
}

// setUpScript gives a script the samples and a world without servers.
func setUpScript(env *testscript.Env) error {
	if err := copySamples(env.WorkDir); err != nil {
		return err
	}
	env.Setenv("GORACE", strings.TrimPrefix(noSleep, "GORACE="))
	env.Values[worldKey{}] = newWorld(env.WorkDir)
	return nil
}

// copySamples copies the samples into a folder, but for those that it has.
func copySamples(to string) error {
	return filepath.WalkDir(samples, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}

		name, err := filepath.Rel(samples, path)
		if err != nil {
			return err
		}

		file := filepath.Join(to, name)
		if _, err := os.Stat(file); err == nil {
			return nil // the script has its own
		}

		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}

		return os.WriteFile(file, data, 0o644)
	})
}

// runProgram is the command tykmesh.
func runProgram(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("say which status it exits with: exits STATUS %s", strings.Join(args, " "))
	}
	ts.Check(ts.Exec(program, args...))
	worldOf(ts).heard(ts, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
}

// exits is the command exits.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: exits STATUS [ARG...]")
	}

	err := ts.Exec(program, args[1:]...)

	exit := (*exec.ExitError)(nil)
	if !errors.As(err, &exit) {
		ts.Fatalf("exit status 0, want %s; %v", args[0], err)
	}

	shows := len(args) > 2 && args[1] == "config" && args[2] == "view"
	checkFailure(ts, args[0], exit.ExitCode(), shows, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
}

// exited is exits for a program in the background, after hung and wait.
func exited(ts *testscript.TestScript, neg bool, args []string) {
	w := worldOf(ts)
	if neg || len(args) != 1 || w.background == nil {
		ts.Fatalf("usage, after hung and wait: exited STATUS")
	}
	checkFailure(ts, args[0], w.background.ProcessState.ExitCode(), false, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
}

// checkFailure checks what holds of every run that fails. config view alone shows what it could
// read all the same.
func checkFailure(ts *testscript.TestScript, want string, status int, shows bool, stdout, stderr string) {
	worldOf(ts).heard(ts, stdout, stderr)
	if strconv.Itoa(status) != want {
		ts.Fatalf("exit status %d, want %s", status, want)
	}

	if stdout != "" && want != "3" && !shows { // diff: there are changes
		ts.Fatalf("exit status %d, but standard output is not empty", status)
	}

	if stderr == "" {
		ts.Fatalf("exit status %d, and nothing says why", status)
	}
}

// heard looks for secrets in what the program said, and makes its standard error comparable.
func (w *world) heard(ts *testscript.TestScript, stdout, stderr string) {
	if what := w.secretIn(stdout + stderr); what != "" {
		ts.Fatalf("the program shows %s", what)
	}
	fmt.Fprint(ts.Stdout(), stdout)
	fmt.Fprint(ts.Stderr(), w.named(stderr))
}

// What TestScripts looks for it would find.
func TestSecretsAreSeen(t *testing.T) {
	w := newWorld(t.TempDir())
	w.dashboard = dashboardtest.New(dashboardtest.Options{})
	defer w.dashboard.Close()
	key := "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg\n-----END PRIVATE KEY-----\n"
	w.dashboard.PutCertificate(append(catest.NewCA("any").PEM(), key...))
	if err := os.Mkdir(filepath.Join(w.folder, "ca"), 0o700); err != nil {
		t.Fatal(err)
	}

	ofCA := catest.NewCA("another").KeyPEM()
	for name, text := range map[string]string{pki.RootKeyFile: string(ofCA), pki.AuthKeyFile: "0123456789abcdef\n"} {
		if err := os.WriteFile(filepath.Join(w.folder, "ca", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	for _, text := range []string{
		"key: 0123456789abcdef.", "root: " + strings.Split(string(ofCA), "\n")[1], "data: " + base64.StdEncoding.EncodeToString(ofCA), "key: " + plantedDashboardKey, "x" + plantedCFSSLKey, "mongodb://u:" + plantedMongoPassword + "@h", strings.Split(key, "\n")[1], key,
	} {
		if w.secretIn(text) == "" {
			t.Errorf("%q is not seen", text)
		}
	}

	if err := os.RemoveAll(filepath.Join(w.folder, "ca")); err != nil {
		t.Fatal(err)
	}

	if w.secretIn("0123456789abcdef") == "" {
		t.Error("what was a secret is none any more when its file is gone")
	}

	if what := w.secretIn("GET /api/apis 200"); what != "" {
		t.Errorf("%s is seen where there is none", what)
	}
}
