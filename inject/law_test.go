package inject_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// The laws of injection, named as the design names them. They hold for every input that is not
// refused.

func TestLaws(t *testing.T) {
	injected := 0
	for _, g := range lawGoldens(t) {
		t.Run(strings.TrimSuffix(filepath.Base(g.path), ".txtar"), func(t *testing.T) {
			s := g.options.settings()
			injected += checkLaws(t, g.documents, s)
			s.OnSkip = inject.SkipWarn // then more of them are injected
			injected += checkLaws(t, g.documents, s)
			s.Strict = true
			injected += checkLaws(t, g.documents, s)
		})
	}

	if injected < 50 {
		t.Fatalf("only %d objects were injected; the corpus is too small to show anything", injected)
	}
}

func FuzzInject(f *testing.F) {
	for _, g := range lawGoldens(f) {
		for _, in := range g.inputs {
			for _, skip := range []inject.OnSkip{inject.SkipFail, inject.SkipWarn} {
				f.Add(g.options.encode(in.Data), g.options.TLS, g.options.Routes == nil || *g.options.Routes, byte(slices.Index(profiles, g.options.Profile))|byte(skip)<<6)
			}
		}
	}

	f.Fuzz(func(t *testing.T, text []byte, tls, routes bool, profileIndex byte) {
		if len(text) > 4096 {
			return
		}
		s := profile(profiles[int(profileIndex)%64%len(profiles)])
		s.TLS, s.Routes = tls, routes
		s.OnSkip = inject.OnSkip((profileIndex >> 6) % 3)
		checkLaws(t, func() []*manifest.Document { return manifest.Split("f.yaml", text) }, s)
	})
}

// tries returns a number of random tries; a short run makes a fifth of them.
func tries(n uint64) uint64 {
	if testing.Short() {
		return n / 5
	}
	return n
}

var profiles = []string{"", "plain", "two", "bare", "builtin", "native", "nft", "begun", "standalone", "standalone-plain", "standalone-issuer", "standalone-tokens", "standalone-native"}

// checkLaws returns how many objects were injected. documents splits the same input anew at each
// call.
func checkLaws(t *testing.T, documents func() []*manifest.Document, s inject.Settings) (injected int) {
	t.Helper()
	docs, before := documents(), fmt.Sprintf("%#v", s)

	stream, problems := inject.Inject(docs, s)
	if len(problems) > 0 {
		_, again := inject.Inject(documents(), s)
		same(t, "L8: problems", problems, again)
		return 0
	}

	ours := bindings(stream, ids)
	all := slices.Collect(stream.Texts(ours))
	out := withoutAdded(stream, all)
	again := slices.Collect(stream.Texts(ours))
	same(t, "L5: a second call", whole(all), whole(again))
	checkMembers(t, stream, documents(), redoneWith(stream, docs, all), s)
	fresh, _ := inject.Inject(documents(), s)
	again = slices.Collect(fresh.Texts(ours))
	same(t, "L8: the same input", whole(all), whole(again))
	other := inject.Binding{InboundID: "5e0000000000000000000003", MeshID: "610000000000000000000004"}
	again = withoutAdded(stream, slices.Collect(stream.Texts(bindings(stream, other))))
	same(t, "L9: other ids", whole(replaceIDs(out, other)), whole(again))
	for i, d := range documents() {
		if !bytes.Equal(d.Text, docs[i].Text) {
			t.Fatalf("L5: the input was changed to %q", docs[i].Text)
		}
	}

	if after := fmt.Sprintf("%#v", s); after != before {
		t.Fatalf("L5: the settings were changed\n%s", cmp.Diff(before, after))
	}

	changed := make([]bool, len(docs))
	for _, o := range stream.Objects {
		if o.Outcome == inject.Injected {
			changed[documentAt(docs, o.Pos)] = true
			injected++
		}
	}

	for i, d := range docs {
		if !changed[i] {
			if !bytes.Equal(out[i], d.Text) || len(out[i]) > 0 && &out[i][0] != &d.Text[0] {
				t.Fatalf("L4: a document without an injected object became %q", out[i])
			}
			continue
		}
		checkSubsequence(t, d, out[i])
	}

	checkOrder(t, docs, all)
	checkRoundTrip(t, docs, redoneWith(stream, docs, all), s)

	return injected
}

// checkOrder shows the rest of L4: whoever splits what comes out finds the same documents.
func checkOrder(t *testing.T, docs []*manifest.Document, out [][]byte) {
	t.Helper()
	if docs[len(docs)-1].Number != len(docs) {
		return // of several files, which have separators between them
	}

	again := manifest.Split(docs[0].File, bytes.Join(out, nil))
	if len(again) != len(out) {
		t.Fatalf("L4: %d documents became %d:\n%s", len(out), len(again), bytes.Join(out, nil))
	}

	out = slices.Clone(out)
	for i, d := range again {
		if i+1 < len(out) && len(out[i]) > 0 && !bytes.HasSuffix(out[i], []byte("\n")) { // the line break that inject adds ends this document
			rest := bytes.TrimPrefix(bytes.TrimPrefix(out[i+1], []byte("\r")), []byte("\n"))
			out[i], out[i+1] = slices.Concat(out[i], out[i+1][:len(out[i+1])-len(rest)]), rest
		}
		if !bytes.Equal(d.Text, out[i]) {
			t.Fatalf("L4: document %d is %q, not %q", i+1, d.Text, out[i])
		}
	}
}

// withoutAdded returns the texts of the stream's own documents. It holds L4 for the others: they
// follow one that is changed, or all of them.
func withoutAdded(stream *inject.Stream, texts [][]byte) (own [][]byte) {
	for i, added := range stream.Added() {
		if !added {
			own = append(own, texts[i])
		}
	}
	return own
}

// redoneWith are the documents of a stream with other texts and with those that inject added, as if
// they had been read from a file.
func redoneWith(stream *inject.Stream, docs []*manifest.Document, texts [][]byte) (out []*manifest.Document) {
	for i, added := range stream.Added() {
		d := &manifest.Document{Text: texts[i]}
		if added {
			last := out[len(out)-1]
			d.File, d.Number, d.Line = last.File, last.Number+1, last.Line+1
		} else {
			d.File, d.Number, d.Line = docs[0].File, docs[0].Number, docs[0].Line
			docs = docs[1:]
		}
		out = append(out, d)
	}

	return out
}

// checkRoundTrip shows L2: nothing is injected twice, and everything can be taken back. The result
// of injection is one of its arguments.
func checkRoundTrip(t *testing.T, docs, result []*manifest.Document, s inject.Settings) {
	t.Helper()
	var out [][]byte
	fresh := func() (all []*manifest.Document) {
		for _, d := range result {
			all = append(all, d.WithText(d.Text))
		}
		return all
	}
	for _, d := range result {
		out = append(out, d.Text)
	}

	twice, problems := inject.Inject(fresh(), s)
	if len(problems) > 0 {
		t.Fatalf("L2: injecting again: %v\n%s", problems[0], bytes.Join(out, nil))
	}

	same(t, "L2: inject twice", whole(out), whole(slices.Collect(twice.Texts(nil))))

	back, problems := inject.Uninject(fresh())
	switch {
	case len(problems) == 0:
	case brokenRecord(docs):
		return // a record that nobody can read, or that was contradicted, before
	default:
		t.Fatalf("L2: uninject: %v\nof\n%s", problems[0], bytes.Join(out, nil))
	}

	texts := slices.Collect(back.Texts(nil))
	if len(texts) > len(docs) { // the added documents are empty now
		texts = slices.DeleteFunc(texts, func(text []byte) bool { return len(text) == 0 })
	}
	if len(texts) < len(docs) {
		texts = append(texts, make([][]byte, len(docs)-len(texts))...) // empty ones of the input, at its end
	}

	for i, d := range docs {
		if bytes.Contains(d.Text, []byte("injector.tyk.io/record")) || bytes.Contains(d.Text, []byte("injector.tyk.io/emitted")) {
			continue // the input had been injected before
		}
		if !bytes.Equal(texts[i], d.Text) {
			t.Fatalf("L2: uninject left\n%s\n%q\nof\n%q\ninjected:\n%s", cmp.Diff(string(d.Text), string(texts[i])), texts[i], d.Text, whole(out))
		}
	}
}

// brokenRecord reports whether a document speaks of a record and cannot be read, or has been
// annotated again since.
func brokenRecord(docs []*manifest.Document) bool {
	return slices.ContainsFunc(docs, func(d *manifest.Document) bool {
		_, err := d.Root()
		again := bytes.Count(d.Text, []byte("injector.tyk.io/inject")) > bytes.Count(d.Text, []byte("''injector.tyk.io/inject''")) // but for keys in records
		return (err != nil || again) && bytes.Contains(d.Text, []byte("injector.tyk.io/record"))
	})
}

// redone are documents with other texts, as if they had been read from a file.
func redone(docs []*manifest.Document, texts [][]byte) (out []*manifest.Document) {
	for i, d := range docs {
		out = append(out, &manifest.Document{File: d.File, Number: d.Number, Line: d.Line, Text: texts[i]})
	}
	return out
}

func same[T any](t *testing.T, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s: -want +got\n%s", what, diff)
	}
}

func whole(texts [][]byte) string { return string(bytes.Join(texts, nil)) }

func replaceIDs(texts [][]byte, b inject.Binding) (out [][]byte) {
	for _, text := range texts {
		text = bytes.ReplaceAll(text, []byte(`"`+ids.InboundID+`"`), []byte(`"`+b.InboundID+`"`))
		out = append(out, bytes.ReplaceAll(text, []byte(`"`+ids.MeshID+`"`), []byte(`"`+b.MeshID+`"`)))
	}
	return out
}

func documentAt(docs []*manifest.Document, pos manifest.Position) (index int) {
	for i, d := range docs {
		if d.File == pos.File && (d.Line < pos.Line || d.Line == pos.Line && d.Before < pos.Column) {
			index = i
		}
	}
	return index
}

// checkSubsequence shows L1: the input is in the output, byte for byte and in order, but for what
// the law names.
func checkSubsequence(t *testing.T, d *manifest.Document, out []byte) {
	t.Helper()
	root, err := d.Root()
	if err != nil {
		t.Fatal(err)
	}

	kept := bytes.Clone(d.Text)
	cut := func(from, to int) {
		for i := from; i < to; i++ {
			kept[i] = 0
		}
	}
	visit(root, func(n *manifest.Node) { cutReplaced(d, n, cut) })
	rest := out
	for i, c := range kept {
		if c == 0 {
			continue
		}
		at := bytes.IndexByte(rest, c)
		if at < 0 {
			t.Fatalf("L1: byte %d of the input is lost\n%s\nin\n%s", i, d.Text, out)
		}

		rest = rest[at+1:]
	}
}

// cutReplaced cuts out what injection may replace beneath a node: the annotations, Service ports,
// empty lists.
func cutReplaced(d *manifest.Document, n *manifest.Node, cut func(from, to int)) {
	node := func(n *manifest.Node) {
		if n != nil {
			cut(extent(d, n))
		}
	}
	if k, v := n.Entry("injector.tyk.io/inject"); k != nil {
		node(k)
		node(v)
		_, status := n.Entry("injector.tyk.io/status")
		node(status)
	}

	if _, version := n.Entry("apiVersion"); n.Get("spec") != nil {
		node(version) // --upgrade-api
	}

	if n.Get("kind").Text() == "Service" {
		for _, p := range n.Get("spec", "ports").Items() {
			node(p)
		}
	}

	for _, key := range []string{"hostAliases", "containers", "initContainers", "volumes", "volumeMounts", "env", "ports", "lifecycle"} {
		k, v := n.Entry(key)
		if k == nil || v.Resolve().Kind != manifest.Scalar && len(v.Resolve().Content) > 0 {
			continue
		}

		if text, ok := d.Behind(v); ok {
			_, from := extent(d, k)
			from += bytes.IndexByte(d.Text[from:], ':') + 1
			cut(from, from+len(text))
		}
	}
}

// extent returns the range of a node's text.
func extent(d *manifest.Document, n *manifest.Node) (from, to int) {
	pos := d.PositionOf(n)
	for range pos.Line - d.Line {
		from += bytes.IndexByte(d.Text[from:], '\n') + 1
	}

	if from == 0 {
		from = len(d.Text) - len(bytes.TrimPrefix(d.Text, []byte("\ufeff")))
	}

	if pos.Line == d.Line {
		pos.Column -= d.Before
	}

	from += len(string([]rune(string(d.Text[from:]))[:pos.Column-1]))
	text, ok := d.Source(n)
	if !ok {
		return from, from
	}

	lines := strings.Split(text, "\n")
	to = from
	for range lines[1:] {
		to += bytes.IndexByte(d.Text[to:], '\n') + 1
	}

	last := strings.TrimLeft(lines[len(lines)-1], " \t")

	return from, to + bytes.Index(d.Text[to:], []byte(last)) + len(last)
}

func visit(n *manifest.Node, f func(*manifest.Node)) {
	if n == nil {
		return
	}
	f(n)
	for _, c := range n.Content {
		visit(c, f)
	}
}
