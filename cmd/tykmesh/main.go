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

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/inject/display"
)

// version is set by make build and make release.
var version string

func main() {
	os.Exit(run(context.Background(), thisProcess()))
}

func thisProcess() process {
	name, args := called(os.Args)
	return process{
		name: name, args: args, environ: os.Environ(),
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
	}
}

// called returns the words by which the user calls the program, and its arguments:
//
//	tykmesh                    tykmesh
//	kubectl-tykmesh            kubectl tykmesh             a plugin of kubectl
//	kubectl_complete-tykmesh   kubectl tykmesh __complete  kubectl asks it for the words of a plugin,
//	                                                       in the format of cobra, which kubectl shares
//
// The format is in k8s.io/kubectl/pkg/cmd/plugin/plugin_completion.go.
func called(words []string) (name string, args []string) {
	file, args := strings.TrimSuffix(filepath.Base(words[0]), ".exe"), words[1:]
	if plugin, ok := strings.CutPrefix(file, "kubectl_complete-"); ok {
		file, args = "kubectl-"+plugin, append([]string{cobra.ShellCompRequestCmd}, args...)
	}

	if plugin, ok := strings.CutPrefix(file, "kubectl-"); ok {
		return "kubectl " + display.Line(strings.ReplaceAll(plugin, "_", "-")), args
	}

	return "tykmesh", args
}
