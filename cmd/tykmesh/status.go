package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/overview"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// statusCmd holds the flags of status.
type statusCmd struct {
	listFlags
	liveFlags
	nameFlags
}

func newStatusCmd(p process) *cobra.Command {
	f := &statusCmd{}
	f.instead = "list the objects in the cluster: " + listsRest
	c := newCommand(p, &cobra.Command{
		Use:   "status [NAMESPACE/APP]...",
		Short: "List services on the mesh: APIs, certificates, drift, orphans",
		Long: "status lists the services on the mesh, one a line: its route, its APIs, the end of its certificate, and its drift, the differences\n" +
			"from the state that tykmesh leaves. The number of routes follows, with the memory that a sidecar needs for them, and unused\n" +
			"certificates and records. It asks the Dashboard and the ledger and reads no manifest: tykmesh diff tells whether an API matches\n" +
			"its manifest.\n\n" +
			"With -f it reads the live objects of a mesh without a Dashboard (Injector.mode: standalone), and neither asks a server nor needs a\n" +
			"configuration. It lists the routes of each service, its callers, ConfigMap, certificate and token; then errors and warnings; then\n" +
			"unused objects, with the commands that delete them. If there are errors, it exits with 3. It never prints a key or a token.\n\n" +
			"With names or -n it lists only those services, and neither the certificate of the mesh nor unused ones.",
		Example: "  tykmesh status\n" +
			"  tykmesh status -n retail -o wide               # with slugs and ids\n" +
			"  tykmesh delete --dry-run $(tykmesh status -n retail -o name)\n" +
			"  tykmesh status -o json | jq '.services[] | select(.drift)'\n" +
			"  tykmesh status -o html -w mesh.html      # a page with a graph\n" +
			"  kubectl get " + liveKinds + " -A -o yaml | tykmesh status -f -",
	}, f.run)

	f.further = overviews
	f.listFlags.add(c)
	f.liveFlags.addBeside(c, &f.listFlags)
	f.nameFlags.add(c, &f.listFlags, registeredSettings)

	return c.Command
}

func (f *statusCmd) run(ctx context.Context, p process, r *report.Run) (report.Output, error) {
	if f.liveFlags.given() {
		return f.runLive(ctx, p, r)
	}

	there, err := look(ctx, p, f.serverFlags, registeredSettings, r)
	if err != nil {
		return nil, err
	}

	defer there.close()
	inventory := plan.NewInventory(there.snapshot)
	partial, err := there.partial(ctx, f.timeout, r)
	if err != nil {
		return nil, err
	}

	if partial != nil {
		inventory.Mistrust()
		warnOf(r, partial)
	}

	if err := f.nameFlags.inventory(&inventory); err != nil {
		return nil, err
	}

	warnOfLost(r, inventory.Lost())
	if len(inventory.Services) == 0 {
		r.Lastly("nothing is on the mesh%s", f.inNamespace())
	}

	size := newStatusSize(inventory.Routes, there.snapshot.Settings)

	list := newStatusList(inventory, size, p.now())
	mesh := func() overview.Mesh { return newOverview(inventory, there.snapshot, size, partial) }
	list.Further = showing(mesh)
	r.Show(mesh)

	return r.Output(list, f.format), nil
}

// newStatusList returns the list of services. Its names are those that delete takes.
func newStatusList(inventory plan.Inventory, size statusSize, now time.Time) report.List {
	out := report.List{
		Document: newStatusDocument(inventory, size),
		Table:    func(t *report.Table) { writeStatusTable(t, inventory, size, now) },
	}
	for _, s := range inventory.Services {
		out.Names = append(out.Names, s.Service.String())
	}

	return out
}

// writeStatusTable writes a line for each service, then the size of the mesh and its own
// certificate, then the orphans.
func writeStatusTable(t *report.Table, inventory plan.Inventory, size statusSize, now time.Time) {
	if len(inventory.Services) > 0 {
		t.Head(statusColumns()...)
	}

	for _, s := range inventory.Services {
		var apis, slugs, ids []string
		for _, a := range s.APIs {
			apis, slugs, ids = append(apis, string(a.Role)), append(slugs, a.Slug), append(ids, a.ID)
		}
		t.Row(s.Service.Namespace, s.Service.App, orDash(s.Route), orDash(strings.Join(apis, ", ")),
			expiry(s.Certificate, now), orDash(strings.Join(s.Drift, "; ")),
			orDash(strings.Join(slugs, ", ")), orDash(strings.Join(ids, ", ")), orDash(s.Certificate.ID))
	}

	if len(inventory.Services) > 0 {
		t.Gap()
		t.Line("%s", size)
	}

	if c := inventory.Certificate; c.ID != "" || len(c.Drift) > 0 {
		t.Line("mesh certificate: %s%s", expiry(c, now), strings.Join(append([]string{""}, c.Drift...), "; "))
	}

	for i, orphan := range inventory.Orphans {
		if i == 0 {
			t.Gap()
		}
		t.Line("orphan: %s %s (%s): %s", orphan.Kind, orphan.ID, cmp.Or(orphan.Name, "no name"), orphan.Reason)
	}
}

// statusColumns returns the columns of services. The last ones are for -o wide.
func statusColumns() []report.Column {
	columns := report.Columns("NAMESPACE", "SERVICE", "ROUTE", "APIS", "CERTIFICATE", "DRIFT")
	columns[4].Style, columns[5].Style = report.Ends, report.Noted

	return append(columns, report.WideColumns("SLUGS", "API IDS", "CERTIFICATE ID")...)
}

func orDash(text string) string { return cmp.Or(text, "-") }

// expiry returns when a certificate ends, and in how many days.
func expiry(c plan.CertificateStatus, now time.Time) string {
	if c.ID == "" {
		return "-"
	}
	return endOf(c.Expires, now)
}

// endOf returns a date, and in how many days it comes.
func endOf(t, now time.Time) string {
	switch left := t.Sub(now); {
	case t.IsZero():
		return "unknown"
	case left < 0:
		return t.UTC().Format(time.DateOnly) + " (expired)"
	default:
		return fmt.Sprintf("%s (%s)", t.UTC().Format(time.DateOnly), report.Plural(int(left.Hours()/24), "day"))
	}
}

// statusDocument is the output of status -o json. Lists are never null, so that filters need no
// special case.
type statusDocument struct {
	Services    []statusService    `json:"services"`
	Size        statusSize         `json:"size"`
	Certificate *statusCertificate `json:"meshCertificate,omitempty"`
	Orphans     []statusOrphan     `json:"orphans"`
}

type (
	statusService struct {
		Namespace   string             `json:"namespace"`
		Service     string             `json:"service"`
		Route       string             `json:"route,omitempty"`
		APIs        []statusAPI        `json:"apis"`
		Certificate *statusCertificate `json:"certificate,omitempty"`
		Drift       []string           `json:"drift,omitempty"`
	}
	statusAPI struct {
		Role mesh.Role `json:"role"`
		Slug string    `json:"slug"`
		ID   string    `json:"id"`
	}
	statusCertificate struct {
		ID      string     `json:"id,omitempty"`
		Expires *time.Time `json:"expires,omitempty"`
		Drift   []string   `json:"drift,omitempty"`
	}
	statusOrphan struct {
		Kind   plan.Kind `json:"kind"`
		ID     string    `json:"id"`
		Name   string    `json:"name,omitempty"`
		Reason string    `json:"reason"`
	}
)

func newStatusDocument(inventory plan.Inventory, size statusSize) statusDocument {
	doc := statusDocument{Services: []statusService{}, Size: size, Orphans: []statusOrphan{}, Certificate: statusOf(inventory.Certificate)}
	for _, s := range inventory.Services {
		row := statusService{
			Namespace: s.Service.Namespace, Service: s.Service.App, Route: s.Route, APIs: []statusAPI{},
			Certificate: statusOf(s.Certificate), Drift: s.Drift,
		}
		for _, a := range s.APIs {
			row.APIs = append(row.APIs, statusAPI(a))
		}

		doc.Services = append(doc.Services, row)
	}

	for _, orphan := range inventory.Orphans {
		doc.Orphans = append(doc.Orphans, statusOrphan(orphan))
	}

	return doc
}

// statusSize holds the routes of the mesh, and the memory that a sidecar needs for them.
type statusSize struct {
	Routes     int    `json:"routes"`
	Need       string `json:"memoryNeed"`
	ScopedNeed string `json:"scopedMemoryNeed,omitempty"` // of a sidecar with few of the routes, which only a built-in one can be
	Limit      string `json:"memoryLimit,omitempty"`      // of built-in sidecars
	TooSmall   bool   `json:"tooSmall,omitempty"`         // the limit

	enough string // the limit that would do
	scopes bool   // the limit would do for sidecars with few of the routes
}

func newStatusSize(routes int, s mesh.Settings) statusSize {
	need, scoped := mesh.MemoryNeed(routes, routes), mesh.MemoryNeed(routes, 0)

	size := statusSize{Routes: routes, Need: mesh.Mebibytes(need), enough: mesh.EnoughMemory(need)}
	if s.BuiltIn != nil {
		limit := sidecar.Bytes(s.BuiltIn.MemoryLimit)
		size.ScopedNeed, size.Limit = mesh.Mebibytes(scoped), s.BuiltIn.MemoryLimit
		size.TooSmall, size.scopes = limit > 0 && limit < need, scoped <= limit
	}

	return size
}

// String returns the size as a line of text.
func (s statusSize) String() string {
	text := fmt.Sprintf("routes: %d; a sidecar needs about %s of memory", s.Routes, s.Need)
	if s.ScopedNeed != "" && s.ScopedNeed != s.Need {
		text += fmt.Sprintf(", with injector.tyk.io/calls about %s", s.ScopedNeed)
	}

	if s.Limit != "" {
		text += fmt.Sprintf("; Sidecar.memoryLimit is %s", s.Limit)
	}

	switch {
	case s.TooSmall && s.scopes:
		text += fmt.Sprintf(", too small without that annotation: set %s and inject again", s.enough)
	case s.TooSmall:
		text += fmt.Sprintf(", too small: set %s and inject again", s.enough)
	}

	return text
}

// statusOf returns nil where a service has neither a certificate nor drift of it.
func statusOf(c plan.CertificateStatus) *statusCertificate {
	if c.ID == "" && len(c.Drift) == 0 {
		return nil
	}
	return &statusCertificate{ID: c.ID, Expires: timeOf(c.Expires), Drift: c.Drift}
}
