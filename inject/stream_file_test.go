package inject_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// TestStreamOfFile holds the laws against a stream of the user's and counts what reviewers look at:
// TYKMESH_STREAM=FILE go test -v.
func TestStreamOfFile(t *testing.T) {
	file := os.Getenv("TYKMESH_STREAM")
	if file == "" {
		t.Skip("TYKMESH_STREAM names no stream")
	}

	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	documents := func() []*manifest.Document { return manifest.Split(file, text) }
	s := profile("")
	s.TLS = true

	injected := checkLaws(t, documents, s)
	if injected == 0 {
		t.Fatal("nothing is injected")
	}

	stream, _ := inject.Inject(documents(), s)
	docs, out := documents(), slices.Collect(stream.Texts(bindings(stream, ids)))
	identical, comments := 0, 0
	var lost []string
	for i, d := range docs {
		if bytes.Equal(d.Text, out[i]) {
			identical++
		}

		after := commentsIn(t, out[i])
		for comment := range commentsIn(t, d.Text) {
			comments++
			if !after[comment] {
				lost = append(lost, comment)
			}
		}
	}

	t.Logf("%d documents, %d objects injected, %d documents identical, %d of %d comments kept", len(docs), injected, identical, comments-len(lost), comments)
	if len(lost) > 0 {
		t.Errorf("lost: %q", lost)
	}
}

// commentsIn returns the different comments of a document.
func commentsIn(t *testing.T, text []byte) map[string]bool {
	t.Helper()
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}

	found := map[string]bool{}
	var visit func(n *yaml.Node)
	visit = func(n *yaml.Node) {
		for line := range strings.SplitSeq(n.HeadComment+"\n"+n.LineComment+"\n"+n.FootComment, "\n") {
			if line = strings.TrimSpace(line); line != "" {
				found[line] = true
			}
		}

		for _, c := range n.Content {
			visit(c)
		}
	}

	visit(&root)

	return found
}
