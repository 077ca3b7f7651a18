package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/apply"
	"github.com/tykmesh/tykmesh/cmd/internal/overview"
	"github.com/tykmesh/tykmesh/cmd/internal/phase"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
)

// certsRenewCmd holds the flags and arguments of certs renew.
type certsRenewCmd struct {
	serverFlags
	reportFlags
	before span
	dryRun bool
	all    bool // in any case
	names  func() []string
}

func newCertsRenewCmd(p process) *cobra.Command {
	f := &certsRenewCmd{}
	f.instead = "issue the certificates that are due: tykmesh certs secrets -f app.yaml -w due.yaml && { [ ! -s due.yaml ] || kubectl apply -f due.yaml; }; cert-manager renews its own without tykmesh"
	c := newCommand(p, &cobra.Command{
		Use:   "renew [NAMESPACE/APP | mesh]...",
		Short: "Renew the certificates that are due, or those that are named",
		Long: "renew replaces certificates of the services that status lists, if they end soon, are missing or lost, or were not signed by the\n" +
			"current CA. A certificate is lost if an API or a record names it and the Dashboard's store no longer has it.\n\n" +
			"The new one is in place on every API before the old one is deleted; nothing else of an API changes, and no manifest is read. Named\n" +
			"services, and mesh for the certificate that all routes share, get a new one in any case; with --all, everything does.\n\n" +
			"Run it every day, as a cron job or as a Kubernetes CronJob such as testdata/samples/certs-renew-cronjob.yaml in the source.",
		Example: "  tykmesh certs renew\n" +
			"  tykmesh certs renew --renew-before 30d --dry-run\n" +
			"  tykmesh certs renew retail/echo mesh\n" +
			"  tykmesh certs renew --all                      # every service and the mesh, due or not",
	}, f.run)

	c.verbs.doing, c.dryRun, f.names = "renewing", &f.dryRun, c.Flags().Args
	c.rules = append(c.rules, func() []flagRule {
		return []flagRule{
			{c.Flags().Changed("renew-before") && f.before <= 0, "--renew-before must be more than 0"},
			{f.all && len(f.names()) > 0, "--all renews every certificate; name no service"},
		}
	})
	f.reportFlags.add(c)
	f.serverFlags.add(c)
	f.addParallel(c)
	c.Flags().Var(&f.before, "renew-before", "renew certificates with less than this `TIME` left, as 30d or 720h (default: a third of their life)")
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "print the steps, and change nothing")
	c.Flags().BoolVar(&f.all, "all", false, "renew the certificates of all services and of the mesh now, due or not")
	c.ValidArgsFunction = f.completeServices(c, certificateSettings, plan.MeshName)

	return c.Command
}

// run reads the state of the mesh, plans the due renewals and carries them out.
func (f *certsRenewCmd) run(ctx context.Context, p process, r *report.Run) (report.Output, error) {
	c, err := loadConfig(p, f.configFlags, r)
	if err != nil {
		return nil, err
	}

	settings, err := certificateSettings(c, f.serverFlags)
	if err != nil {
		return nil, err
	}

	settings.RenewBefore = time.Duration(f.before)
	ctx, remotely := phase.Begin(ctx, f.timeout, r)
	defer remotely.End()
	f.makesCA = !f.dryRun
	there, err := observe(ctx, f.serverFlags, c, settings, remotely, r)
	if err != nil {
		return nil, err
	}

	defer there.close()
	names := f.names()
	if f.all {
		names = there.snapshot.Renewable()
	}

	todo, err := plan.Renew(there.snapshot, names)
	if err != nil {
		return nil, err
	}
	if err := apply.Prove(ctx, todo, there.remote); err != nil {
		return nil, remotely.Explain(err)
	}

	for _, note := range todo.Notes {
		r.Warn("%s", note)
	}

	warnOfNewCA(r, c, todo)
	r.Show(func() overview.Mesh { return overview.Mesh{Now: p.now(), Certificates: endsOf(todo)} })
	r.Planned(phase.Steps(todo.Steps()...), kept(todo))
	if f.dryRun {
		tellRenewed(r, todo)
		return r.Plan.Output(), nil
	}

	if _, err := remotely.CarryOut(ctx, todo, there.remote); err != nil {
		return nil, err
	}

	tellRenewed(r, todo)

	return nil, nil
}

// tellRenewed reports which certificates were renewed, service by service.
func tellRenewed(r *report.Run, todo *plan.Plan) {
	for _, svc := range todo.Services {
		if done := r.Plan.Texts(r.Plan.Steps.Of(svc.String())); len(done) > 0 {
			r.Lastly("%s: %s", svc, strings.Join(done, ", "))
		}
	}

	r.Plan.TellMesh("API")
	if done := r.Plan.Counts(); len(done) > 0 {
		r.Lastly("%s", strings.Join(done, ", "))
		return
	}

	r.Lastly("nothing is due: %s kept", report.Plural(todo.Count(plan.CertificateKind, plan.Keep), "certificate"))
}
