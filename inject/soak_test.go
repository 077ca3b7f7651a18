package inject_test

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

var (
	soak     = flag.Duration("soak", 0, "how long TestSoak goes on after the lives that it always tries")
	soakSeed = flag.Uint64("soakseed", 0, "the first life that TestSoak tries; 0: those that it always tries, then any")
)

// TestSoak lets manifests live: people write them, change them, have them injected, change what
// came of it, have it injected again, take it back. The laws hold at every moment. A life depends
// on its seed alone, which a failure names.
func TestSoak(t *testing.T) {
	pool, lives, injected := newLines(t), 0, 0
	try := func(seed uint64) {
		lives++
		injected += pool.live(t, seed)
	}

	end := time.Now().Add(*soak)
	if *soakSeed == 0 {
		for seed := range tries(40) {
			try(seed)
		}
		if injected < lives*3/4 {
			t.Fatalf("only %d objects were injected", injected)
		}
		*soakSeed = rand.Uint64()
	}

	for seed := *soakSeed; time.Now().Before(end); seed++ {
		try(seed)
	}

	t.Logf("%d lives, %d objects injected", lives, injected)
}

// lines are what lives are made of: the inputs of the archives, and their lines.
type lines struct {
	inputs [][]byte
	all    []string
}

func newLines(t *testing.T) (l lines) {
	for _, g := range goldens(t) {
		if g.options.Encoding != "" {
			continue // all of them are refused
		}
		for _, in := range g.inputs {
			l.inputs = append(l.inputs, g.options.encode(in.Data))
			l.all = slices.AppendSeq(l.all, strings.Lines(string(in.Data)))
		}
	}

	return l
}

// live tries one life and returns how many objects were injected in it.
func (l lines) live(t *testing.T, seed uint64) (injected int) {
	t.Helper()
	w := &styleWriter{Rand: rand.New(rand.NewPCG(seed, 11))}
	text := w.stream()

	styled := !w.maybe(3)
	if !styled {
		text = l.inputs[w.IntN(len(l.inputs))]
	}

	s := profile(profiles[w.IntN(len(profiles))])
	s.TLS, s.Routes, s.UpgradeAPI, s.Namespaced = w.maybe(2), w.maybe(2), w.maybe(4), w.maybe(4)
	w.setPorts(&s)
	s.OnSkip = []inject.OnSkip{inject.SkipFail, inject.SkipWarn, inject.SkipWarn, inject.SkipIgnore}[w.IntN(4)]
	defer func() {
		if t.Failed() {
			t.Logf("to repeat it: make soak SOAK=1s SOAK_SEED=%d\n%s", seed, text)
		}
	}()
	if styled {
		checkCommutes(t, w, text, s)
	}

	for moment := range 4 {
		if moment > 0 || !styled {
			text = l.edit(w, text)
		}

		now := text
		documents := func() []*manifest.Document { return manifest.Split("f.yaml", now) }
		injected += checkLaws(t, documents, s)
		if s.TLS && !bytes.Contains(text, []byte("injector.tyk.io/record")) { // else more is taken back than what was added last
			checkEmitted(t, documents, s)
		}

		if others := l.edit(w, []byte(neighbours)); !bytes.Contains(others, []byte("injector.tyk.io")) {
			checkNeighbours(t, documents, others, profile("plain"))
		}

		if out, ok := injectText(text, s); ok && w.maybe(2) {
			text = []byte(whole(replaceIDs([][]byte{out}, inject.Binding{InboundID: "5e0000000000000000000005", MeshID: "610000000000000000000006"})))
		}

		if w.maybe(4) {
			text = checkTakenBack(t, text)
		}
	}

	return injected
}

// edit changes a few lines as people do, and as they do by mistake.
func (l lines) edit(w *styleWriter, text []byte) []byte {
	all := slices.Collect(strings.Lines(string(text)))
	for range w.IntN(4) {
		if len(all) < 2 {
			break
		}

		at, other := w.IntN(len(all)), w.IntN(len(all))

		column := len(all[at]) - len(strings.TrimLeft(all[at], " "))
		switch w.IntN(9) {
		case 0:
			all = slices.Delete(all, at, at+1)
		case 1:
			all = slices.Insert(all, at, all[other])
		case 2:
			all = slices.Insert(all, at, l.all[w.IntN(len(l.all))])
		case 3:
			all = slices.Insert(all, at, strings.Repeat(" ", column)+w.pick("# theirs\n", "theirs: 1\n", "- name: theirs\n", "\n", "injector.tyk.io/inject: 'true'\n"))
		case 4:
			all[at], all[other] = all[other], all[at]
		case 5:
			all[at] = " " + all[at]
		case 6:
			all[at] = strings.TrimPrefix(all[at], " ")
		case 7:
			all[at] = strings.TrimRight(all[at], "\r\n") + w.pick(" # theirs\n", " \n", "\r\n", "\n")
		case 8:
			length := min(1+w.IntN(4), len(all)-at)
			moved := slices.Clone(all[at : at+length])
			all = slices.Delete(all, at, at+length)
			all = slices.Insert(all, w.IntN(len(all)+1), moved...)
		}
	}

	return []byte(strings.Join(all, ""))
}

// checkCommutes shows that what injection has no interest in may be changed before or after it: the
// same comes of it, and is taken back to the same.
func checkCommutes(t *testing.T, w *styleWriter, text []byte, s inject.Settings) {
	t.Helper()
	words := [][2]string{
		{"# comment", "# another remark"}, {"# here", "#"}, {"# deeper", "# {[,"}, {"# in brackets", "# ]}"}, {"x: y # z", "z"}, {"-x", "--long=1"}, {"nodeName", "nodeNames"},
	}
	word := words[w.IntN(len(words))]
	change := func(text []byte) []byte { return bytes.ReplaceAll(text, []byte(word[0]), []byte(word[1])) }
	first, ok := injectText(text, s)
	if !ok {
		return
	}

	other, ok := injectText(change(text), s)
	if !ok {
		t.Fatalf("L9: with %q instead of %q it is refused", word[1], word[0])
	}

	same(t, "L9: changed before and after", string(other), string(change(first)))
	same(t, "L2: taken back from what was changed", string(change(text)), string(checkTakenBack(t, change(first))))
}

// checkTakenBack shows that what was taken back once is not changed by doing it again. It returns
// what is left; the text itself if it is refused.
func checkTakenBack(t *testing.T, text []byte) []byte {
	t.Helper()
	back, problems := inject.Uninject(manifest.Split("f.yaml", text))
	if len(problems) > 0 {
		return text
	}

	once := slices.Concat(slices.Collect(back.Texts(nil))...)

	again, problems := inject.Uninject(manifest.Split("f.yaml", once))
	if len(problems) > 0 {
		t.Fatalf("what was taken back is refused: %v\n%s", problems, once)
	}

	same(t, "L2: taken back twice", string(once), whole(slices.Collect(again.Texts(nil))))

	return once
}
