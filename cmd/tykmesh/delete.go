package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/display"
	"github.com/tykmesh/tykmesh/inject/spelling"
)

func newDeleteCmd(p process) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "delete [NAMESPACE/APP]...",
		Short: "Delete the APIs and certificates of services: those of a manifest, or named ones",
		Long: "delete undoes the registration of the services of a manifest, injected or not. It deletes their APIs, their certificates unless\n" +
			"something else uses them, and the records of those; with the last service also the certificate of the mesh. Other APIs and\n" +
			"certificates stay. It asks before it deletes anything; without a terminal it needs --yes.\n\n" +
			"If the manifest is gone, or the service was renamed, name the service as tykmesh status lists it.\n\n" +
			"Pods keep their sidecars until their manifests are applied without them: uninject first, then delete.",
		Example: "  tykmesh uninject -f meshed.yaml | kubectl apply -f - && tykmesh delete -f meshed.yaml\n" +
			"  tykmesh delete -f app.yaml --dry-run           # list the deletions\n" +
			"  tykmesh delete -f app.yaml --yes               # in CI\n" +
			"  tykmesh delete retail/echo                     # without a manifest",
		RunE: func(cmd *cobra.Command, names []string) error {
			services, err := o.named(cmd, names)
			if err != nil {
				return err
			}
			return o.run(cmd, p, func(ctx context.Context, p process, o options, r *report) (output, error) {
				return runDelete(ctx, p, o, services, r)
			})
		},
	}

	o.inputFlags(cmd)
	o.namespaceFlag(cmd)
	o.remoteFlags(cmd)
	o.parallelFlag(cmd)
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "print the deletions, and delete nothing")
	cmd.Flags().BoolVar(&o.yes, "yes", false, "delete without asking")
	cmd.ValidArgsFunction = o.services(p, registeredSettings)

	return cmd
}

// named returns the services that arguments name. With names, no manifest is read.
func (o *options) named(cmd *cobra.Command, names []string) (services []inject.Service, err error) {
	for _, name := range names {
		namespace, app, _ := strings.Cut(name, "/")
		if len(validation.IsDNS1123Label(namespace)) > 0 || len(validation.IsDNS1035Label(app)) > 0 {
			return nil, &usageError{fmt.Sprintf("%q is not a service: write NAMESPACE/APP, as tykmesh status lists it; name manifests with -f", name), cmd.CommandPath()}
		}
		services = append(services, inject.Service{Namespace: namespace, App: app})
	}

	if len(names) > 0 && (len(o.files) > 0 || o.recursive || o.namespace != "") {
		return nil, &usageError{"service names cannot be combined with -f, -R or -n, which select manifests", cmd.CommandPath()}
	}

	return services, nil
}

// runDelete finds the services, plans the deletions, asks, and carries them out.
func runDelete(ctx context.Context, p process, o options, services []inject.Service, report *report) (output, error) {
	if !o.yes && !o.dryRun && !canAsk(p, o) {
		return nil, &usageError{"delete asks before it deletes, and cannot ask here: use --yes to delete without asking, or --dry-run to see the deletions", p.name + " delete"}
	}

	c, err := loadConfig(p, o, report)
	if err != nil {
		return nil, err
	}

	settings, err := registeredSettings(c, o)
	if err != nil {
		return nil, err
	}

	named := len(services) > 0
	if !named {
		if services, err = servicesIn(p, o, c, report); err != nil || len(services) == 0 {
			return nil, err
		}
	}

	snapshot, remote, closeRemote, err := survey(ctx, o, c, settings, report)
	if err != nil {
		return nil, err
	}

	defer closeRemote()
	var known []string
	if named {
		known = namesOf(snapshot)
	}

	return remove(ctx, p, o, mesh.NewRemoval(services, snapshot), remote, known, report)
}

// servicesIn returns the services of the manifests. It reports manifests without services, and
// services whose namespace is a guess.
func servicesIn(p process, o options, c config.Config, report *report) (services []inject.Service, err error) {
	docs, err := readDocuments(p, o, c.File, report)
	if err != nil {
		return nil, err
	}

	members, problems := inject.Members(docs, injectSettings(c, o))
	if err := refuse(docs, problems); err != nil {
		return nil, err
	}

	if len(members) == 0 {
		report.lastly("nothing in the manifests is on the mesh, or asks to be")
		return nil, nil
	}

	if slices.ContainsFunc(members, func(m inject.Member) bool { return m.Defaulted }) {
		report.warn("some objects name no namespace: their services are searched in default; set another namespace with -n")
	}

	for _, m := range members {
		services = append(services, m.Service)
	}

	return services, nil
}

// registeredSettings returns the settings of commands that need a Dashboard and no manifest.
func registeredSettings(c config.Config, o options) (mesh.Settings, error) {
	if !c.Injector.CreateRoutes {
		return mesh.Settings{}, settingError(c, "Injector.createRoutes", errors.New("must be true: this command needs the Dashboard in Tyk.url"))
	}
	return meshSettings(c, o), nil
}

// remove asks and deletes. For a service that is not on the mesh it reports the known one that may
// be meant.
func remove(ctx context.Context, p process, o options, plan *mesh.Plan, remote mesh.Remote, known []string, report *report) (output, error) {
	for _, kept := range plan.Kept {
		report.warn(fmt.Sprintf("certificate %s (%s) stays: %s", kept.ID, kept.Name, kept.Reason))
	}

	steps := plan.Steps()
	report.planned(steps, 0)
	if o.dryRun {
		report.removed(plan, known)
		report.inLog()
		return func() error { return writeSteps(p.stdout, steps) }, nil
	}

	if err := report.take(ctx, o, plan, remote); err != nil {
		return nil, err
	}

	report.removed(plan, known)

	return nil, nil
}

// take asks whether the steps of a plan may be taken, and takes them.
func (r *report) take(ctx context.Context, o options, plan *mesh.Plan, remote mesh.Remote) error {
	if steps := plan.Steps(); len(steps) > 0 && !o.yes {
		r.progress("") // the question takes its place
		if err := confirm(r.process, steps); err != nil {
			return err
		}
	}

	ctx, watch := watchProgress(ctx, o.timeout)
	defer watch.stop()
	if _, err := plan.Apply(ctx, remote, func(e mesh.Event) {
		watch.progress()
		r.event(e)
	}); err != nil {
		return watch.explain(err)
	}

	return nil
}

// surveyed holds the state of the mesh for commands that read no manifest.
type surveyed struct {
	snapshot *mesh.Snapshot
	remote   mesh.Remote
	close    func()
}

// look reads the configuration, and then the state of the mesh.
func look(ctx context.Context, p process, o options, settingsOf func(config.Config, options) (mesh.Settings, error), report *report) (s surveyed, err error) {
	c, err := loadConfig(p, o, report)
	if err != nil {
		return s, err
	}
	settings, err := settingsOf(c, o)
	if err != nil {
		return s, err
	}
	s.snapshot, s.remote, s.close, err = survey(ctx, o, c, settings, report)

	return s, err
}

// partial returns why the listing may lack APIs; nil without a hint of that.
func (s surveyed) partial(ctx context.Context, o options) (partial, err error) {
	ctx, watch := watchProgress(ctx, o.timeout)
	defer watch.stop()
	view, err := mesh.Look(ctx, s.remote, s.snapshot)
	if err != nil {
		return nil, watch.explain(err)
	}
	return view.Partial(), nil
}

// survey connects, and reads the state of the mesh.
func survey(ctx context.Context, o options, c config.Config, settings mesh.Settings, report *report) (*mesh.Snapshot, mesh.Remote, func(), error) {
	report.progress(progressReading)
	ctx, watch := watchProgress(ctx, o.timeout)
	defer watch.stop()
	remote, closeRemote, err := openRemote(ctx, c, o, report)
	if err != nil {
		return nil, remote, nil, watch.explain(err)
	}

	state, missing, err := mesh.Survey(ctx, remote, settings)
	if err != nil {
		closeRemote()
		return nil, remote, nil, watch.explain(err)
	}

	if missing != nil {
		report.warn(fmt.Sprintf("%v: cannot tell which certificates the current CA issued", missing))
	}

	return mesh.NewSnapshot(state, settings), remote, closeRemote, nil
}

// canAsk reports whether the user can answer: at a terminal, on which no manifest is read.
func canAsk(p process, o options) bool {
	return files.IsTerminal(p.stdin) && files.IsTerminal(p.stderr) && !slices.Contains(o.files, files.Stdin)
}

// confirm shows the steps and waits for a yes.
//
// Errors: anything else is a no.
func confirm(p process, steps []mesh.Step) error {
	if err := writeSteps(p.stderr, steps); err != nil {
		return err
	}

	fmt.Fprintf(p.stderr, "%s: go on? [y/N] ", countSteps(steps))

	line, _ := bufio.NewReader(p.stdin).ReadString('\n') // at its end the answer is no
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return nil
	}

	return errors.New("not confirmed: nothing was deleted")
}

// countSteps returns "4 APIs, 1 certificate, 1 record".
func countSteps(steps []mesh.Step) string {
	var parts []string
	for _, kind := range []mesh.Kind{mesh.APIKind, mesh.CertificateKind, mesh.RecordKind} {
		n := 0
		for _, s := range steps {
			if s.Kind == kind {
				n++
			}
		}

		if n > 0 {
			parts = append(parts, plural(n, string(kind)))
		}
	}

	return strings.Join(parts, ", ")
}

func writeSteps(w io.Writer, steps []mesh.Step) error {
	lines := display.Lines(w)
	for _, step := range steps {
		if _, err := fmt.Fprintln(lines, step); err != nil {
			return err
		}
	}
	return nil
}

// byService returns steps by their services, each in order; those of the mesh by the zero service.
func byService(steps []mesh.Step) map[inject.Service][]mesh.Step {
	of := make(map[inject.Service][]mesh.Step)
	for _, s := range steps {
		of[s.Service] = append(of[s.Service], s)
	}
	return of
}

// removed reports the deletions, service by service.
func (r *report) removed(plan *mesh.Plan, known []string) {
	steps := plan.Steps()
	of := byService(steps)
	for _, svc := range plan.Services {
		if own := of[svc]; len(own) > 0 {
			r.lastly("%s: %s %s", svc, countSteps(own), r.verb("deleted"))
		} else {
			r.lastly("%s: not on the mesh%s", svc, spelling.Suggest(svc.String(), known))
		}
	}

	if shared := of[inject.Service{}]; len(shared) > 0 {
		r.lastly("mesh: %s %s; no service is left on it", countSteps(shared), r.verb("deleted"))
	}

	if len(steps) == 0 {
		r.lastly("nothing to delete")
		return
	}

	r.lastly("%s %s", countSteps(steps), r.verb("deleted"))
}
