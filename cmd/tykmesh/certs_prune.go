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
		Long: "prune deletes certificates that tykmesh or tyk-k8s made for the mesh and that no API names, and their records in the ledger. It finds\n" +
			"them by the ledger, or by their issuer: a CA of the mesh signed them for the mesh or for a service in one of its namespaces. All\n" +
			"others stay. So do those that are less than an hour old, because another run may be about to put them in place.\n\n" +
			"tyk-k8s put one more certificate on an API with every pod. If an API has several, prune keeps one that can serve and deletes the\n" +
			"others; if none can, it keeps all. It asks before it deletes anything; without a terminal it needs --yes.",
		Example: "  tykmesh certs prune --dry-run      # list the deletions\n" +
			"  tykmesh certs prune --yes          # in CI",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd, p, runCertsPrune) },
	}

	o.remoteFlags(cmd)
	o.parallelFlag(cmd)
	o.reportFlags(cmd)
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "print the deletions, and delete nothing")
	cmd.Flags().BoolVar(&o.yes, "yes", false, "delete without asking")

	return cmd
}

func runCertsPrune(ctx context.Context, p process, o options, report *report) (output, error) {
	if !o.yes && !o.dryRun && !canAsk(p, o) {
		const asks = "prune asks before it deletes, and cannot ask here: use --yes to delete without asking, or --dry-run to see the deletions"
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

	if err := report.take(ctx, o, plan, there.remote); err != nil {
		return nil, err
	}

	report.pruned(plan)

	return nil, nil
}

// staying warns of the certificates that a pruning has to leave.
func (r *report) staying(plan *mesh.Plan) {
	for _, kept := range plan.Kept {
		r.warn(fmt.Sprintf("certificate %s (%s) stays: %s", kept.ID, kept.Name, kept.Reason))
	}
	for _, api := range plan.APIsWithSurplus {
		r.warn(fmt.Sprintf("API %s keeps its %d certificates, because none could serve alone (%s): run certs renew first", api.Slug, api.Count, api.Reason))
	}
}

// pruned reports the updated APIs and the deletions.
func (r *report) pruned(plan *mesh.Plan) {
	if plan.Empty() {
		r.lastly("nothing to prune")
		return
	}

	var updates, deletions []mesh.Step
	for _, s := range plan.Steps() {
		if s.Action == mesh.Delete {
			deletions = append(deletions, s)
			continue
		}
		updates = append(updates, s)
		r.lastly("API %s %s: %s", s.Name, r.verb("updated"), strings.Join(s.Reasons, "; "))
	}

	if len(updates) > 0 {
		r.lastly("%s %s", countSteps(updates), r.verb("updated"))
	}

	if deleted := countSteps(deletions); deleted != "" {
		r.lastly("%s %s", deleted, r.verb("deleted"))
	}
}
