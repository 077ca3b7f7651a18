package mesh

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
)

// The owner of an API is decided here and nowhere else:
//
//	the API                                            its owner
//	carries the mark                                   the service and role in the mark
//	has the slug <app>-inbound, the domain <app>.<ns>
//	  and the tag <app>                                that service: tyk-k8s made the API
//	has the slug <app>-mesh, a target on <app>.<ns>
//	  and the tag mesh                                 that service: tyk-k8s made the API
//	is any other                                       none
//
// A registration knows the service, and so also finds APIs with namespaced slugs that tyk-k8s made:
// see WantedAPI.HasShape and plan.FindOwn.

// Owner is a service in one of its roles.
type Owner struct {
	Service inject.Service
	Role    Role
}

// Roles lists the roles in the order in which APIs are registered and shown.
var Roles = []Role{Inbound, Mesh}

// OwnerOf returns whose an API is, by its mark or by what tyk-k8s gave it.
func OwnerOf(d dashboard.Definition) (Owner, bool) {
	if o, ok := MarkedOwner(d); ok {
		return o, true
	}

	for _, role := range Roles {
		app, ok := strings.CutSuffix(d.Slug(), "-"+string(role))
		if !ok {
			continue
		}

		tag := Tag
		if role == Inbound {
			tag = app
		}
		namespace, ok := strings.CutPrefix(reached(d, role), app+".")

		return Owner{inject.Service{Namespace: namespace, App: app}, role}, ok && d.HasTag(tag)
	}

	return Owner{}, false
}

// MarkedOwner returns whose an API is by its mark alone.
func MarkedOwner(d dashboard.Definition) (Owner, bool) {
	held := heldMark(d)
	namespace, _ := held["namespace"].(string)
	app, _ := held["app"].(string)
	role, _ := held["role"].(string)

	return Owner{inject.Service{Namespace: namespace, App: app}, Role(role)}, app != ""
}

// ClassicOwner returns whose an API is, and none for an OAS API: tykmesh cannot change that.
func ClassicOwner(d dashboard.Definition) (Owner, bool) {
	o, ok := OwnerOf(d)
	return o, ok && !d.IsOAS()
}

// IsAnothers reports whether an API carries the mark of another service or role.
func (w *WantedAPI) IsAnothers(d dashboard.Definition) bool {
	o, ok := MarkedOwner(d)
	return ok && o != w.Owner()
}

// HasShape reports whether an API with a slug of w does what w is for.
func (w *WantedAPI) HasShape(d dashboard.Definition) bool {
	return strings.EqualFold(reached(d, w.Role), Host(w.Service)) && (w.Role == Inbound || d.HasTag(Tag))
}

// reached returns the host that identifies an API's service: an inbound API answers it, a mesh API
// leads to it.
func reached(d dashboard.Definition, role Role) string {
	if role == Inbound {
		return d.Domain()
	}
	target, err := url.Parse(d.TargetURL())
	if err != nil {
		return ""
	}

	return target.Hostname()
}

// Describe names an API so that a user finds it in the Dashboard.
func Describe(d dashboard.Definition) string {
	name := d.Slug()
	if name == "" {
		name = d.Name()
	}
	return fmt.Sprintf("%q (id %s, domain %q, listen path %q)", name, d.ID(), d.Domain(), d.ListenPath())
}

// Hosts returns the names of the certificate that an API carries.
func (o Owner) Hosts(s Settings) []string {
	if o.Role == Mesh {
		return s.MeshCertificateHosts()
	}
	return []string{Host(o.Service)}
}
