package main

import (
	"bytes"
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

func newDiffCmd(p process) *cobra.Command {
	o := options{dryRun: true}
	cmd := &cobra.Command{
		Use:   "diff",
		Short: "Print what inject would do, and exit with 3 if there is something to do",
		Long: "diff is inject --dry-run: it changes nothing anywhere, and prints what would be registered and a diff of the manifests. The exit\n" +
			"status is 3 if there is anything.",
		Example: "  tykmesh diff -f app.yaml",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd, p, runDiff) },
	}

	o.registrationFlags(cmd)
	return cmd
}

// runDiff returns a dry run whose exit status says whether there is something to do.
func runDiff(ctx context.Context, p process, o options, report *report) (output, error) {
	write, err := runInject(ctx, p, o, report)
	if err == nil && report.due {
		report.exit = exitChanges
	}
	return write, err
}

// knownAfterApply stands for an id that there is not yet.
const knownAfterApply = "(known after apply)"

// preview fills bindings with a readable text where an id is unknown.
func preview(bindings map[inject.Service]inject.Binding) map[inject.Service]inject.Binding {
	for svc, b := range bindings {
		if b.InboundID == "" {
			b.InboundID = knownAfterApply
		}
		if b.MeshID == "" {
			b.MeshID = knownAfterApply
		}
		bindings[svc] = b
	}

	return bindings
}

// writePreview prints what would be registered, and a diff of the manifests. The whole diff is
// ready before the first line is out.
func writePreview(w io.Writer, stream *inject.Stream, plan *mesh.Plan, bindings map[inject.Service]inject.Binding, report *report) error {
	var diffs bytes.Buffer
	for f := range stream.Files(bindings) {
		diffs.Write(manifest.Diff(f.Name, f.Text, f.Patch))
	}

	if plan != nil {
		steps := plan.Steps()
		for i := range steps {
			steps[i].Reasons = report.reasons(steps[i].Reasons)
		}
		if err := writeSteps(w, steps); err != nil {
			return err
		}
	}

	if diffs.Len() == 0 {
		return nil // not even brackets
	}

	_, err := report.diffWriter(w).Write(diffs.Bytes())

	return err
}
