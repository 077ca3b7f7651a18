package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
)

func newCertsRenewCmd(p process) *cobra.Command {
	o := options{certifies: true}
	cmd := &cobra.Command{
		Use:   "renew [NAMESPACE/APP | mesh]...",
		Short: "Renew the certificates that are due, or those that are named",
		Long: "renew replaces certificates of the services that status lists, if they end soon, are missing or were not signed by the current CA.\n" +
			"The new one is in place on every API before the old one is deleted; nothing else of an API changes, and no manifest is read. Named\n" +
			"services, and mesh for the certificate that all routes share, get a new one in any case.\n\n" +
			"Run it every day, as a cron job or as a Kubernetes CronJob such as testdata/samples/certs-renew-cronjob.yaml in the source.",
		Example: "  tykmesh certs renew\n" +
			"  tykmesh certs renew --renew-before 30d --dry-run\n" +
			"  tykmesh certs renew retail/echo mesh",
		RunE: func(cmd *cobra.Command, names []string) error {
			if cmd.Flags().Changed("renew-before") && o.renew <= 0 {
				return &usageError{"--renew-before must be more than 0", cmd.CommandPath()}
			}

			return o.run(cmd, p, func(ctx context.Context, p process, o options, r *report) (output, error) {
				return runRenew(ctx, p, o, names, r)
			})
		},
	}

	o.reportFlags(cmd)
	o.remoteFlags(cmd)
	o.parallelFlag(cmd)
	cmd.Flags().Var(&o.renew, "renew-before", "renew certificates with less than this `TIME` left, as 30d or 720h (default: a third of their life)")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "print the steps, and change nothing")
	cmd.ValidArgsFunction = o.services(p, certificateSettings, mesh.MeshName)

	return cmd
}

// runRenew reads the state of the mesh, plans the due renewals and carries them out.
func runRenew(ctx context.Context, p process, o options, names []string, report *report) (output, error) {
	c, err := loadConfig(p, o, report)
	if err != nil {
		return nil, err
	}

	settings, err := certificateSettings(c, o)
	if err != nil {
		return nil, err
	}

	report.progress(progressReading)
	ctx, watch := watchProgress(ctx, o.timeout)
	defer watch.stop()
	remote, closeRemote, err := openRemote(ctx, c, o, report)
	if err != nil {
		return nil, watch.explain(err)
	}

	defer closeRemote()
	state, err := mesh.Observe(ctx, remote, settings)
	if err != nil {
		return nil, watch.explain(err)
	}

	watch.progress()
	plan, err := mesh.NewRenewal(mesh.NewSnapshot(state, settings), names)
	if err != nil {
		return nil, err
	}
	if err := plan.Prove(ctx, remote); err != nil {
		return nil, watch.explain(err)
	}

	for _, note := range plan.Notes {
		report.warn(note)
	}

	report.warnOfNewCA(c, plan)
	steps := plan.Steps()
	report.planned(steps, kept(plan))
	if o.dryRun {
		report.renewed(plan)
		report.inLog()
		return func() error { return writeSteps(p.stdout, steps) }, nil
	}

	if _, err := carryOut(ctx, plan, remote, watch, report); err != nil {
		return nil, err
	}

	report.renewed(plan)

	return nil, nil
}

// renewed reports which certificates were renewed, service by service.
func (r *report) renewed(plan *mesh.Plan) {
	for _, s := range plan.Services {
		steps := []mesh.Step{s.Certificate.Step, s.Inbound.Step}
		for _, duplicate := range s.Duplicates {
			steps = append(steps, duplicate.Step)
		}
		if done := r.did(plan, s.Service, steps...); len(done) > 0 {
			r.lastly("%s: %s", s.Service, strings.Join(done, ", "))
		}
	}

	r.meshCertificate(plan, "API")
	if done := r.counts(plan); len(done) > 0 {
		r.lastly("%s", strings.Join(done, ", "))
		return
	}

	r.lastly("nothing is due: %s kept", plural(plan.Count(mesh.CertificateKind, mesh.Keep), "certificate"))
}
