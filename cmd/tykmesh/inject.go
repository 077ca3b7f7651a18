package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

func newInjectCmd(p process) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "inject",
		Short: "Register annotated services and print their manifests with sidecars",
		Long: "inject puts a sidecar into every pod template that carries injector.tyk.io/inject: \"true\", and turns the port of every such\n" +
			"Service to it. Before it prints anything it registers two APIs for each service with the Dashboard, and its certificate.\n" +
			"Run it as often as you like: what is there is left alone.",
		Example: "  kubectl apply -f <(tykmesh inject -f app.yaml)\n" +
			"  tykmesh inject -f k8s/ -R | kubectl apply -f -\n" +
			"  helm template shop | tykmesh inject -n shop --config mesh.yaml\n" +
			"  tykmesh inject --local ./mesh -f app.yaml      # files instead of servers",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd); err != nil {
				return err
			}
			return runInject(cmd.Context(), p, o)
		},
	}
	o.inputFlags(cmd)
	o.remoteFlags(cmd)
	return cmd
}

// runInject is the way of the data: configuration and manifests are read and checked, what is wanted is planned and registered, and only
// then are the manifests printed.
func runInject(ctx context.Context, p process, o options) error {
	report := newReport(p.stderr, o)
	config, err := loadConfig(p, o, report)
	if err != nil {
		return err
	}
	docs, err := readDocuments(p, o)
	if err != nil {
		return err
	}
	stream, problems := inject.Inject(docs, injectSettings(config, o))
	settings, err := meshSettings(config, o)
	if err != nil {
		return err
	}
	services, warnings, refused := mesh.Wanted(stream.Workloads(), settings)
	if err := refuse(docs, problems, refused); err != nil {
		return err
	}
	report.warnings(warnings)
	plan, bindings, err := register(ctx, config, o, services, settings, report)
	if err != nil {
		return err
	}
	if err := stream.Write(p.stdout, bindings); err != nil {
		return writeError(err)
	}
	report.injected(stream, plan)
	return nil
}

// register brings the services onto the mesh; nothing to do where there are none.
func register(ctx context.Context, config Config, o options, services []mesh.Service, settings mesh.Settings, report *report) (*mesh.Plan, map[inject.Service]inject.Binding, error) {
	if len(services) == 0 {
		return nil, nil, nil
	}
	ctx, watch := watchProgress(ctx, o.timeout)
	defer watch.stop()
	remote, closeRemote, err := openRemote(ctx, config, o, report)
	if err != nil {
		return nil, nil, watch.explain(err)
	}
	defer closeRemote()
	state, err := mesh.Observe(ctx, remote, settings)
	if err != nil {
		return nil, nil, watch.explain(err)
	}
	watch.progress()
	plan, problems := mesh.NewPlan(services, state, settings)
	if err := refuse(nil, problems); err != nil {
		return nil, nil, err
	}
	report.warnings(plan.Warnings)
	bindings, err := plan.Apply(ctx, remote, func(mesh.Event) { watch.progress() })
	if err != nil {
		return nil, nil, watch.explain(err)
	}
	return plan, bindings, nil
}

func loadConfig(p process, o options, report *report) (Config, error) {
	name, data, err := FindConfig(o.config, p.environ, os.ReadFile)
	if err != nil {
		return Config{}, err
	}
	config, warnings, err := LoadConfig(ConfigSource{Name: name, Data: data, Environ: p.environ, ReadFile: os.ReadFile, Local: o.local != ""})
	if err != nil {
		return Config{}, err
	}
	for _, w := range warnings {
		report.warn(w.String())
	}
	return config, nil
}

func readDocuments(p process, o options) ([]*manifest.Document, error) {
	sources, err := ReadSources(o.files, o.recursive, p.stdin)
	if err != nil {
		return nil, err
	}
	var docs []*manifest.Document
	for _, s := range sources {
		docs = append(docs, manifest.Split(s.Name, s.Data)...)
	}
	return docs, nil
}

func writeError(err error) error { return fmt.Errorf("writing manifests: %w", err) }

// refusal is everything for which a stream is refused, each with its place.
type refusal []inject.Problem

func (r refusal) Error() string { return fmt.Sprintf("%d problems", len(r)) }

// refuse makes one error of problems, in the order of the input; nil where there are none.
func refuse(docs []*manifest.Document, problems ...[]inject.Problem) error {
	all := slices.Concat(problems...)
	if len(all) == 0 {
		return nil
	}
	inject.SortProblems(docs, all)
	return refusal(slices.CompactFunc(all, func(a, b inject.Problem) bool { return a == b }))
}
