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
// left. The additions of emit behind a document take the place of those that it made there before.
func (s *Stream) injectedAgain(documents []document) (all []document) {
	for i := 0; i < len(s.documents); {
		back := s.documents[i]
		again := document{Document: back.Document, change: &change{patch: back.patch, again: true}}
		if !back.withdrawn() {
			again.patch = back.patch.Then(documents[0].patch)
			again.services, again.mark = documents[0].services, documents[0].mark
			documents = documents[1:]
			all = append(all, again)
			i++
		}

		for len(documents) > 0 && documents[0].added {
			emitted := documents[0]
			if i < len(s.documents) && s.documents[i].withdrawn() {
				all = append(all, s.documents[i].replaced(emitted.patch[0].Text))
				i++
			} else {
				last := all[len(all)-1]
				emitted.Document = &manifest.Document{File: last.File, Number: last.Number + 1}
				all = append(all, emitted)
			}
			documents = documents[1:]
		}

		for i < len(s.documents) && s.documents[i].withdrawn() {
			all = append(all, document{Document: s.documents[i].Document, change: &change{patch: s.documents[i].patch, again: true}})
			i++
		}
	}

	return all
}

// replaced returns a document that emit made before with another text.
func (d document) replaced(text string) document {
	return document{Document: d.Document, change: &change{patch: manifest.Patch{{To: len(d.Text), Text: text}}, again: true}}
}
