package live_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tykmesh/tykmesh/cmd/internal/live"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Whatever the text, Read ends; and a list in kubectl's own form, which is read item by item, says
// the same as when it is read as a whole.
func FuzzRead(f *testing.F) {
	c := newCluster(f)
	for _, kind := range []string{"", "Secret", "ConfigMap", "Service", "Deployment"} {
		if kind != "" {
			c.without(kind)
		}
		f.Add(c.print(f, false))
	}
	f.Add([]byte("apiVersion: v1\nitems:\n- kind: Secret\n  apiVersion: v1\n  metadata: {name: x-tykmesh}\n- a\nkind: List\n"))
	f.Add([]byte("apiVersion: v1\nitems:\n- &a {kind: ConfigMap}\n- *a\nkind: List\n"))
	f.Add([]byte("apiVersion: v1\nitems:\n- kind: |\n\n- b: \"\n- c\"\nkind: List\nmetadata:\n  name: |\n    kind: List\n"))

	f.Fuzz(func(t *testing.T, text []byte) {
		whole := slices.Concat([]byte("# whole\n"), text)
		want, unparsed := live.Read(manifest.Split("x", whole), now)
		if len(unparsed) > 0 || bytes.Contains(text, []byte("\n---")) || bytes.Contains(text, []byte("\n...")) {
			return // where a list is cut by errors, both tell of one
		}

		got, unparsed := live.Read(manifest.Split("x", text), now)
		if len(unparsed) > 0 {
			t.Fatalf("read by items: %v", unparsed[0].Err)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(live.Service{}), cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}
