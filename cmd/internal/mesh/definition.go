package mesh

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// WantedAPI is one API that a service wants.
type WantedAPI struct {
	Service inject.Service
	Role    Role
	Slug    string

	// Definition is complete, as it is created. With Settings.TLS the plan adds the certificate.
	Definition dashboard.Definition

	asked    []dashboard.Path // the leaves that an update enforces even when they are empty
	Paths    []string         // the leaves that annotations set, sorted; recorded in the mark
	Replaced []templateLeaf   // the leaves of the template that annotations took away
	Preset   string           // the database id that the workloads name, or ""
	NextPort int              // of a mesh API: to which it will lead when the previous port goes; recorded in the mark; or 0
}

// NewWantedAPI returns the API of a service in a role, without its definition.
func NewWantedAPI(o Owner, s Settings) WantedAPI {
	return WantedAPI{Service: o.Service, Role: o.Role, Slug: s.baseName(o.Service) + "-" + string(o.Role)}
}

// Owner returns the service and the role.
func (w *WantedAPI) Owner() Owner { return Owner{w.Service, w.Role} }

// IDAnnotation returns the annotation that holds the API's database id (webhook rule R15).
func (w *WantedAPI) IDAnnotation() string {
	return "injector.tyk.io/" + string(w.Role) + "-service-id"
}

// WantAPI renders one API of a service: template, then annotations (inbound only, webhook rule
// R11), then what identifies it.
func WantAPI(w inject.Workload, role Role, s Settings) (WantedAPI, error) {
	api := NewWantedAPI(Owner{w.Service, role}, s)
	d, err := s.Templates.Render(TemplateName(w, role), TemplateVars(w, api, s))
	if err != nil {
		return api, err
	}

	var set []dashboard.Path
	if role == Inbound && len(w.Fields) > 0 {
		before := d.Clone()
		if set, err = setFields(d, w.Fields); err != nil {
			return api, err
		}
		api.Replaced = replacedLeaves(before, d, w.Fields)
		if _, err := d.Check(); err != nil {
			return api, fmt.Errorf("the annotations leave no valid API definition: %v", err)
		}
	}

	for _, leaf := range set {
		api.Paths = append(api.Paths, leaf.String())
	}

	if role == Mesh {
		api.NextPort = w.NextPort
	}

	slices.Sort(api.Paths)
	api.Paths = slices.Compact(api.Paths)
	identify(d, api, s)
	api.Definition = d
	// The mark's list of paths counts even when it is empty: else every run would revert a path in
	// it again.
	api.asked = slices.Concat(set, []dashboard.Path{{"config_data", markKey, "paths"}})

	return api, nil
}

// LeavesFor returns the part of Definition that an update of current enforces: empty values only
// where an annotation asks for them. They are made when they are needed, because those of thousands
// of APIs take memory.
//
// A leaf keeps current's spelling where it means the same: its name may carry further
// categories, its listen path may end in a slash, and it keeps its api_id, to which keys, policies
// and analytics refer.
func (w *WantedAPI) LeavesFor(current dashboard.Definition) dashboard.Definition {
	leaves := w.Definition.WithoutEmpty(w.asked)

	if name, ok := leaves["name"].(string); ok {
		leaves["name"] = withCategories(name, current.Name())
	}

	if held := current.ListenPath(); held != "" && CleanPath(held) == CleanPath(w.Definition.ListenPath()) {
		_ = leaves.Set("proxy.listen_path", held) // which is a valid path
	}

	if id := current.APIID(); id != "" {
		leaves["api_id"] = id
	}

	return leaves
}

// withCategories returns the name that an API is to have: the wanted one, and behind it the
// categories that were added to the name it has. A category is a word that begins with # (Tyk
// Dashboard, API categories). A name that has all of that already stays as it is.
func withCategories(wanted, held string) string {
	title, ours := categories(wanted)
	heldTitle, all := categories(held)

	added := slices.DeleteFunc(slices.Clone(all), func(c string) bool { return slices.Contains(ours, c) })
	if title == heldTitle && len(added)+len(ours) == len(all) {
		return held
	}

	return strings.Join(slices.Concat([]string{wanted}, added), " ")
}

// categories takes a name apart: its title, and its categories, each once.
func categories(name string) (title string, list []string) {
	var words []string
	for word := range strings.FieldsSeq(name) {
		switch {
		case len(word) < 2 || word[0] != '#':
			words = append(words, word)
		case !slices.Contains(list, word):
			list = append(list, word)
		}
	}

	return strings.Join(words, " "), list
}

// TemplateVars returns the values that a template may print, per API as in webhook rules R10 and
// R11.
func TemplateVars(w inject.Workload, api WantedAPI, s Settings) dashboard.Vars {
	v := dashboard.Vars{
		Name: api.Slug, Slug: api.Slug, Org: s.Org,
		ListenPath: "/", Target: cmp.Or(w.Target(), s.InboundTarget),
		HostName: api.Domain(s), GatewayTags: []string{api.Tag(s)},
	}

	if api.Role == Mesh {
		scheme := "http"
		if s.TLS {
			scheme = "https"
		}
		v.ListenPath = w.Route
		v.Target = fmt.Sprintf("%s://%s:%d", scheme, Host(w.Service), cmp.Or(w.SidecarPort, s.MeshPort))
	}

	return v
}

// Domain returns the Host that the API answers. Gateways match it exactly, or as a pattern in
// braces, whose dots must be escaped lest mesh.local match meshXlocal.
func (w *WantedAPI) Domain(s Settings) string {
	switch {
	case w.Role == Inbound:
		return Host(w.Service)
	case s.MeshDomain != "":
		return s.MeshDomain
	case len(s.MeshHosts) == 1:
		return s.MeshHosts[0]
	}

	quoted := make([]string, len(s.MeshHosts))
	for i, h := range s.MeshHosts {
		quoted[i] = regexp.QuoteMeta(h)
	}

	return "{host:" + strings.Join(quoted, "|") + "}"
}

// Tag returns the gateway tag that selects the sidecars which load the API. A route has a second
// one for sidecars that load a few routes only: see Tags.
func (w *WantedAPI) Tag(s Settings) string {
	if w.Role == Mesh {
		return Tag
	}
	return s.baseName(w.Service)
}

// Tags returns all gateway tags of the API. Configured sidecars carry the tag of the mesh in any
// case, so their routes need no tag of their own.
func (w *WantedAPI) Tags(s Settings) []string {
	tags := []string{w.Tag(s)}
	if w.Role == Mesh && s.BuiltIn != nil {
		tags = append(tags, s.RouteTag(w.Service))
	}
	return tags
}

// setFields puts the values of annotations into d and returns the leaves that they set.
func setFields(d dashboard.Definition, fields []inject.Field) (leaves []dashboard.Path, err error) {
	for _, f := range fields {
		// Set keeps the value; the workload's must not become part of a definition that is edited.
		value := dashboard.Definition{"v": f.Value}.Clone()["v"]
		if err := d.Set(f.Path, value); err != nil {
			return nil, fmt.Errorf("annotation %s at %s: %v", f.Key, f.Pos, err)
		}
	}

	for _, f := range fields {
		leaves = append(leaves, d.Leaves(strings.Split(f.Path, "."))...)
	}

	return leaves, nil
}

// templateLeaf is a leaf as the template renders it.
type templateLeaf struct {
	Path  dashboard.Path
	Value any
}

// replacedLeaves returns the leaves of the template that an annotation removed by setting a whole
// object. An API that was registered without the annotation has them, and must lose them as a new
// one never had them.
func replacedLeaves(before, after dashboard.Definition, fields []inject.Field) (leaves []templateLeaf) {
	for _, f := range fields {
		path := strings.Split(f.Path, ".")
		if held, _ := before.Leaf(path); dashboard.Same(held, nil) {
			continue
		}

		for _, leaf := range before.Leaves(path) {
			if _, kept := after.Leaf(leaf); !kept {
				v, _ := before.Leaf(leaf)
				leaves = append(leaves, templateLeaf{leaf, v})
			}
		}
	}

	return leaves
}

// identify sets the fields that make the API this service's; templates and annotations cannot
// change them.
func identify(d dashboard.Definition, api WantedAPI, s Settings) {
	delete(d, "id")
	for _, field := range Switches {
		delete(d, field)
	}

	d["api_id"] = APIID(s.Org, api.Service, api.Role)
	d["org_id"] = s.Org
	d["slug"] = api.Slug
	d["domain"] = api.Domain(s)
	d["tags"] = dashboard.Union(d.Tags(), api.Tags(s)...)
	d["certificates"] = dashboard.Union(d.Certificates())
	free, _ := d["config_data"].(map[string]any)
	free = maps.Clone(free)
	if free == nil {
		free = make(map[string]any, 1)
	}

	free[markKey] = mark{Namespace: api.Service.Namespace, App: api.Service.App, Role: api.Role, Paths: api.Paths, NextPort: api.NextPort}.value()
	d["config_data"] = free
}

// Switches are the fields that undo what identifies an API: a gateway drops the domain and the
// certificates of one with domain_disabled, serves an internal one to no caller, and has one with a
// listen_port or a protocol on another listener. An API of the mesh has them as they are by
// default.
var Switches = []string{"domain_disabled", "internal", "is_oas", "listen_port", "protocol", "tags_disabled"}

// APIID derives the public id of an API, so that two runs at the same moment ask for the same one
// and the Dashboard lets one of them create it. The separators keep ("a", "bc") and ("ab", "c")
// apart: no part can contain a NUL.
func APIID(org string, svc inject.Service, role Role) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{"tykmesh", org, svc.Namespace, svc.App, string(role)}, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// CleanPath returns a listen path as far as two of them clash: gateways see no difference between
// /a and /a/.
func CleanPath(p string) string { return path.Clean("/" + p) }

// markKey is where the mark stands in config_data, an object that the Dashboard keeps and gateways
// ignore.
const markKey = "tykmesh"

// nextPortKey is the key of the mark that only mesh APIs of services with a previous port have.
const nextPortKey = "nextPort"

// NextPortPath is the leaf of that key.
var NextPortPath = dashboard.Path{"config_data", markKey, nextPortKey}.String()

// mark names the owner of an API, and the leaves that annotations set, so that they can be
// reverted. While the sidecars of a service change their port in two steps, the mark of its mesh
// API has the port of the second step: the Service has that one by then.
type mark struct {
	Namespace, App string
	Role           Role
	Paths          []string
	NextPort       int
}

func (m mark) value() map[string]any {
	v := map[string]any{
		"namespace": m.Namespace, "app": m.App, "role": string(m.Role), "paths": dashboard.Union(m.Paths),
	}
	if m.NextPort != 0 {
		v[nextPortKey] = json.Number(strconv.Itoa(m.NextPort))
	}

	return v
}

// heldMark returns the mark of a definition as JSON; nil for a definition without a mark.
func heldMark(d dashboard.Definition) map[string]any {
	free, _ := d["config_data"].(map[string]any)
	held, _ := free[markKey].(map[string]any)
	return held
}

// IsMarked reports whether a definition carries a mark.
func IsMarked(d dashboard.Definition) bool {
	app, _ := heldMark(d)["app"].(string)
	return app != ""
}

// MarkedPaths returns the leaves that annotations set by the mark of a definition.
func MarkedPaths(d dashboard.Definition) []string { return dashboard.Texts(heldMark(d)["paths"]) }

// MarkedNextPort returns the port of the second step by the mark of a definition; 0 without one.
func MarkedNextPort(d dashboard.Definition) int {
	n, _ := heldMark(d)[nextPortKey].(json.Number)
	port, _ := strconv.Atoi(n.String())
	return port
}

// MeshCertificateHosts returns the names that the mesh certificate must carry.
func (s Settings) MeshCertificateHosts() []string {
	hosts := slices.Clone(s.MeshHosts)
	if literal := s.MeshDomain; literal != "" && !strings.ContainsAny(literal, "{}") && !slices.Contains(hosts, literal) {
		hosts = append(hosts, literal)
	}
	return hosts
}

// TemplateName returns the template that renders an API. The annotation counts for both, and an
// empty one means "default", as in tyk-k8s.
func TemplateName(w inject.Workload, role Role) string {
	if !w.HasTemplate {
		return "default-" + string(role)
	}
	return cmp.Or(w.Template, "default")
}
