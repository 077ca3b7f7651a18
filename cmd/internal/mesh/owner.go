package mesh

import (
	"fmt"
	"net/url"
	"slices"
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
// see WantedAPI.hasShape and matcher.own.

// owner is a service in one of its roles.
type owner struct {
	service inject.Service
	role    Role
}

// roles lists the roles in the order in which APIs are registered and shown.
var roles = []Role{Inbound, Mesh}

// ownerOf returns whose an API is, by its mark or by what tyk-k8s gave it.
func ownerOf(d dashboard.Definition) (owner, bool) {
	if o, ok := markedOwner(d); ok {
		return o, true
	}

	for _, role := range roles {
		app, ok := strings.CutSuffix(d.Slug(), "-"+string(role))
		if !ok {
			continue
		}

		tag := meshTag
		if role == Inbound {
			tag = app
		}
		namespace, ok := strings.CutPrefix(reached(d, role), app+".")

		return owner{inject.Service{Namespace: namespace, App: app}, role}, ok && slices.Contains(d.Tags(), tag)
	}

	return owner{}, false
}

// markedOwner returns whose an API is by its mark alone.
func markedOwner(d dashboard.Definition) (owner, bool) {
	held := heldMark(d)
	namespace, _ := held["namespace"].(string)
	app, _ := held["app"].(string)
	role, _ := held["role"].(string)

	return owner{inject.Service{Namespace: namespace, App: app}, Role(role)}, app != ""
}

// classicOwner returns whose an API is, and none for an OAS API: tykmesh cannot change that.
func classicOwner(d dashboard.Definition) (owner, bool) {
	o, ok := ownerOf(d)
	return o, ok && !d.IsOAS()
}

// isAnothers reports whether an API carries the mark of another service or role.
func (w *WantedAPI) isAnothers(d dashboard.Definition) bool {
	o, ok := markedOwner(d)
	return ok && o != w.owner()
}

// hasShape reports whether an API with a slug of w does what w is for.
func (w *WantedAPI) hasShape(d dashboard.Definition) bool {
	return strings.EqualFold(reached(d, w.Role), host(w.Service)) && (w.Role == Inbound || slices.Contains(d.Tags(), meshTag))
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

// describe names an API so that a user finds it in the Dashboard.
func describe(d dashboard.Definition) string {
	name := d.Slug()
	if name == "" {
		name = d.Name()
	}
	return fmt.Sprintf("%q (id %s, domain %q, listen path %q)", name, d.ID(), d.Domain(), d.ListenPath())
}

// hosts returns the names of the certificate that an API carries.
func (o owner) hosts(s Settings) []string {
	if o.role == Mesh {
		return s.meshCertificateHosts()
	}
	return []string{host(o.service)}
}
