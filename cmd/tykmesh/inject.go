package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/explain"
	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/cmd/internal/overview"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// injectCmd holds the flags of inject, and of diff and register, which are kinds of it.
type injectCmd struct {
	inputFlags
	outputFlags
	reportFlags
	serverFlags
	registrationFlags
	registered    bool       // the ids of registered APIs are used, and nothing is registered
	onlyRegisters bool       // the command prints no manifests
	diff          *diffFlags // nil for other commands
}

func newInjectCmd(p process) *cobra.Command {
	f := &injectCmd{}
	c := newCommand(p, &cobra.Command{
		Use:   "inject",
		Short: "Register annotated services, and print manifests with sidecars",
		Long: "inject adds a sidecar to every pod template annotated with injector.tyk.io/inject: \"true\", and points the port of every annotated " +
			"Service to it. Before it prints anything, it registers two APIs and a certificate for each service with the Dashboard. " +
			"Run it as often as you like: a second run changes nothing.\n\n" +
			"In standalone mode it sends nothing anywhere. It adds a ConfigMap with the sidecar's APIs behind each workload, and the Services of " +
			"routes. With TLS each service needs a Secret: tykmesh certs secrets prints it, or inject adds a Certificate for cert-manager.",
		Example: "  tykmesh inject --local ./mesh -f app.yaml      # to try it: no server, no configuration\n" +
			"  kubectl apply -f <(tykmesh inject -f app.yaml)\n" +
			"  tykmesh inject -f k8s/ -R | kubectl apply -f -\n" +
			"  tykmesh inject app.yaml https://example.com/more.yaml -w meshed.yaml\n" +
			"  tykmesh inject -k overlays/prod | kubectl apply -f -\n" +
			"  helm template ./shop | tykmesh inject -n retail --config mesh.yaml\n" +
			"  tykmesh inject -f app.yaml -w meshed.yaml      # in shells without <()\n" +
			"  tykmesh inject -i -f k8s/                      # rewrites the files\n" +
			"  tykmesh inject --reinject -i -f k8s/           # replaces the sidecars by those of the current configuration",
	}, f.run)

	c.verbs = verbs{"registering", "injected"}
	f.add(c)
	f.outputFlags.add(c, &f.inputFlags)
	c.Flags().BoolVar(&f.registered, "registered", false, "register nothing: use the ids of registered APIs, and fail if one is missing or out of date")

	return c.Command
}

// add adds the flags of commands that register services, or plan to.
func (f *injectCmd) add(c *command) {
	f.inputFlags.add(c)
	f.addBuild(c)
	f.takePaths(c)
	f.reportFlags.add(c)
	f.serverFlags.add(c)
	f.addParallel(c)
	f.registrationFlags.add(c)
}

// injected is a stream with the registration of its services.
type injected struct {
	stream   *inject.Stream
	isList   bool       // the stream is the list of a KRM function
	plan     *plan.Plan // nil if there is nothing to register
	bindings map[inject.Service]inject.Binding

	standalone   bool                 // there is no Dashboard
	placeholders []config.Placeholder // there is no configuration
}

// run registers the services. The output that it returns writes the manifests.
func (f *injectCmd) run(ctx context.Context, p process, r *report.Run) (report.Output, error) {
	i, err := f.inject(ctx, p, r)
	if err != nil {
		return nil, err
	}
	return f.output(r, i), nil
}

// inject reads and checks the configuration and the manifests, then plans and carries out the
// registration.
func (f *injectCmd) inject(ctx context.Context, p process, r *report.Run) (i injected, err error) {
	c, err := loadConfig(p, f.configFlags, r)
	if err != nil {
		return i, err
	}

	docs, err := readDocuments(ctx, p, f.inputFlags, c.File, r)
	if err != nil {
		return i, err
	}

	i.standalone = c.Standalone()
	if err := f.checkMode(c); err != nil {
		return i, err
	}

	wanted := injectSettings(c, f.registrationFlags)
	wanted.Calls = r.Shows()
	if list := resourceList(docs); list != nil {
		i.isList, wanted.List = true, true
		r.AnswerFunction(list.Text)
	}

	injection := inject.Inject
	if f.reinject {
		injection = inject.Reinject
	}

	stream, problems := injection(docs, wanted)
	r.Objects(func() []report.Event { return objectEvents(stream.Objects) })
	settings := meshSettings(c, f.serverFlags)
	settings.Adopt = f.adopted()
	if settings.Templates, err = templates(c); err != nil {
		return i, err
	}

	var (
		services          []plan.Service
		warnings, refused []inject.Problem
	)
	if !c.Standalone() {
		services, warnings, refused = plan.Wanted(stream.Workloads(), settings)
	}

	if err := explain.Refuse(docs, problems, refused); err != nil {
		return i, explain.Skippable(err)
	}
	if err := f.checkOutput(docs, stream, i.isList); err != nil {
		return i, err
	}

	r.Findings(explain.Warnings(stream.Warnings))
	debugAccepted(r, stream.Accepted)
	r.Diagnose(explain.Warnings(warnings)...)

	i.stream, i.placeholders = stream, c.Placeholders
	r.Show(func() overview.Mesh { return i.overview(r, f.now()) })
	if i.plan, i.bindings, err = f.register(ctx, c, services, stream.RouteCalls, settings, r); err != nil {
		return i, err
	}

	f.tell(r, i, trustedFile(c, f.local))

	return i, nil
}

// checkMode refuses flags that have no meaning in standalone mode.
func (f *injectCmd) checkMode(c config.Config) error {
	if c.Standalone() && (f.registered || len(f.adopt) > 0) {
		return c.Fail(config.InjectorMode, errors.New("is "+config.ModeStandalone+", and --registered and --adopt are about registered APIs; leave them out"), "")
	}
	if err := c.CA.Trust.CheckDates(f.now()); c.Standalone() && err != nil {
		return c.Fail(config.CABundlePath, fmt.Errorf("no CA that pods trust is valid: %w", err), "write the certificate of a valid CA into the file, such as ca.pem of tykmesh ca init")
	}

	return nil
}

// adopted returns the slugs of --adopt.
func (g *registrationFlags) adopted() map[string]bool {
	adopt := make(map[string]bool)
	for _, slug := range g.adopt {
		adopt[slug] = true
	}
	return adopt
}

// debugAccepted logs the findings that the user accepts.
func debugAccepted(r *report.Run, accepted []inject.Problem) {
	for _, p := range accepted {
		r.Debug("accepted", "rule", string(p.Rule), "at", p.Pos.String(), "object", p.Object, "finding", p.Msg)
	}
}

// checkOutput makes sure, before anything is registered, that files can be rewritten, or that
// manifests can be written in another format.
func (g *outputFlags) checkOutput(docs []*manifest.Document, stream *inject.Stream, isList bool) error {
	switch {
	case g.inPlace:
		return files.CheckRewritable(slices.Collect(stream.Files(nil)))
	case g.format != formatJSON:
		return nil
	case isList:
		return &usageError{msg: "--output json cannot answer a KRM function's ResourceList; leave out -o: the answer is a list in YAML or JSON, like the input", command: g.command()}
	}

	return explain.Refuse(docs, stream.CheckJSON())
}

// output returns the function that prints or rewrites the manifests, or the list of a KRM function.
func (g *outputFlags) output(r *report.Run, i injected) report.Output {
	switch {
	case g.dryRun:
		r.InLog()
		return func() error { return writePreview(r, i, true) }
	case i.isList:
		return func() error { return writeList(r, i) }
	case g.inPlace:
		return func() error { return files.Rewrite(slices.Collect(i.stream.Files(i.bindings))) }
	}

	write := i.stream.Write
	if g.format == formatJSON {
		write = i.stream.WriteJSON
	}

	return func() error { return write(r.Stdout(), i.bindings) }
}

// A KRM function gets a ResourceList on standard input and answers with one. Its field results
// holds the report, also if the function fails (Kubernetes SIG CLI, "KRM Functions Specification").

// resourceList returns the list that a KRM function is given; nil if the input is no such list.
func resourceList(docs []*manifest.Document) *manifest.Document {
	if len(docs) != 1 || docs[0].File != files.StdinName || !bytes.Contains(docs[0].Text, []byte("ResourceList")) {
		return nil
	}
	root, err := docs[0].Root()
	if err != nil || root.Get("kind").Text() != "ResourceList" || !strings.HasPrefix(root.Get("apiVersion").Text(), "config.kubernetes.io/") {
		return nil
	}

	return docs[0]
}

// writeList writes the patched list with its results.
func writeList(r *report.Run, i injected) error {
	for f := range i.stream.Files(i.bindings) {
		return r.WriteList(f.Patch.Apply(f.Text))
	}
	return nil
}
