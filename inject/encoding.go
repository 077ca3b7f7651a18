package inject

import "github.com/tykmesh/tykmesh/inject/manifest"

// misencoded returns the problem of a document that is not UTF-8; nil for any other. No run passes
// such a document untouched, annotated or not: kubectl applies UTF-16, in which inject finds no
// annotation.
func misencoded(d *manifest.Document) (*Object, *Problem) {
	err := d.Encoded()
	if err == nil {
		return nil, nil
	}
	o, p := unreadable(d, err)
	o.Outcome = Refused
	return o, &p
}
