// Command tykmesh puts Kubernetes workloads on a Tyk service mesh: it reads manifests, registers
// the APIs and certificates of what is annotated in them, and prints the manifests with a sidecar
// in every annotated pod.
//
//	main ──> run ──> the command ──> its work ──> output
//	                 flags to        config.Load, readDocuments, inject.Inject, mesh.NewPlan, Apply:    once all is done: standard output,
//	                 options         runInject (inject.go) shows all of the way                         or the files
//	                                   │
//	                                   └──> report: standard error for people, --report for machines
//
// This package is the edge: flags, standard streams, files, reports, hints and exit statuses; a
// file for each command, called as the command. What can be configured is in cmd/internal/config,
// what injection means in inject, what registration does in cmd/internal/mesh. Nothing else opens a
// file that a user names, prints, or ends the program.
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

// calledName is how the user calls a program: kubectl runs the file kubectl-tykmesh as its command
// tykmesh.
func calledName(file string) string {
	name := strings.TrimSuffix(filepath.Base(file), ".exe")
	if plugin, ok := strings.CutPrefix(name, "kubectl-"); ok {
		return "kubectl " + display.Line(strings.ReplaceAll(plugin, "_", "-"))
	}
	return "tykmesh"
}
