package dashboard

import (
	"cmp"
	"slices"
)

// Definition is a Tyk Classic API definition as decoded JSON. Its values are map[string]any, []any,
// string, bool, json.Number and nil; numbers stay json.Number, so that a document keeps every
// digit.
type Definition map[string]any

// ID returns the database id. Like all accessors, it returns the zero value when the field is
// absent or of another type.
func (d Definition) ID() string { return text(d, "id") }

// APIID returns the public id, under which gateways know the API.
func (d Definition) APIID() string { return text(d, "api_id") }

// OrgID returns the organisation that owns the API.
func (d Definition) OrgID() string { return text(d, "org_id") }

// Name returns the display name.
func (d Definition) Name() string { return text(d, "name") }

// Label returns a name of the API for messages: its slug, or else its name or an id.
func (d Definition) Label() string { return cmp.Or(d.Slug(), d.Name(), d.APIID(), d.ID()) }

// Slug returns the short name. It need not be unique since Dashboard 5.3.
func (d Definition) Slug() string { return text(d, "slug") }

// Domain returns the host of the API, or a pattern for it.
func (d Definition) Domain() string { return text(d, "domain") }

// ListenPath returns the path of the API.
func (d Definition) ListenPath() string { return text(d.object("proxy"), "listen_path") }

// TargetURL returns the URL to which the API forwards requests.
func (d Definition) TargetURL() string { return text(d.object("proxy"), "target_url") }

// Tags returns the segments whose gateways load the API.
func (d Definition) Tags() []string { return Texts(d["tags"]) }

// HasTag reports whether the gateways of a segment load the API.
func (d Definition) HasTag(tag string) bool {
	list, _ := d["tags"].([]any)
	return slices.Contains(list, any(tag))
}

// Certificates returns the ids of the server certificates.
func (d Definition) Certificates() []string { return Texts(d["certificates"]) }

// IsOAS reports whether this is an OpenAPI definition in its classic form. The Dashboard refuses a
// classic update of such an API.
func (d Definition) IsOAS() bool { return d.truth("is_oas") }

// Active reports whether gateways serve the API.
func (d Definition) Active() bool { return d.truth("active") }

// Clone returns a deep copy.
func (d Definition) Clone() Definition {
	if d == nil {
		return nil
	}
	return clone(map[string]any(d)).(map[string]any)
}

// CertificateUsage returns the purposes for which the definition names a certificate: "server",
// "client", "upstream", in this order.
func (d Definition) CertificateUsage(id string) (usage []string) {
	if slices.Contains(d.Certificates(), id) {
		usage = append(usage, "server")
	}

	if slices.Contains(Texts(d["client_certificates"]), id) {
		usage = append(usage, "client")
	}

	for _, name := range d.object("upstream_certificates") {
		if name == any(id) {
			return append(usage, "upstream")
		}
	}

	return usage
}

func (d Definition) object(key string) map[string]any {
	m, _ := d[key].(map[string]any)
	return m
}

func (d Definition) truth(key string) bool {
	b, _ := d[key].(bool)
	return b
}

func text(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}

func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, x := range v {
			out[key] = clone(x)
		}
		return out

	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = clone(x)
		}
		return out
	}

	return v
}
