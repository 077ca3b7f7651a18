package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
)

func newCertsPruneCmd(p process) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Delete the certificates that were made for the mesh and that no API uses",
		Long: "prune deletes what was made for the mesh and serves nothing any more: certificates that no API names, and their records in the\n" +
			"ledger. A certificate is ours if the ledger has it, or if our CA signed it for the mesh or for a service in a namespace of the mesh;\n" +
			"all others stay. So do those that are less than an hour old, because another run may be about to put them in place.\n\n" +
			"tyk-k8s put one more certificate on an API with every pod. Those go too where the API has one that can serve; where it has none,\n" +
			"they stay. It asks before it deletes anything; where it cannot ask, it wants --yes.",
		Example: "  tykmesh certs prune --dry-run      # what would go\n" +
			"  tykmesh certs prune --yes          # in CI",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd, p, runCertsPrune) },
	}

	o.remoteFlags(cmd)
	o.parallelFlag(cmd)
	o.reportFlags(cmd)
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "delete nothing: print what would be deleted")
	cmd.Flags().BoolVar(&o.yes, "yes", false, "delete without asking")

	return cmd
}

func runCertsPrune(ctx context.Context, p process, o options, report *report) (output, error) {
	if !o.yes && !o.dryRun && !canAsk(p, o) {
		const asks = "prune asks before it deletes, and here nobody can answer: --yes deletes without asking, --dry-run says what"
		return nil, &usageError{asks, p.name + " certs prune"}
	}

	there, err := look(ctx, p, o, certificateSettings, report)
	if err != nil {
		return nil, err
	}

	defer there.close()
	plan := mesh.NewPruning(there.snapshot)
	report.staying(plan)
	steps := plan.Steps()
	report.planned(steps, 0)
	if o.dryRun {
		report.pruned(plan)
		report.inLog()
		return func() error { return writeSteps(p.stdout, steps) }, nil
	}

	if err := report.take(ctx, o, steps, func(ctx context.Context, progress func(mesh.Event)) error {
		return plan.Apply(ctx, there.remote, progress)
	}); err != nil {
		return nil, err
	}

	report.pruned(plan)

	return nil, nil
}

// staying warns of what a pruning has to leave.
func (r *report) staying(plan *mesh.Pruning) {
	for _, kept := range plan.Kept {
		r.warn(fmt.Sprintf("certificate %s (%s) stays: %s", kept.ID, kept.Name, kept.Reason))
	}
	for _, api := range plan.APIsWithSurplus {
		r.warn(fmt.Sprintf("API %s keeps its %d certificates, because none could serve alone (%s): certs renew comes first", api.Slug, api.Count, api.Reason))
	}
}

// pruned reports what was taken off APIs and what was deleted.
func (r *report) pruned(plan *mesh.Pruning) {
	if len(plan.Steps()) == 0 {
		r.lastly("nothing to prune")
		return
	}

	for _, s := range plan.APIs {
		r.lastly("API %s %s: %s", s.Name, r.verb("updated"), strings.Join(s.Reasons, "; "))
	}

	if len(plan.APIs) > 0 {
		r.lastly("%s %s", countSteps(plan.APIs), r.verb("updated"))
	}

	if deleted := countSteps(append(plan.Certificates, plan.Records...)); deleted != "" {
		r.lastly("%s %s", deleted, r.verb("deleted"))
	}
}
