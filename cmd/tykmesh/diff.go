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
	var d diffFlags
	c := newCommand(p, &cobra.Command{
		Use:   "diff",
		Short: "Print the steps of inject, and exit with 3 if there are any",
		Long: "diff checks manifests as inject does, changes nothing anywhere, and prints the steps that inject would take. With --manifests it also\n" +
			"compares the manifests with what inject would print, which is useful where Git holds injected manifests.\n\n" +
			"Exit statuses:\n" +
			"  0    nothing is missing or out of date: tykmesh inject --registered would succeed\n" +
			"  1    the manifests have errors, or a server failed\n" +
			"  2    the command line or the configuration is wrong\n" +
			"  3    there are steps; with --manifests, also if a manifest would change\n" +
			"  4    the Dashboard or the issuer rejected the credentials\n\n" +
			"Certificates that are due for renewal are listed. They do not count while they are valid, so no pull request fails because of the date.\n" +
			"In standalone mode there is nothing to register: diff only checks, unless --manifests is given.",
		Example: "  tykmesh diff -f k8s/                     # in pull requests\n" +
			"  tykmesh diff -f k8s/ && kubectl diff -f <(tykmesh inject --registered -q -f k8s/)     # then the changes in the cluster, for which kubectl exits with 1\n" +
			"  tykmesh diff --manifests -f k8s/     # also a diff of the manifests\n" +
			"  tykmesh register --dry-run --local none -f k8s/       # checks without servers and secrets; exits with 0 if there is no error",
	}, func(ctx context.Context, p process, r *report.Run) (report.Output, error) {
		i, err := f.inject(ctx, p, r)
		if err != nil {
			return nil, err
		}

		return f.compare(r, i, d.manifests), nil
	})

	c.verbs, c.dryRun, f.diff = verbs{done: "injected"}, &f.dryRun, &d
	f.add(c)
	d.add(c)

	return c.Command
}

// diffFlags say what diff compares.
type diffFlags struct{ manifests bool }

func (g *diffFlags) add(c *command) {
	c.Flags().BoolVar(&g.manifests, "manifests", false, "also print a diff of the manifests, and exit with 3 if one would change")
}

// compare returns the output of diff. The exit status tells whether something is to do.
func (f *injectCmd) compare(r *report.Run, i injected, manifests bool) report.Output {
	if i.unregistered() || manifests && i.changesManifests() {
		r.Exit = exit.Changes
	}
	r.InLog()

	return func() error { return writePreview(r, i, manifests) }
}

// unregistered reports whether something is not registered, or out of date.
func (i injected) unregistered() bool { return i.plan != nil && len(i.plan.Registration()) > 0 }

// changesManifests reports whether inject would print other manifests than it has read.
func (i injected) changesManifests() bool {
	for f := range i.stream.Files(i.bindings) {
		if len(f.Patch) > 0 {
			return true
		}
	}
	return false
}

// compared returns the end of the summary of diff: the reason for the exit status where the steps
// do not show it, and the flag for more.
func (g *diffFlags) compared(i injected) (text string) {
	if i.standalone {
		text += "; nothing to register"
	}

	changed := i.changesManifests()
	if i.plan != nil && !i.plan.Empty() && !i.unregistered() && !(g.manifests && changed) {
		text += "; all of this renews valid certificates, so the exit status is 0"
	}

	if !g.manifests && changed {
		text += "; --manifests shows the changes of the manifests"
	}

	return text
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

// writePreview prints what would be registered, and a diff of the manifests if it is asked for. The
// whole diff is ready before the first line is out.
func writePreview(r *report.Run, i injected, manifests bool) error {
	var diffs bytes.Buffer
	if manifests {
		for f := range i.stream.Files(i.bindings) {
			diffs.Write(manifest.Diff(f.Name, f.Text, f.Patch))
		}
	}

	if err := r.Plan.WriteShort(); err != nil {
		return err
	}

	if diffs.Len() == 0 {
		return nil // not even brackets
	}

	return r.WriteDiff(diffs.Bytes())
}
