package inject_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// TestEmittedLaws holds the law for what is added behind the input: everything before it is as it
// is without, it is added once, and uninject takes it away again.
func TestEmittedLaws(t *testing.T) {
	emitted := 0
	for _, g := range lawGoldens(t) {
		t.Run(strings.TrimSuffix(filepath.Base(g.path), ".txtar"), func(t *testing.T) {
			s := g.options.settings()
			s.TLS, s.OnSkip = true, inject.SkipWarn
			emitted += checkEmitted(t, g.documents, s)
		})
	}

	if emitted < 50 {
		t.Fatalf("only %d objects were added", emitted)
	}
}

const someAuthority = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"

func checkEmitted(t *testing.T, documents func() []*manifest.Document, s inject.Settings) int {
	t.Helper()
	docs := documents()
	s.Authority = ""

	without, problems := inject.Inject(docs, s)
	if docs[len(docs)-1].Number != len(docs) || len(problems) > 0 {
		return 0 // of several files, which have separators between them
	}

	s.Authority = someAuthority

	with, problems := inject.Inject(documents(), s)
	if len(problems) > 0 {
		t.Fatalf("refused: %v", problems)
	}

	ours := bindings(with, ids)

	plain, text := whole(slices.Collect(without.Texts(ours))), whole(slices.Collect(with.Texts(ours)))
	if !strings.HasPrefix(text, plain) || len(text) > len(plain) != (with.Emitted > without.Emitted) {
		t.Fatalf("%d objects were added to\n%s\nwhich became\n%s", with.Emitted-without.Emitted, plain, text)
	}

	split := func() []*manifest.Document { return manifest.Split(docs[0].File, []byte(text)) }
	if n := len(split()); n != len(docs)+with.Emitted {
		t.Fatalf("%d documents and %d more became %d:\n%s", len(docs), with.Emitted, n, text)
	}

	for _, n := range with.Needs {
		if n.Authority {
			t.Errorf("%s still needs one", n.Namespace)
		}
	}

	again, problems := inject.Inject(split(), s)
	if len(problems) > 0 || again.Emitted > 0 {
		t.Fatalf("L2: again, %d more were added (%v)", again.Emitted, problems)
	}

	same(t, "L2: inject again", text, whole(slices.Collect(again.Texts(nil))))

	back, problems := inject.Uninject(split())
	if len(problems) > 0 {
		t.Fatalf("uninject: %v", problems)
	}

	var was [][]byte
	for _, d := range documents() {
		was = append(was, d.Text)
	}

	same(t, "L2: uninject", whole(was), whole(slices.Collect(back.Texts(nil))))

	return with.Emitted
}
