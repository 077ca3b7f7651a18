package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
)

// certsPruneCmd holds the flags of certs prune.
type certsPruneCmd struct {
	serverFlags
	reportFlags
	confirmFlags
}

func newCertsPruneCmd(p process) *cobra.Command {
	f := &certsPruneCmd{}
	f.instead = "list the Secrets that no workload uses: " + listsRest
	c := newCommand(p, &cobra.Command{
		Use:   "prune",
		Short: "Delete certificates made for the mesh that no API uses",
		Long: "prune deletes certificates that tykmesh or tyk-k8s made for the mesh and that no API names, and their records in the ledger. It finds\n" +
			"them by the ledger, or by their issuer: a CA of the mesh signed them for the mesh or for a service in one of its namespaces. All\n" +
			"others stay. So do those that are less than an hour old, because another run may be about to put them in place.\n\n" +
			"tyk-k8s put one more certificate on an API with every pod. If an API has several, prune keeps one that can serve and deletes the\n" +
			"others; if none can, it keeps all. It asks before it deletes anything; without a terminal it needs --yes.",
		Example: "  tykmesh certs prune --dry-run      # list the deletions\n" +
			"  tykmesh certs prune --yes          # in CI",
		Args: noArgs,
	}, f.run)

	c.verbs.doing = "pruning"
	f.serverFlags.add(c)
	f.addParallel(c)
	f.reportFlags.add(c)
	f.confirmFlags.add(c)

	return c.Command
}

func (f *certsPruneCmd) run(ctx context.Context, p process, r *report.Run) (report.Output, error) {
	c, err := loadConfig(p, f.configFlags, r)
	if err != nil {
		return nil, err
	}
	if err := f.canAsk(p, "certs prune", false); err != nil {
		return nil, err
	}

	settings, err := certificateSettings(c, f.serverFlags)
	if err != nil {
		return nil, err
	}
	there, err := survey(ctx, f.serverFlags, c, settings, r)
	if err != nil {
		return nil, err
	}

	defer there.close()
	todo := plan.Prune(there.snapshot)
	return f.carryOut(ctx, p, f.timeout, r, todo, there.remote, func() { tellPruned(r) })
}

// tellPruned reports the updated APIs and the deletions.
func tellPruned(r *report.Run) {
	if len(r.Plan.Steps) == 0 {
		r.Lastly("nothing to prune")
		return
	}

	var updates, deletions report.Steps
	for _, s := range r.Plan.Steps {
		if s.Action == string(plan.Delete) {
			deletions = append(deletions, s)
			continue
		}
		updates = append(updates, s)
		r.Lastly("API %s %s: %s", s.Name, r.Verb("updated"), strings.Join(s.Reasons, "; "))
	}

	if len(updates) > 0 {
		r.Lastly("%s %s", updates, r.Verb("updated"))
	}

	if len(deletions) > 0 {
		r.Lastly("%s %s", deletions, r.Verb("deleted"))
	}
}
