package inject_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// TestOutsideOfPodTemplate shows the rest of L9: what stands outside of the pod template has no
// influence on what is written into it.
func TestOutsideOfPodTemplate(t *testing.T) {
	const edit = "status:\n      lists:\n         -   a\n         -   b\n"
	shown := 0
	for _, g := range lawGoldens(t) {
		if g.options.CRLF || g.options.BOM {
			continue
		}

		for _, d := range g.documents() {
			text := []byte(strings.TrimPrefix(string(d.Text), "---\n"))
			if !bytes.Contains(text, []byte("\n  template:\n")) || !bytes.HasPrefix(text, []byte("apiVersion: ")) {
				continue
			}

			want, ok := injectText(text, g.options.settings())
			if !ok || bytes.Equal(want, text) {
				continue
			}

			got, ok := injectText(append([]byte(edit), text...), g.options.settings())
			if !ok {
				t.Fatalf("%s: refused with another field in front", g.path)
			}

			if diff := cmp.Diff(edit+string(want), string(got)); diff != "" {
				t.Errorf("%s: -want +got\n%s", g.path, diff)
			}

			shown++
		}
	}

	if shown < 10 {
		t.Fatalf("only %d workloads were changed outside of the pod template", shown)
	}
}

func injectText(text []byte, s inject.Settings) ([]byte, bool) {
	stream, problems := inject.Inject(manifest.Split("f.yaml", text), s)
	if len(problems) > 0 {
		return nil, false
	}
	return bytes.Join(slices.Collect(stream.Texts(bindings(stream, ids))), nil), true
}
