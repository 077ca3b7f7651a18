package dashboard

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// Definition is a Tyk Classic API definition as decoded JSON. Its values are
// map[string]any, []any, string, bool, json.Number and nil; numbers stay
// json.Number, so that nothing of a document is lost on the way through.
type Definition map[string]any

// ID is the database id. Like all accessors it is zero when the field is
// absent or of another type.
func (d Definition) ID() string { return text(d, "id") }

// APIID is the public id, which gateways know the API by.
func (d Definition) APIID() string { return text(d, "api_id") }

// OrgID is the organisation that owns the API.
func (d Definition) OrgID() string { return text(d, "org_id") }

// Name is the name that people see.
func (d Definition) Name() string { return text(d, "name") }

// Slug is the short name; Dashboards since 5.3 do not keep it unique.
func (d Definition) Slug() string { return text(d, "slug") }

// Domain is the host that the API answers, or a pattern for it.
func (d Definition) Domain() string { return text(d, "domain") }

// ListenPath is the path that the API answers.
func (d Definition) ListenPath() string { return text(d.object("proxy"), "listen_path") }

// TargetURL is where requests go.
func (d Definition) TargetURL() string { return text(d.object("proxy"), "target_url") }

// Tags are the segments whose gateways load the API.
func (d Definition) Tags() []string { return d.texts("tags") }

// Certificates are the ids of the server certificates.
func (d Definition) Certificates() []string { return d.texts("certificates") }

// IsOAS says whether this is an OpenAPI definition in its classic form, which
// the Dashboard does not let a classic update touch.
func (d Definition) IsOAS() bool { return d.truth("is_oas") }

// Active says whether gateways serve the API.
func (d Definition) Active() bool { return d.truth("active") }

// Clone is a deep copy.
func (d Definition) Clone() Definition {
	if d == nil {
		return nil
	}
	return clone(map[string]any(d)).(map[string]any)
}

// Share makes d hold what it has in common with another definition where that
// one holds it, so that thousands that are much alike take little more room
// than one. Neither may be changed in place after that.
func (d Definition) Share(like Definition) {
	for key, v := range d {
		d[key], _ = shared(v, like[key])
	}
}

// shared is v in the words of like; same says whether there is no difference.
func shared(v, like any) (out any, same bool) {
	switch v := v.(type) {
	case map[string]any:
		l, ok := like.(map[string]any)
		same = ok && len(v) == len(l)
		for key, x := range v {
			y, ok := l[key]
			z, equal := shared(x, y)
			v[key], same = z, same && ok && equal
		}
		if same {
			return like, true
		}
		return v, false
	case []any:
		l, ok := like.([]any)
		same = ok && len(v) == len(l)
		for i := 0; same && i < len(v); i++ {
			_, same = shared(v[i], l[i])
		}
		if same {
			return like, true
		}
		return v, false
	}
	if _, ok := like.(map[string]any); ok {
		return v, false
	}
	if _, ok := like.([]any); ok {
		return v, false
	}
	if v == like {
		return like, true
	}
	return v, false
}

func (d Definition) object(key string) map[string]any {
	m, _ := d[key].(map[string]any)
	return m
}

func (d Definition) truth(key string) bool {
	b, _ := d[key].(bool)
	return b
}

func (d Definition) texts(key string) []string {
	list, _ := d[key].([]any)
	var out []string
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
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

// decodeJSON reads one JSON value, numbers as json.Number, and nothing after it.
func decodeJSON(b []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		return clearer(err)
	}
	return atEnd(dec)
}

// errCutOff says that a JSON value has no end.
var errCutOff = errors.New("the JSON is cut off")

// clearer says of a text that ended too early what is wrong with it.
func clearer(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCutOff
	}
	return err
}

// atEnd is an error unless nothing follows.
func atEnd(dec *json.Decoder) error {
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("more than one JSON value")
	}
	return nil
}
