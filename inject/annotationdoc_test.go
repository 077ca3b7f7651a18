package inject

import (
	"maps"
	"slices"
	"testing"
)

// Whatever is read from a pod's annotations is explained, and what is explained is read.
func TestAnnotationsAreExplained(t *testing.T) {
	read := slices.AppendSeq(slices.Collect(maps.Keys(overrides)), func(yield func(string) bool) {
		for kind := range fieldKinds {
			if !yield(kind + "PATH") {
				return
			}
		}
	})

	read = append(read, annotationInject, annotationRoute, annotationTemplate, annotationPort, annotationAccept,
		annotationStatus, annotationInbound, annotationMesh, annotationTrust, annotationRecord, annotationEmitted)
	var explained []string
	for _, a := range Annotations {
		explained = append(explained, a.Key)
		if a.Text == "" {
			t.Errorf("%s: nobody is told what it is for", a.Key)
		}
	}

	slices.Sort(read)
	slices.Sort(explained)
	if !slices.Equal(read, explained) {
		t.Errorf("read:      %q\nexplained: %q", read, explained)
	}
}
