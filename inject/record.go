package inject

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// record is the value of annotationRecord: the names of all additions, and the original text of
// everything that changed in place. Default values are left out.
type record struct {
	Containers     []string `json:"containers,omitempty"`
	InitContainers []string `json:"initContainers,omitempty"`
	HostAliases    []string `json:"hostAliases,omitempty"` // the host names of the one alias
	Volumes        []string `json:"volumes,omitempty"`
	Mounts         []string `json:"mounts,omitempty"`      // containers that got the trusted certificates and nothing else
	Annotations    []string `json:"annotations,omitempty"` // beside status and record

	// Gained lists the items that the pod's own containers got, by their names: paths as of merger.
	Gained map[string][]string `json:"gained,omitempty"`

	// Empty is how empty lists were written that got their first items: the text behind the colon
	// of spec.<key>, or of volumeMounts/<container>.
	Empty map[string]string `json:"empty,omitempty"`

	Port       string   `json:"port,omitempty"`       // the text of the Service port that was replaced, or led to the sidecar
	Kept       *string  `json:"kept,omitempty"`       // the name of that port, where it leads to the sidecar
	Ports      []string `json:"ports,omitempty"`      // the names of the Service ports that were added; not that of the sidecar beside a kept one
	APIVersion string   `json:"apiVersion,omitempty"` // the text of the object's apiVersion, where that was upgraded
	Selector   bool     `json:"selector,omitempty"`   // and whether it got a selector

	Key    string  `json:"key,omitempty"`    // the text of the inject annotation's key, if not plain
	Inject string  `json:"inject,omitempty"` // the text of its value, if not usualInject
	Status *string `json:"status,omitempty"` // the text of the status that stood there

	// Plain has the values of those texts that hold an alias, as JSON, by the names of the fields.
	// Kubernetes keeps no anchors: in an object that kubectl prints, an alias means nothing.
	Plain map[string]string `json:"plain,omitempty"`
}

// usualInject is the most common value of the inject annotation.
const usualInject = `"true"`

// String returns the record as one line of JSON.
func (r *record) String() string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		panic("inject: a record that JSON cannot hold: " + err.Error()) // strings only
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// readRecord reads what a record annotation says.
func readRecord(text string) (*record, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	r := new(record)
	err := dec.Decode(r)
	if field, unknown := strings.CutPrefix(fmt.Sprint(err), "json: unknown field "); unknown {
		return nil, fmt.Errorf("annotation %s: has the field %s of another version of tykmesh; use the version that injected this object", annotationRecord, field)
	}

	if err != nil {
		return nil, fmt.Errorf("annotation %s: not as inject wrote it: %w", annotationRecord, err)
	}
	return r, nil
}

// note sets a key of one of the record's maps, which may be nil.
func note[V any](m *map[string]V, key string, value V) {
	if *m == nil {
		*m = make(map[string]V)
	}
	(*m)[key] = value
}

// keepPlain notes the value of a text that is recorded under a name, if it holds an alias.
func (r *record) keepPlain(name string, n *manifest.Node) {
	if n.HoldsAlias() {
		note(&r.Plain, name, kube.JSON(n))
	}
}

// keepInject notes how the inject annotation, and a status beside it, were written.
func (r *record) keepInject(d *manifest.Document, key, value, status *manifest.Node) (err error) {
	keep := func(name string, n *manifest.Node) string {
		if n == nil {
			return ""
		}
		text, ok := d.Source(n)
		if !ok && err == nil {
			err = &manifest.EditError{Pos: d.PositionOf(n), Msg: "cannot be edited as it is written; write it on one line"}
		}

		r.keepPlain(name, n)

		return text
	}

	r.Key, r.Inject = unusual(keep("key", key), annotationInject), unusual(keep("inject", value), usualInject)
	if status != nil {
		text := keep("status", status)
		r.Status = &text
	}

	return err
}

// unusual returns a text that is not as usual, else "".
func unusual(text, usual string) string {
	if text == usual {
		return ""
	}
	return text
}
