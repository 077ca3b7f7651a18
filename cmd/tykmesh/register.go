package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/inject"
)

func newRegisterCmd(p process) *cobra.Command {
	o := options{certifies: true}
	cmd := &cobra.Command{
		Use:   "register",
		Short: "Register annotated services like inject, and print no manifest",
		Long: "register does what inject does but for the manifests: for a pipeline that renders them elsewhere, with inject --registered and a\n" +
			"key that may only read.",
		Example: "  tykmesh register -f app.yaml && tykmesh inject --registered -f app.yaml",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd, p, func(ctx context.Context, p process, o options, r *report) (output, error) {
				_, err := runInject(ctx, p, o, r)
				return nil, err
			})
		},
	}

	o.registrationFlags(cmd)
	return cmd
}

// register brings the services onto the mesh; nothing to do where there are none. In a dry run it
// only says what is to be done.
func register(ctx context.Context, c config.Config, o options, services []mesh.Service, settings mesh.Settings, report *report) (*mesh.Plan, map[inject.Service]inject.Binding, error) {
	if len(services) == 0 {
		report.planned(nil, 0)
		return nil, nil, nil
	}

	report.progress(progressReading)
	ctx, watch := watchProgress(ctx, o.timeout)
	defer watch.stop()
	remote, closeRemote, err := openRemote(ctx, c, o, report)
	if err != nil {
		return nil, nil, watch.explain(err)
	}

	defer closeRemote()
	state, err := mesh.Observe(ctx, remote, settings)
	if err != nil {
		return nil, nil, watch.explain(err)
	}

	watch.progress()
	snapshot, err := mesh.Resolve(ctx, remote, services, mesh.NewSnapshot(state, settings))
	if err != nil {
		return nil, nil, watch.explain(err)
	}

	plan, problems := mesh.NewPlan(services, snapshot)
	if err := refuse(nil, problems); err != nil {
		return nil, nil, err
	}
	if err := plan.Prove(ctx, remote); err != nil {
		return nil, nil, watch.explain(err)
	}

	report.warnings(plan.Warnings)
	report.newAuthority(c, plan)
	if o.registered { // what is left to delete is no part of what is printed
		return plan, plan.Bindings(), registered(plan, report)
	}

	report.planned(plan.Steps(), kept(plan))
	if o.dryRun {
		return plan, preview(plan.Bindings()), nil
	}

	bindings, err := carryOut(ctx, plan, remote, watch, report)

	return plan, bindings, err
}

// kept is how many things a plan leaves as they are.
func kept(plan *mesh.Plan) int {
	return plan.Count(mesh.APIKind, mesh.Keep) + plan.Count(mesh.CertificateKind, mesh.Keep)
}

// registered returns an error if something would have to be registered.
func registered(plan *mesh.Plan, report *report) error {
	steps := plan.Registration()
	report.planned(steps, kept(plan))
	if len(steps) > 0 {
		return &unregisteredError{steps}
	}
	return nil
}

// carryOut takes the steps of a plan.
func carryOut(ctx context.Context, plan *mesh.Plan, remote mesh.Remote, watch *watch, report *report) (map[inject.Service]inject.Binding, error) {
	bindings, err := plan.Apply(ctx, remote, func(e mesh.Event) {
		watch.progress()
		report.event(e)
	})
	if err != nil {
		return nil, watch.explain(err)
	}
	report.leftBehind()
	return bindings, nil
}

// unregisteredError ends a run with --registered in which something would have to be done.
type unregisteredError struct{ steps []mesh.Step }

func (e *unregisteredError) Error() string {
	return plural(len(e.steps), "step") + " of registration left to do"
}

// Hint returns the other half of the pipeline.
func (*unregisteredError) Hint() string {
	return "register does it: the same flags, with a key that may write"
}
