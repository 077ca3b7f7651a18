// Command tykmesh puts Kubernetes workloads on a Tyk service mesh: it reads manifests, registers
// APIs and certificates for the annotated services, and prints the manifests with a sidecar in
// every annotated pod.
//
//	main ──> run ──> a command ──> work ──> output
//	                 flags           │        standard output or files, once everything is done
//	                                 └──> report.Run: standard error, --report for machines
//
// injectCmd.inject (inject.go) shows the whole way: loadConfig, readDocuments, inject.Inject,
// plan.Register, Phase.CarryOut, Stream.Write.
//
// This package holds commands: a file for each, with its flags (flags.go has those that several
// share), its work, and its lines for users. Configuration keys are in cmd/internal/config, the
// meaning of injection is in inject; cmd/internal/plan plans registrations, and cmd/internal/apply
// carries them out. All output passes
// through cmd/internal/report, all errors through cmd/internal/explain, and all files through
// cmd/internal/files. No other package ends the program.
package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/tykmesh/tykmesh/inject/display"
)

// version is set by make build and make release.
var version string

func main() {
	os.Exit(run(context.Background(), thisProcess()))
}

func thisProcess() process {
	return process{
		name: calledName(os.Args[0]), args: os.Args[1:], environ: os.Environ(),
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
	}
}

// calledName returns the words by which the user calls a program: kubectl runs the file
// kubectl-tykmesh as its command tykmesh.
func calledName(file string) string {
	name := strings.TrimSuffix(filepath.Base(file), ".exe")
	if plugin, ok := strings.CutPrefix(name, "kubectl-"); ok {
		return "kubectl " + display.Line(strings.ReplaceAll(plugin, "_", "-"))
	}
	return "tykmesh"
}
