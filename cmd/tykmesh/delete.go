package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/explain"
	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/spelling"
)

// deleteCmd holds the flags of delete.
type deleteCmd struct {
	inputFlags
	reportFlags
	serverFlags
	confirmFlags
	namespace string
	names     func() []string // of services, as arguments
}

func newDeleteCmd(p process) *cobra.Command {
	f := &deleteCmd{}
	f.instead = "take services off the mesh: tykmesh uninject -f meshed.yaml | kubectl apply -f -; then list the objects that are left, with the commands that delete them: " + listsRest
	c := newCommand(p, &cobra.Command{
		Use:   "delete [NAMESPACE/APP]...",
		Short: "Delete the APIs and certificates of services",
		Long: "delete undoes the registration of the services of a manifest, injected or not. It deletes their APIs, their certificates unless " +
			"something else uses them, and the records of those; with the last service also the certificate of the mesh. Other APIs and " +
			"certificates stay. It asks before it deletes anything; without a terminal it needs --yes.\n\n" +
			"If the manifest is gone, or the service was renamed, name the service as tykmesh status lists it.\n\n" +
			"Pods keep their sidecars until their manifests are applied without them: uninject first, then delete. In standalone mode, uninject is " +
			"all: tykmesh status -f lists the objects that are left over.",
		Example: "  tykmesh uninject -f meshed.yaml | kubectl apply -f - && tykmesh delete -f meshed.yaml\n" +
			"  tykmesh delete -f app.yaml --dry-run           # list the deletions\n" +
			"  tykmesh delete -f app.yaml --yes               # in CI\n" +
			"  tykmesh delete retail/echo                     # without a manifest",
	}, f.run)

	c.verbs.doing, f.names = "deleting", c.Flags().Args
	c.rules = append(c.rules, f.nameRules)
	f.inputFlags.add(c)
	f.addBuild(c)
	f.reportFlags.add(c)
	namespaceFlag(c, &f.namespace)
	f.serverFlags.add(c)
	f.addParallel(c)
	f.confirmFlags.add(c)
	c.ValidArgsFunction = f.completeServices(c, registeredSettings)

	return c.Command
}

// nameRules refuses names of no service. With names, no manifest is read.
func (f *deleteCmd) nameRules() (rules []flagRule) {
	for _, name := range f.names() {
		svc := serviceNamed(name)
		wrong := len(validation.IsDNS1123Label(svc.Namespace)) > 0 || len(validation.IsDNS1035Label(svc.App)) > 0
		rules = append(rules, flagRule{wrong, fmt.Sprintf("%q is not a service: write NAMESPACE/APP, as tykmesh status lists it; name manifests with -f", name)})
	}

	selects := len(f.files) > 0 || len(f.builds) > 0 || f.recursive || f.namespace != ""

	return append(rules, flagRule{len(rules) > 0 && selects, "service names cannot be combined with -f, -k, -R or -n, which select manifests"})
}

func serviceNamed(name string) inject.Service {
	namespace, app, _ := strings.Cut(name, "/")
	return inject.Service{Namespace: namespace, App: app}
}

// run finds the services, plans the deletions, asks, and carries them out.
func (f *deleteCmd) run(ctx context.Context, p process, r *report.Run) (report.Output, error) {
	c, err := loadConfig(p, f.configFlags, r)
	if err != nil {
		return nil, err
	}
	if err := f.canAsk(p, "delete", len(f.files) > 0 && f.inputs().ReadsStdin()); err != nil {
		return nil, err
	}

	settings, err := registeredSettings(c, f.serverFlags)
	if err != nil {
		return nil, err
	}

	var services []inject.Service
	for _, name := range f.names() {
		services = append(services, serviceNamed(name))
	}

	named := len(services) > 0
	if !named {
		if services, err = f.servicesIn(ctx, p, c, r); err != nil || len(services) == 0 {
			return nil, err
		}
	}

	there, err := survey(ctx, f.serverFlags, c, settings, r)
	if err != nil {
		return nil, err
	}

	defer there.close()
	var known []string // of which one may be meant
	if named {
		known = namesOf(there.snapshot)
	}

	todo := plan.Remove(services, there.snapshot)

	return f.carryOut(ctx, p, f.timeout, r, todo, there.remote, func() { tellRemoved(r, todo, known) })
}

// servicesIn returns the services of the manifests. It reports manifests without services, and
// services whose namespace is a guess.
func (f *deleteCmd) servicesIn(ctx context.Context, p process, c config.Config, r *report.Run) (services []inject.Service, err error) {
	docs, err := readDocuments(ctx, p, f.inputFlags, c.File, r)
	if err != nil {
		return nil, err
	}

	members, problems := inject.Members(docs, injectSettings(c, registrationFlags{namespace: f.namespace}))
	if err := explain.Refuse(docs, problems); err != nil {
		return nil, err
	}

	if len(members) == 0 {
		r.Lastly("nothing in the manifests is on the mesh, or asks to be")
		return nil, nil
	}

	if slices.ContainsFunc(members, func(m inject.Member) bool { return m.Defaulted }) {
		r.Warn("some objects name no namespace: their services are searched in default; set another namespace with -n")
	}

	for _, m := range members {
		services = append(services, m.Service)
	}

	return services, nil
}

// registeredSettings returns the settings of commands that need a Dashboard and no manifest.
func registeredSettings(c config.Config, s serverFlags) (mesh.Settings, error) {
	if c.Standalone() {
		return mesh.Settings{}, needsDashboard(c, "")
	}
	if !c.Injector.CreateRoutes {
		return mesh.Settings{}, explain.Setting(c, "Injector.createRoutes", errors.New("must be true: this command needs the Dashboard in Tyk.url"))
	}
	return meshSettings(c, s), nil
}

// aboutPath returns what to type if an argument names a file or a directory, too.
func aboutPath(name string) string {
	if !files.Exists(name) {
		return ""
	}
	return "; to delete the services in the manifests there: -f " + name
}

// tellRemoved reports the deletions, service by service.
func tellRemoved(r *report.Run, todo *plan.Plan, known []string) {
	steps := r.Plan.Steps
	for _, svc := range todo.Services {
		if own := steps.Of(svc.String()); len(own) > 0 {
			r.Lastly("%s: %s %s", svc, own, r.Verb("deleted"))
		} else {
			r.Lastly("%s: not on the mesh%s%s", svc, spelling.Suggest(svc.String(), known), aboutPath(svc.String()))
		}
	}

	if shared := steps.Of(""); len(shared) > 0 {
		r.Lastly("mesh: %s %s; no service is left on it", shared, r.Verb("deleted"))
	}

	if len(steps) == 0 {
		r.Lastly("nothing to delete")
		return
	}

	r.Lastly("%s %s", steps, r.Verb("deleted"))
}
