package inject

import "github.com/tykmesh/tykmesh/inject/manifest"

// UpgradeAlone does as UpgradeAPI to the documents that would be injected, and nothing else of
// injection.
func UpgradeAlone(docs []*manifest.Document, s Settings) (texts [][]byte, upgraded int, err error) {
	s.UpgradeAPI = true
	in := newInjection(docs, s)
	for _, d := range docs {
		var edits []manifest.Edit
		for _, o := range in.find(d) {
			if o.Outcome != Injected {
				continue
			}
			more, err := o.upgradeEdits(new(record))
			if err != nil {
				return nil, 0, err
			}

			edits = append(edits, more...)
		}

		patch, err := d.Apply(edits...)
		if err != nil {
			return nil, 0, err
		}

		if len(edits) > 0 {
			upgraded++
		}

		texts = append(texts, patch.Apply(d.Text))
	}

	return texts, upgraded, nil
}

// Added reports for each text of the stream whether inject added the document.
func (s *Stream) Added() (all []bool) {
	for _, d := range s.documents {
		all = append(all, d.added)
	}
	return all
}
