package main

import (
	"bytes"
	"context"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/exit"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

func newDiffCmd(p process) *cobra.Command {
	f := &injectCmd{outputFlags: outputFlags{dryRun: true}}
	c := newCommand(p, &cobra.Command{
		Use:   "diff",
		Short: "Print what inject would do, and exit with 3 if there is something to do",
		Long: "diff is inject --dry-run: it changes nothing anywhere, and prints what would be registered and a diff of the manifests. The exit\n" +
			"status is 3 if there is anything.",
		Example: "  tykmesh diff -f app.yaml",
	}, func(ctx context.Context, p process, r *report.Run) (report.Output, error) {
		i, err := f.inject(ctx, p, r)
		if err != nil {
			return nil, err
		}
		if i.due() {
			r.Exit = exit.Changes
		}

		return f.output(r, i), nil
	})

	c.verbs, c.dryRun = verbs{done: "injected"}, &f.dryRun
	f.add(c)

	return c.Command
}

// due reports whether there is something to do.
func (i injected) due() bool {
	if i.plan != nil && !i.plan.Empty() {
		return true
	}
	for f := range i.stream.Files(i.bindings) {
		if len(f.Patch) > 0 {
			return true
		}
	}

	return false
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
func writePreview(r *report.Run, i injected) error {
	var diffs bytes.Buffer
	for f := range i.stream.Files(i.bindings) {
		diffs.Write(manifest.Diff(f.Name, f.Text, f.Patch))
	}

	if err := r.Plan.WriteShort(); err != nil {
		return err
	}

	if diffs.Len() == 0 {
		return nil // not even brackets
	}

	return r.WriteDiff(diffs.Bytes())
}
