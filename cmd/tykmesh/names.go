package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/tykmesh/tykmesh/cmd/internal/live"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/spelling"
)

// nameFlags choose services of a list: those that arguments name, those of a namespace, or all.
type nameFlags struct {
	namespace string
	names     func() []string // NAMESPACE/APP, or APP with a namespace
	others    []string        // names of other things of the list: "mesh"
}

// add adds the flag and the arguments. settings are those with which completion asks a Dashboard.
func (g *nameFlags) add(c *command, servers *listFlags, settings settingsOf) {
	g.names = c.Flags().Args
	c.Args = nil
	c.ValidArgsFunction = servers.completeServices(c, settings, g.others...)
	c.Flags().StringVarP(&g.namespace, "namespace", "n", "", "list the services of `NAMESPACE` only")
	c.rules = append(c.rules, g.rules)
}

// rules refuse names of no service.
func (g *nameFlags) rules() (rules []flagRule) {
	for _, name := range g.names() {
		rules = append(rules, flagRule{!slices.Contains(g.others, name), g.wrong(name)})
	}
	return slices.DeleteFunc(rules, func(r flagRule) bool { return r.msg == "" })
}

// wrong returns the message about a bad name; "" for a good one.
func (g *nameFlags) wrong(name string) string {
	svc := g.service(name)
	_, notThere := os.Stat(name)
	isName := len(validation.IsDNS1123Label(svc.Namespace)) == 0 && len(validation.IsDNS1035Label(svc.App)) == 0
	switch {
	case strings.Contains(name, ":/"): // it may hold a password
		return "a URL is not a service; write NAMESPACE/APP"
	case isName && g.namespace != "" && svc.Namespace != g.namespace:
		return fmt.Sprintf("%s is not in the namespace of -n, %s; leave out one of the two", svc, g.namespace)
	case isName:
		return ""
	case notThere == nil || name == "-" || strings.ContainsAny(name, ".*"):
		return fmt.Sprintf("%q is not a service; read live objects with -f %[1]s", name)
	case len(validation.IsDNS1035Label(name)) == 0:
		return fmt.Sprintf("%q names no namespace; write NAMESPACE/%[1]s, or add -n NAMESPACE", name)
	}

	return fmt.Sprintf("%q is not a service; write NAMESPACE/APP", name)
}

// service returns the service with a name.
func (g *nameFlags) service(name string) inject.Service {
	if g.namespace != "" && !strings.Contains(name, "/") {
		return inject.Service{Namespace: g.namespace, App: name}
	}
	return serviceNamed(name)
}

// chosen returns a function that reports whether a thing of a list is asked for: a service, or
// something with another name.
//
// Errors: a name is not among the known ones.
func (g *nameFlags) chosen(known []string) (func(svc inject.Service, other string) bool, error) {
	var names []string
	var errs []error
	for _, name := range g.names() {
		if !slices.Contains(g.others, name) {
			name = g.service(name).String()
		}
		if !slices.Contains(known, name) {
			errs = append(errs, fmt.Errorf("%s is not on the mesh%s", name, spelling.Suggest(name, known)))
		}
		names = append(names, name)
	}

	return func(svc inject.Service, other string) bool {
		name := svc.String()
		if svc.App == "" {
			name = other
		}
		return (len(names) == 0 || slices.Contains(names, name)) && (g.namespace == "" || svc.Namespace == g.namespace)
	}, errors.Join(errs...)
}

// all reports whether the whole list is asked for.
func (g *nameFlags) all() bool { return g.namespace == "" && len(g.names()) == 0 }

// inNamespace returns the end of a message about an empty list.
func (g *nameFlags) inNamespace() string {
	if g.namespace == "" {
		return ""
	}
	return " in namespace " + g.namespace
}

// inventory leaves the chosen services in an inventory, and nothing that has no service.
func (g *nameFlags) inventory(i *plan.Inventory) error {
	if g.all() {
		return nil
	}
	var known []string
	for _, s := range i.Services {
		known = append(known, s.Service.String())
	}
	chosen, err := g.chosen(known)
	if err != nil {
		return err
	}

	i.Services = slices.DeleteFunc(i.Services, func(s plan.ServiceStatus) bool { return !chosen(s.Service, "") })
	i.Orphans, i.Certificate = nil, plan.CertificateStatus{}

	return nil
}

// live leaves the chosen services in the state of a mesh, with their diagnostics, and the orphans
// of a namespace.
func (g *nameFlags) live(m *live.Mesh) error {
	if g.all() {
		return nil
	}
	var known []string
	for _, s := range m.Services {
		known = append(known, s.Namespace+"/"+s.App)
	}
	chosen, err := g.chosen(known)
	if err != nil {
		return err
	}

	of := func(namespace, app string) bool { return chosen(inject.Service{Namespace: namespace, App: app}, "") }
	m.Services = slices.DeleteFunc(m.Services, func(s *live.Service) bool { return !of(s.Namespace, s.App) })
	m.Diagnostics = slices.DeleteFunc(m.Diagnostics, func(d live.Diagnostic) bool { return !of(d.Namespace, d.App) })
	m.Orphans = slices.DeleteFunc(m.Orphans, func(o live.Orphan) bool { return len(g.names()) > 0 || o.Namespace != g.namespace })

	return nil
}

// certificates returns the chosen certificates of a list.
func (g *nameFlags) certificates(list []plan.HeldCertificate) ([]plan.HeldCertificate, error) {
	if g.all() {
		return list, nil
	}
	known := slices.Clone(g.others)
	for _, c := range list {
		if c.Service.App != "" {
			known = append(known, c.Service.String())
		}
	}
	slices.Sort(known)
	chosen, err := g.chosen(slices.Compact(known))

	return slices.DeleteFunc(list, func(c plan.HeldCertificate) bool { return !chosen(c.Service, c.Name) }), err
}
