package secrets

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// Stored are the Secrets of services that manifests contain, as kubectl get prints those of a
// cluster. They tell more than a ledger: a Secret that was recorded may be lost.
type Stored struct {
	records map[string]*ca.Record // by id; without a certificate if the Secret has no valid content
	foreign map[string]bool       // ids of those that tykmesh did not make
	whole   bool                  // they are those of a cluster: it lacks the others, whatever a ledger says

	Foreign []string // the names of those, as messages say them: "Secret shop/echo-tykmesh"
}

// managedBy is the label of Secrets that tykmesh makes (Kubernetes documentation, recommended
// labels), and manager is its value.
const (
	managedBy = "app.kubernetes.io/managed-by"
	manager   = "tykmesh"
)

// Find returns the Secrets of services that documents contain. namespace is that of objects without
// one. It verifies tokens with key, if there is one.
func Find(docs []*manifest.Document, namespace string, identities []Identity, key *ca.TokenKey) Stored {
	s := Stored{records: make(map[string]*ca.Record), foreign: make(map[string]bool)}
	type place struct{ namespace, name string }
	wanted := make(map[place]Due)
	for _, id := range identities {
		for _, kind := range []Kind{Certificate, Token} {
			d := Due{Identity: id, Kind: kind}
			wanted[place{id.Namespace, d.name()}] = d
		}
	}

	for _, doc := range docs {
		if !mayStore(doc.Text) {
			continue
		}

		objects, err := kube.Objects(doc)
		if err != nil {
			continue // inject reports it, or it has no part in the mesh
		}

		root, _ := doc.Root() // has been parsed
		for _, o := range objects {
			if o.Kind != "Secret" || o.Group() != "" {
				continue
			}

			s.whole = s.whole || o.Node != root.Resolve() // an item of a list
			meta := o.Meta(namespace)
			if d, ok := wanted[place{meta.Namespace, meta.Name}]; ok {
				s.add(d, o, key)
			}
		}

		doc.Forget()
	}

	s.whole = s.whole || len(s.records) > 0

	return s
}

// mayStore reports whether a document may be a Secret of the mesh, or a list with Secrets.
func mayStore(text []byte) bool {
	has := func(part string) bool { return bytes.Contains(text, []byte(part)) }
	return has("Secret") && (has(standalone.SecretName(standalone.Service{})) || has("List"))
}

// add adds the Secret of a service.
func (s *Stored) add(d Due, o kube.Object, key *ca.TokenKey) {
	id := d.recordID()
	if o.Node.Get("metadata", "labels", managedBy).Text() != manager {
		s.foreign[id] = true
		s.Foreign = append(s.Foreign, "Secret "+d.Namespace+"/"+d.name())
		return
	}

	content, err := base64.StdEncoding.DecodeString(o.Node.Get("data", d.key()).Text())
	if text := o.Node.Get("stringData", d.key()).Text(); text != "" {
		content, err = []byte(text), nil
	}

	s.records[id] = &ca.Record{ID: id}
	switch {
	case err != nil:
	case d.Kind == Certificate:
		s.records[id] = certificateRecord(d, content)
	case key != nil:
		s.records[id] = tokenRecord(d, content, key)
	}
}

// certificateRecord returns the record of the certificate in a Secret; one without a certificate if
// it does not have its key.
func certificateRecord(d Due, content []byte) *ca.Record {
	pair, err := tls.X509KeyPair(content, content)
	if err != nil {
		return &ca.Record{ID: d.recordID()}
	}
	r := ca.NewRecord(ca.RoleWorkload, d.Namespace, d.App, "", ca.Bundle{Leaf: pair.Leaf, Certificate: ca.EncodeCertificates(pair.Leaf)}, pair.Leaf.NotBefore)

	return &r
}

// tokenRecord returns the record of the token in a Secret; one without a key if it is another key's
// or another service's.
func tokenRecord(d Due, content []byte, key *ca.TokenKey) *ca.Record {
	t, err := key.Verify(bytes.TrimSpace(content))
	public, keyErr := key.Public()
	if err != nil || keyErr != nil || t.Subject != d.Subject() {
		return &ca.Record{ID: d.recordID()}
	}
	r := ca.NewTokenRecord(d.Namespace, d.App, t, public, t.NotBefore)

	return &r
}

// Any reports whether there are any Secrets: then no ledger is needed to find the missing ones.
func (s Stored) Any() bool { return s.whole || len(s.foreign) > 0 }

// Whole reports whether the Secrets are those of a cluster, as a list of kubectl has them, or as
// tykmesh made them: then the others are missing there, whatever a ledger says.
func (s Stored) Whole() bool { return s.whole }

// lives notes how long the certificates are valid.
func (s Stored) lives(note func(ca.Record)) {
	for _, r := range s.records {
		note(*r)
	}
}

// recordID returns the id of the record of a Secret.
func (d Due) recordID() string {
	role := ca.RoleWorkload
	if d.Kind == Token {
		role = ca.RoleToken
	}
	return ca.RecordID(role, d.Namespace, d.App)
}

// serviceOf returns the service of a record.
func serviceOf(r ca.Record) inject.Service {
	return inject.Service{Namespace: r.Namespace, App: r.App}
}
