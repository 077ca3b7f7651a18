package main

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

func newInjectCmd(p process) *cobra.Command {
	o := options{certifies: true}
	cmd := &cobra.Command{
		Use:   "inject",
		Short: "Register annotated services and print their manifests with sidecars",
		Long: "inject adds a sidecar to every pod template annotated with injector.tyk.io/inject: \"true\", and points the port of every annotated\n" +
			"Service to it. Before it prints anything, it registers two APIs and a certificate for each service with the Dashboard.\n" +
			"Run it as often as you like: a second run changes nothing.",
		Example: "  kubectl apply -f <(tykmesh inject -f app.yaml)\n" +
			"  tykmesh inject -f k8s/ -R | kubectl apply -f -\n" +
			"  helm template ./shop | tykmesh inject -n retail --config mesh.yaml\n" +
			"  tykmesh inject -f app.yaml -o meshed.yaml      # in shells without <()\n" +
			"  tykmesh inject -i -f k8s/                      # rewrites the files\n" +
			"  tykmesh inject --reinject -i -f k8s/           # replaces the sidecars by those of the current configuration\n" +
			"  tykmesh inject --local ./mesh -f app.yaml      # files instead of servers",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd, p, runInject) },
	}

	o.registrationFlags(cmd)
	o.outputFlags(cmd)
	cmd.Flags().BoolVar(&o.registered, "registered", false, "register nothing: use the ids of registered APIs, and fail if one is missing or out of date")

	return cmd
}

// work does the work of a command after its flags have been checked. The output that it returns is
// written at the end.
type work func(context.Context, process, options, *report) (output, error)

// run checks the flags, does the work and reports it.
func (o *options) run(cmd *cobra.Command, p process, do work) error {
	if err := o.check(cmd); err != nil {
		return err
	}

	o.now = p.now
	standard := p
	file, err := o.outputFile(&p)
	if err != nil {
		return err
	}

	command := strings.TrimPrefix(cmd.CommandPath(), cmd.Root().CommandPath()+" ") // with the name of its group: "certs renew"
	report, err := newReport(p, command, *o)
	if err != nil {
		return err
	}

	report.targets = o.targetsOf(standard, report.target.file)
	report.out = &printer{to: p.stdout}
	p.stdout = report.out

	return report.run(func() (output, error) {
		if err := o.checkTargets(cmd, p, report); err != nil {
			return nil, err
		}
		write, err := do(cmd.Context(), p, *o, report)
		return file.after(write), err
	})
}

// runInject reads and checks the configuration and the manifests, then plans and carries out the
// registration. The output that it returns writes the manifests.
func runInject(ctx context.Context, p process, o options, report *report) (output, error) {
	c, err := loadConfig(p, o, report)
	if err != nil {
		return nil, err
	}

	docs, err := readDocuments(p, o, c.File, report)
	if err != nil {
		return nil, err
	}

	report.list, report.trusted = resourceList(docs), trustedFile(c, o)

	wanted := injectSettings(c, o)
	if report.list != nil {
		wanted.Authority = "" // a KRM function cannot add a document behind its list
	}

	injection := inject.Inject
	if o.reinject {
		injection = inject.Reinject
	}

	stream, problems := injection(docs, wanted)
	report.objects = stream.Objects
	settings := meshSettings(c, o)
	if settings.Templates, err = templates(c); err != nil {
		return nil, err
	}

	services, warnings, refused := mesh.Wanted(stream.Workloads(), settings)
	if err := refuse(docs, problems, refused); err != nil {
		return nil, skippable(err)
	}
	if err := o.checkOutput(stream); err != nil {
		return nil, err
	}

	report.checked(stream)
	report.warnings(warnings)
	plan, bindings, err := register(ctx, c, o, services, settings, report)
	if err != nil {
		return nil, err
	}

	report.injected(stream, plan)
	report.due = o.dryRun && (plan != nil && !plan.Empty() || changes(stream, bindings))

	return o.output(p, stream, plan, bindings, report), nil
}

// changes reports whether any file changes.
func changes(stream *inject.Stream, bindings map[inject.Service]inject.Binding) bool {
	for f := range stream.Files(bindings) {
		if len(f.Patch) > 0 {
			return true
		}
	}
	return false
}

// checkOutput makes sure, before anything is registered, that files can be rewritten.
func (o *options) checkOutput(stream *inject.Stream) error {
	if !o.inPlace {
		return nil
	}
	return files.CheckRewritable(slices.Collect(stream.Files(nil)))
}

// output returns the function that prints or rewrites the manifests.
func (o *options) output(p process, stream *inject.Stream, plan *mesh.Plan, bindings map[inject.Service]inject.Binding, report *report) output {
	switch {
	case o.dryRun:
		report.inLog()
		return func() error { return writePreview(p.stdout, stream, plan, bindings, report) }
	case report.list != nil:
		return func() error { return report.writeFunction(stream, bindings) }
	case o.inPlace:
		return func() error { return files.Rewrite(slices.Collect(stream.Files(bindings))) }
	}

	return func() error {
		return stream.Write(p.stdout, bindings)
	}
}

func loadConfig(p process, o options, report *report) (config.Config, error) {
	var (
		c        config.Config
		warnings []config.Finding
		read     configFiles
	)
	src, err := config.Find(o.config, p.environ, read.file)
	if err == nil {
		src.Local = o.local != ""
		c, warnings, err = config.Load(src)
	}

	if err := cmp.Or(report.checkConfiguration(read, c), err); err != nil {
		return config.Config{}, err
	}
	if err := unfinishedCA(c); err != nil {
		return config.Config{}, err
	}

	report.findings(warnings)

	return c, nil
}

func readDocuments(p process, o options, configuration string, report *report) ([]*manifest.Document, error) {
	sources, err := files.Read(o.files, o.recursive, p.stdin)
	if err == nil {
		sources, err = files.Manifests(sources, configuration, func(name, why string) { report.printf("%s: left out: %s", name, why) })
	}

	if err != nil {
		return nil, err
	}

	var docs []*manifest.Document
	for _, s := range sources {
		docs = append(docs, manifest.Split(s.Name, s.Data)...)
	}

	return docs, nil
}
