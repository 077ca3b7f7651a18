package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/exit"
)

// printing are the commands, each with flags that have it print; silent are those that print
// nothing on standard output.
var printing = map[string]string{
	"":                 "",
	"inject":           "-n shop -f ECHO LOCAL",
	"uninject":         "-f ECHO",
	"diff":             "--manifests -n shop -f ECHO LOCAL",
	"register":         silent,
	"delete":           "-n shop -f ECHO --dry-run LOCAL",
	"status":           "LOCAL",
	"check":            "LOCAL",
	"ca":               "",
	"ca init":          "--algo ecdsa --dir NEW/ca",
	"ca rotate":        "--dir CA",
	"ca token":         "--dir NEW",
	"certs":            "",
	"certs list":       "LOCAL",
	"certs renew":      "shop/echo --dry-run LOCAL",
	"certs prune":      "--dry-run LOCAL",
	"certs secrets":    "-n shop -f ECHO --config ALONE",
	"config":           "",
	"config init":      "-q",
	"config schema":    "",
	"config view":      "LOCAL",
	"config secret":    "--config BEGUN",
	"helm":             "",
	"helm plugin":      "",
	"version":          "",
	"annotations":      "",
	"keys":             "",
	"sidecar":          "",
	"codes":            "",
	"exit":             "",
	"help":             "",
	"help inject":      "",
	"help annotations": "",
	"inject --help":    "",
	"certs --help":     "",
	"status -o json":   "LOCAL",
	"check -o json":    "LOCAL",
	"certs list -o":    "json LOCAL",
	"config view -o":   "json LOCAL",
	"completion bash":  "",
	"completion zsh":   "",
	"completion fish":  "",
	"completion":       "powershell",
	"__complete":       "in",
}

const silent = "-"

// standaloneConfig is a configuration for a mesh without a Dashboard, whose CA is in the directory
// ca beside it.
const standaloneConfig = `
Injector: {mode: standalone, enableMeshTLS: true}
CA: {keyPath: ca/ca-key.pem, certPath: ca/chain.pem, bundlePath: ca/bundle.pem, ledgerPath: ledger.db}
`

// Secrets that could not be printed are in no ledger: the next run makes them.
func TestUnprintedSecretsAreNotRecorded(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "tykmesh.yaml")
	if err := os.WriteFile(config, []byte(standaloneConfig), 0o600); err != nil {
		t.Fatal(err)
	}

	program := func(stdout io.Writer, args ...string) (status int, said string) {
		var stderr strings.Builder
		status = run(t.Context(), process{name: "tykmesh", args: args, stdin: strings.NewReader(""), stdout: stdout, stderr: &stderr})
		return status, stderr.String()
	}
	if status, said := program(io.Discard, "ca", "init", "-q", "--algo", "ecdsa", "--dir", filepath.Join(dir, "ca")); status != exit.Done {
		t.Fatal(said)
	}

	secrets := []string{"certs", "secrets", "-n", "shop", "--config", config, "-f", samples + "/echo.yaml"}
	for _, more := range [][]string{nil, {"-w", "/dev/full"}} {
		status, said := program(fullDevice(t), append(secrets, more...)...)
		want := "done: issue certificate echo.shop\nhint: run it again: it makes the Secrets anew, because no ledger has them yet\n"
		if status != exit.Failed || !strings.HasSuffix(said, want) {
			t.Errorf("exit status %d: %s", status, said)
		}
	}

	for _, want := range []int{1, 0} {
		var stdout strings.Builder
		if status, said := program(&stdout, secrets...); status != exit.Done || strings.Count(stdout.String(), "kind: Secret\n") != want {
			t.Errorf("exit status %d, want %d Secrets: %s", status, want, said)
		}
	}
}

// Each command that prints exits with 1 and says why, where there is no room for its output.
func TestEachCommandSaysThatNothingWasPrinted(t *testing.T) {
	inputs, err := filepath.Abs(samples)
	if err != nil {
		t.Fatal(err)
	}

	folder := t.TempDir()
	fill := strings.NewReplacer("ECHO", inputs+"/echo.yaml", "SLEEP", inputs+"/sleep.yaml", "LOCAL", "--config "+inputs+"/tykmesh.yaml --local "+folder+"/mesh", "CONFIG", "--config "+inputs+"/tykmesh.yaml",
		"CA", folder+"/ca", "BEGUN", folder+"/begun.yaml", "ALONE", folder+"/alone.yaml", "NEW", t.TempDir())

	later := func() time.Time { return time.Now().Add(2 * time.Hour) } // new certificates are not pruned
	prepare := func(line string) (printed []byte) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		p := process{name: "tykmesh", args: strings.Fields(fill.Replace(line)), stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr}
		if status := run(t.Context(), p); status != 0 {
			t.Fatalf("%s: %s", line, &stderr)
		}
		return stdout.Bytes()
	}

	if err := os.WriteFile(folder+"/alone.yaml", []byte(standaloneConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder+"/begun.yaml", prepare("config init"), 0o600); err != nil {
		t.Fatal(err)
	}

	prepare("ca init --algo ecdsa --dir CA")
	prepare("register -n shop -f ECHO LOCAL")
	prepare("register -n shop -f SLEEP LOCAL")
	for _, gone := range []string{"sleep-inbound", "sleep-mesh"} { // which leaves a certificate that nothing uses
		if err := os.Remove(folder + "/mesh/apis/" + gone + ".json"); err != nil {
			t.Fatal(err)
		}
	}

	for command, flags := range printing {
		if flags == silent {
			continue
		}
		var stderr bytes.Buffer
		args := strings.Fields(command + " " + fill.Replace(flags))
		status := run(t.Context(), process{name: "tykmesh", args: args, stdin: strings.NewReader(""), stdout: fullDevice(t), stderr: &stderr, now: later})
		if status != exit.Failed || !strings.Contains(stderr.String(), "no space left on device") {
			t.Errorf("%s: exit status %d, said\n%s", args, status, &stderr)
		}
	}

	eachCommand(newRootCmd(process{name: "tykmesh"}), func(cmd *cobra.Command) {
		path := strings.TrimSpace(strings.TrimPrefix(cmd.CommandPath(), "tykmesh"))
		if _, known := printing[path]; !known {
			t.Errorf("%s is not among what is tried", path)
		}
	})
}
