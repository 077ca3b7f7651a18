package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/apply"
	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/explain"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/phase"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject"
)

func newRegisterCmd(p process) *cobra.Command {
	f := &injectCmd{}
	f.instead = "apply the manifests, which contain the APIs: kubectl apply -f <(tykmesh inject -f app.yaml)"
	c := newCommand(p, &cobra.Command{
		Use:   "register",
		Short: "Register annotated services like inject, and print no manifest",
		Long: "register does the same as inject, but prints no manifests. Another job can then render them with inject --registered and a key that\n" +
			"may only read. In standalone mode there is nothing to register.",
		Example: "  tykmesh register -f app.yaml && tykmesh inject --registered -f app.yaml\n" +
			"  tykmesh register --dry-run --local none -f app.yaml     # checks manifests without servers and secrets",
	}, func(ctx context.Context, p process, r *report.Run) (report.Output, error) {
		_, err := f.inject(ctx, p, r)
		if err != nil || !f.dryRun {
			return nil, err
		}

		return r.Plan.Output(), nil
	})

	c.verbs, f.onlyRegisters = verbs{"registering", "registered"}, true
	f.add(c)
	addDryRun(c, &f.dryRun, "register nothing; print the planned steps")

	return c.Command
}

// register plans the registration of the services and carries it out. A dry run ends with the plan.
func (f *injectCmd) register(ctx context.Context, c config.Config, services []plan.Service, calls []inject.RouteCall, settings mesh.Settings, r *report.Run) (todo *plan.Plan, bindings map[inject.Service]inject.Binding, err error) {
	if len(services) == 0 {
		r.Planned(nil, 0)
		return nil, nil, nil
	}

	ctx, remotely := phase.Begin(ctx, f.timeout, r)
	defer func() {
		if remotely.End() && err == nil {
			err = remotely.InterruptedAtEnd()
		}
	}()

	f.makesCA = !f.dryRun && !f.registered
	there, err := observe(ctx, f.serverFlags, c, settings, remotely, r)
	if err != nil {
		return nil, nil, err
	}

	defer there.close()
	snapshot, err := apply.Resolve(ctx, there.remote, services, there.snapshot)
	if err != nil {
		return nil, nil, remotely.Explain(err)
	}

	todo, problems := plan.Register(services, snapshot, calls...)
	if err := explain.Refuse(nil, problems); err != nil {
		return nil, nil, err
	}
	if err := apply.Prove(ctx, todo, there.remote); err != nil {
		return nil, nil, remotely.Explain(err)
	}

	r.Findings(explain.Warnings(todo.Warnings))
	debugAccepted(r, todo.Accepted)
	warnOfNewCA(r, c, todo)
	if f.registered { // later deletions do not change the manifests
		return todo, todo.Bindings(), registered(todo, r)
	}

	r.Findings(explain.Warnings(todo.Outages))
	r.Planned(phase.Steps(todo.Steps()...), kept(todo))
	if f.dryRun {
		return todo, preview(todo.Bindings()), nil
	}

	bindings, err = remotely.CarryOut(ctx, todo, there.remote)

	return todo, bindings, err
}

// kept returns the number of APIs and certificates that a plan does not change.
func kept(todo *plan.Plan) int {
	return todo.Count(plan.APIKind, plan.Keep) + todo.Count(plan.CertificateKind, plan.Keep)
}

// registered returns an error if something would have to be registered.
func registered(todo *plan.Plan, r *report.Run) error {
	steps := todo.Registration()
	r.Planned(phase.Steps(steps...), kept(todo))
	if len(steps) > 0 {
		return &unregisteredError{steps}
	}
	return nil
}

// unregisteredError ends a run with --registered that finds steps to do.
type unregisteredError struct{ steps []plan.Step }

func (e *unregisteredError) Error() string {
	return report.Plural(len(e.steps), "step") + " of registration left to do"
}

// Hint returns the command that does the steps.
func (*unregisteredError) Hint() string {
	return "run tykmesh register with the same flags and a key that may write"
}

// Steps returns the steps that are missing.
func (e *unregisteredError) Steps() (lines []string) {
	for _, s := range e.steps {
		lines = append(lines, "to do: "+s.String())
	}
	return lines
}
