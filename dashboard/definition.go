package dashboard

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
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
func (d Definition) Tags() []string { return d.texts("tags") }

// Certificates returns the ids of the server certificates.
func (d Definition) Certificates() []string { return d.texts("certificates") }

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

	if slices.Contains(d.texts("client_certificates"), id) {
		usage = append(usage, "client")
	}

	for _, name := range d.object("upstream_certificates") {
		if name == any(id) {
			return append(usage, "upstream")
		}
	}

	return usage
}

// Share makes d share its common values with another definition, so that thousands of similar
// definitions take little more memory than one. Do not change either in place after that. kept is
// the approximate size of the rest of d in bytes.
func (d Definition) Share(like Definition) (kept int) {
	kept = mapSize
	for key, v := range d {
		var own int
		d[key], own = shared(v, like[key])
		kept += entrySize + len(key) + own
	}
	return kept
}

// Sizes in bytes on 64-bit systems; a map has room for at least 8 entries.
const (
	mapSize   = 48 + 8*entrySize
	entrySize = 40 // of a map: a key, a value
	wordSize  = 32 // of a text or number beside its characters
)

// shared returns v, with the parts of like wherever they are equal. kept is the approximate size of
// the rest in bytes; 0 if everything is equal.
func shared(v, like any) (out any, kept int) {
	switch v := v.(type) {
	case map[string]any:
		return sharedObject(v, like)
	case []any:
		return sharedArray(v, like)
	case string:
		kept = len(v)
	case json.Number:
		kept = len(v)
	}

	switch like.(type) {
	case map[string]any, []any: // which cannot be compared
		return v, kept + wordSize
	}

	if v == like {
		return like, 0
	}

	return v, kept + wordSize
}

func sharedObject(v map[string]any, like any) (out any, kept int) {
	l, ok := like.(map[string]any)
	same := ok && len(v) == len(l)

	size := mapSize
	for key, x := range v {
		y, there := l[key]
		z, own := shared(x, y)
		v[key] = z
		kept += own
		size += entrySize + len(key)
		same = same && there
	}

	if same && kept == 0 {
		return like, 0
	}

	return v, kept + size
}

func sharedArray(v []any, like any) (out any, kept int) {
	l, ok := like.([]any)
	same := ok && len(v) == len(l)
	for i, x := range v {
		var y any
		if i < len(l) {
			y = l[i]
		}
		z, own := shared(x, y)
		v[i] = z
		kept += own
	}

	if same && kept == 0 {
		return like, 0
	}

	return v, kept + wordSize*(1+len(v))
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

// errCutOff means that a JSON value has no end.
var errCutOff = errors.New("the JSON is cut off")

// clearer returns errCutOff for a text that ended too early, and any other error unchanged.
func clearer(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCutOff
	}
	return err
}

// atEnd returns an error if anything follows.
func atEnd(dec *json.Decoder) error {
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("more than one JSON value")
	}
	return nil
}
