package inject

import "github.com/tykmesh/tykmesh/inject/manifest"

// misencoded returns the problem of a document in another encoding than UTF-8, nil for any other. No run passes such a document
// untouched, annotated or not: kubectl applies UTF-16, and its annotations are not found in it.
func misencoded(d *manifest.Document) (*Object, *Problem) {
	err := d.Encoded()
	if err == nil {
		return nil, nil
	}
	o, p := unreadable(d, err)
	o.Outcome = Refused
	return o, &p
}
