package inject

import (
	"slices"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Reinject removes the additions of an earlier run, and injects the original manifests with the
// current settings: Uninject and Inject in one step. The output is the same as that of Inject on
// the original documents; positions and patches refer to the documents as they are now.
//
// Problems: those of both; an injected object without a record, because its additions are unknown.
func Reinject(docs []*manifest.Document, s Settings) (*Stream, []Problem) {
	back, problems := Uninject(docs)
	refused := make(map[string]bool)
	for _, o := range back.Objects {
		if o.Outcome == LeftAlone && o.Rule == RuleRecord {
			o.Outcome = Refused
			problems = append(problems, Problem{Rule: o.Rule, Pos: o.Pos, Object: o.Title(), Msg: o.Reason + "; inject the original manifest"})
		}
		refused[o.key()] = o.Outcome == Refused
	}

	var before []*manifest.Document
	for _, d := range back.documents {
		if !d.withdrawn() {
			before = append(before, d.Patched(d.patch))
		}
	}

	stream, more := Inject(before, s)
	for _, o := range stream.Objects {
		if refused[o.key()] {
			o.Outcome = Refused
		}
	}

	stream.documents = back.injectedAgain(stream.documents)
	problems = append(problems, more...)
	SortProblems(docs, problems)

	return stream, problems
}

// key returns a text that no other object of the stream has.
func (o *Object) key() string { return o.Pos.String() + o.Title() }

// withdrawn reports whether a document is an object that emit added and withdraw took out.
func (d document) withdrawn() bool {
	return len(d.Text) > 0 && slices.Equal(d.patch, manifest.Patch{{To: len(d.Text)}})
}

// injectedAgain joins what Uninject changes in documents with what Inject changes in those that are
// left. The additions of emit behind them take the place of those that it made before.
func (s *Stream) injectedAgain(documents []document) (all []document) {
	for _, back := range s.documents {
		again := document{back.Document, &change{patch: back.patch, again: true}}
		if !back.withdrawn() {
			again.patch = back.patch.Then(documents[0].patch)
			again.services, again.mark = documents[0].services, documents[0].mark
			documents = documents[1:]
		}
		all = append(all, again)
	}

	end := len(all)
	for end > 0 && s.documents[end-1].withdrawn() {
		end--
	}

	for _, emitted := range documents {
		if end < len(all) {
			all[end].change = &change{patch: manifest.Patch{{To: len(all[end].Text), Text: emitted.patch[0].Text}}, again: true}
		} else {
			emitted.Document = &manifest.Document{File: all[end-1].File, Number: all[end-1].Number + 1}
			all = append(all, emitted)
		}
		end++
	}

	return all
}
