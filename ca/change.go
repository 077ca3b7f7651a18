package ca

import (
	"errors"
	"fmt"
)

// Change is a record to write, of many: a new one, or one that replaces another.
type Change struct {
	Record
	IsNew bool   // the record is inserted, as Insert does it; else it is replaced, as Replace does it
	Old   string // the fingerprint of the certificate in the record that it replaces
}

// op names the change in errors: "inserting record workload/shop/echo".
func (c Change) op() string {
	if c.IsNew {
		return "inserting record " + c.ID
	}
	return "replacing record " + c.ID
}

// opOf names all changes of a transaction in errors.
func opOf(changes []Change) string {
	if len(changes) == 1 {
		return changes[0].op()
	}
	return fmt.Sprintf("writing %d records", len(changes))
}

// apply returns the document that the change makes of one; nil is no document.
//
// Errors: ErrRecordExists, ErrRecordChanged.
func (c Change) apply(d *document) (*document, error) {
	switch {
	case c.IsNew && d != nil:
		return nil, ErrRecordExists
	case c.IsNew:
		return new(newDocument(c.Record)), nil
	case d == nil || d.Content.Bundle.Fingerprint != c.Old:
		return nil, ErrRecordChanged
	}

	if c.Fingerprint != c.Old {
		d.BundleHistory = append(d.BundleHistory, d.Content.Bundle.past(c.Created))
	}
	d.Content = newContent(c.Record)

	return d, nil
}

// isRefusal reports whether a change was refused because another run has changed the record.
func isRefusal(err error) bool {
	return errors.Is(err, ErrRecordExists) || errors.Is(err, ErrRecordChanged)
}
