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
		Long: "register does the same as inject, but prints no manifests. Another job can then render them with inject --registered and a key that\n" +
			"may only read.",
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

// register plans the registration of the services and carries it out. A dry run ends with the plan.
func register(ctx context.Context, c config.Config, o options, services []mesh.Service, settings mesh.Settings, report *report) (plan *mesh.Plan, bindings map[inject.Service]inject.Binding, err error) {
	if len(services) == 0 {
		report.planned(nil, 0)
		return nil, nil, nil
	}

	report.progress(progressReading)
	ctx, watch := watchProgress(ctx, o.timeout)
	defer func() {
		if watch.stop() && err == nil {
			err = interruptedAtEnd(report)
		}
	}()

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
	report.warnOfNewCA(c, plan)
	if o.registered { // later deletions do not change the manifests
		return plan, plan.Bindings(), registered(plan, report)
	}

	report.planned(plan.Steps(), kept(plan))
	if o.dryRun {
		return plan, preview(plan.Bindings()), nil
	}

	bindings, err = carryOut(ctx, plan, remote, watch, report)

	return plan, bindings, err
}

// kept returns the number of APIs and certificates that a plan does not change.
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

// carryOut applies a plan.
func carryOut(ctx context.Context, plan *mesh.Plan, remote mesh.Remote, watch *watch, report *report) (map[inject.Service]inject.Binding, error) {
	bindings, err := plan.Apply(ctx, remote, func(e mesh.Event) {
		watch.progress()
		report.event(e)
	})
	if err != nil {
		return nil, watch.explain(err)
	}
	if watch.interrupted() {
		return nil, interruptedAtEnd(report)
	}

	report.leftBehind()

	return bindings, nil
}

// interruptedAtEnd returns the error of an interrupted run whose steps are all done: it prints no
// manifest.
func interruptedAtEnd(report *report) error {
	return &unprintedError{interruptedError{}, report.steps.done()}
}

// unregisteredError ends a run with --registered that finds steps to do.
type unregisteredError struct{ steps []mesh.Step }

func (e *unregisteredError) Error() string {
	return plural(len(e.steps), "step") + " of registration left to do"
}

// Hint returns the command that does the steps.
func (*unregisteredError) Hint() string {
	return "run tykmesh register with the same flags and a key that may write"
}
