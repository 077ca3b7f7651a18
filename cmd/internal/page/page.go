// Package page shows a mesh as one HTML file, with a graph in SVG.
//
//	overview.Mesh ──graph──> services or namespaces, calls ──layout──> places ──svg──┐
//	      └────────────────> texts, short and on one line ────> page.html ───────────┴──> HTML
//
// It is pure. Texts come from servers and manifests: html/template and svg escape them all. The
// page loads nothing, and its policy lets no other script run than its own.
package page

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed" // the page's template, style and script
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tykmesh/tykmesh/cmd/internal/overview"
	"github.com/tykmesh/tykmesh/inject/display"
)

// A page is one file that loads nothing: its style and its one script stand in it, and its policy
// (Content Security Policy Level 3) allows these two by their hashes and forbids all else.
var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	pageStyle string
	//go:embed page.js
	pageScript string

	// The template is parsed when the first page is written, because that takes milliseconds.
	parsePage = sync.OnceValues(func() (*template.Template, error) { return template.New("page").Parse(pageText) })
)

// The numbers of rows that a page shows at most, but for services. More would hide the rest.
const (
	mostFindings     = 500
	mostOrphans      = 500
	mostCertificates = 50
	mostCalls        = 500
	mostText         = 600 // characters of one text
)

// view is the mesh of a page.
type view struct{ *overview.Mesh }

// Write writes a mesh as a page.
func Write(w io.Writer, m *overview.Mesh) error {
	t, err := parsePage()
	if err != nil {
		return err
	}

	var b bytes.Buffer
	if err := t.Execute(&b, newPage(view{m})); err != nil {
		return err
	}

	_, err = w.Write(b.Bytes())

	return err
}

// page holds the texts of a page in their order.
type page struct {
	Title, Time string
	Style       template.CSS
	Script      template.JS
	Policy      string

	Counts       []count
	Graph        template.HTML // "" without a graph
	GraphTitle   string
	GraphNotes   []string
	Calls        shortened[string]
	Findings     shortened[pageFinding]
	Columns      []string // of the facts of services
	HasEnds      bool     // services have certificates
	Services     []pageService
	Certificates shortened[pageCertificate]
	Orphans      shortened[overview.Orphan]
	Notes        []string
}

// count is a number in the summary of a page.
type count struct{ Number, What, Class string }

// shortened holds the first rows of a list, and says how many there are in all.
type shortened[T any] struct {
	Rows []T
	All  int
}

// Rest returns the number of rows that are left out.
func (s shortened[T]) Rest() int { return s.All - len(s.Rows) }

func shorten[T any](rows []T, most int) shortened[T] {
	return shortened[T]{rows[:min(len(rows), most)], len(rows)}
}

type (
	pageFinding struct {
		Class, Sign, Severity, Code, Place, Service, Message string
		Hints                                                []string
	}
	pageService struct {
		Class, Sign, State string
		Order              int // of the state in a sorted table: the worst first
		Namespace, App     string
		Routes, Drift      []string
		Facts              []string
		End                pageEnd
	}
	pageCertificate struct {
		Name string
		pageEnd
	}
	// pageEnd is the end of a certificate. Days sorts it.
	pageEnd struct {
		Class, Date, Left string
		Days              int
	}
)

// Text returns the date, and the time that is left.
func (e pageEnd) Text() string {
	if e.Date == "" {
		return e.Left
	}
	return e.Date + " (" + e.Left + ")"
}

// newPage makes all texts of a page short and safe to show. The template makes them safe for HTML.
func newPage(m view) *page {
	p := &page{
		Title: line(cmp.Or(m.Title, "Mesh")), Time: m.Now.UTC().Format("2006-01-02 15:04 MST"),
		Style: template.CSS(pageStyle), Script: template.JS(pageScript), Policy: policy(), //nolint:gosec // both are part of the program
		Orphans: shorten(slices.Clone(m.Orphans), mostOrphans), Notes: lines(m.Notes),
	}
	for i, o := range p.Orphans.Rows {
		p.Orphans.Rows[i] = overview.Orphan{Kind: line(o.Kind), Name: line(o.Name), Reason: line(o.Reason), Command: line(o.Command)}
	}

	p.addGraph(m)
	p.addFindings(m)
	p.addServices(m)
	p.addCertificates(m)
	p.addCounts(m)

	return p
}

// policy returns the policy of the page: nothing is loaded, and nothing runs but its own script.
func policy() string {
	return fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; img-src data:; base-uri 'none'; form-action 'none'", hash(pageStyle), hash(pageScript))
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// line returns a text on one line, cut where it is very long.
func line(text string) string {
	if len(text) > mostText {
		text = cut(text, mostText)
	}
	return display.Line(text)
}

func lines(texts []string) []string {
	safe := make([]string, len(texts))
	for i, text := range texts {
		safe[i] = line(text)
	}
	return safe
}

// addGraph adds the graph, and its calls as a list.
func (p *page) addGraph(m view) {
	g := m.graph()
	if len(g.nodes) == 0 {
		return
	}

	p.Graph, p.GraphTitle = template.HTML(g.svg()), g.title() //nolint:gosec // svg escapes all texts
	for _, note := range []string{g.note, m.CallsNote} {
		if note != "" {
			p.GraphNotes = append(p.GraphNotes, line(note))
		}
	}

	var calls []string
	for _, c := range m.Calls {
		calls = append(calls, line(c.From)+" → "+line(c.To))
	}
	p.Calls = shorten(calls, mostCalls)
}

// addFindings adds errors first, and then warnings.
func (p *page) addFindings(m view) {
	sorted := slices.Clone(m.Findings)
	slices.SortStableFunc(sorted, func(a, b overview.Finding) int { return cmp.Compare(a.Severity, b.Severity) })
	for _, f := range sorted[:min(len(sorted), mostFindings)] {
		state := StateWarning
		if f.Severity == severityError {
			state = StateError
		}

		place := f.File
		if f.Line > 0 {
			place += fmt.Sprintf(":%d", f.Line)
		}
		if f.Object != "" {
			place = strings.TrimPrefix(place+": "+f.Object, ": ")
		}
		p.Findings.Rows = append(p.Findings.Rows, pageFinding{
			stateClass[state], stateSign[state], line(f.Severity), line(f.Code), line(place), line(f.Service), line(f.Message), lines(f.Hints),
		})
	}
	p.Findings.All = len(sorted)
}

// addServices adds the rows of services, with the columns that any of them has.
func (p *page) addServices(m view) {
	column := make(map[string]int)
	for _, s := range m.Services {
		for _, f := range s.Facts {
			if _, known := column[f.Title]; !known {
				column[f.Title] = len(p.Columns)
				p.Columns = append(p.Columns, line(f.Title))
			}
		}
	}

	ends := make(map[string]overview.Certificate, len(m.Certificates))
	for _, c := range m.Certificates {
		ends[c.Name] = c
	}

	state := m.health()
	for _, s := range m.Services {
		h := state[s.Name()]
		row := pageService{
			Class: stateClass[h.State], Sign: stateSign[h.State], State: h.String(), Order: int(StateError - h.State),
			Namespace: line(s.Namespace), App: line(s.App), Routes: lines(s.Routes), Drift: lines(s.Drift), Facts: make([]string, len(p.Columns)),
		}
		for _, f := range s.Facts {
			row.Facts[column[f.Title]] = line(f.Text)
		}
		if c, has := ends[s.Name()]; has {
			p.HasEnds = true
			row.End = m.end(c)
		}
		p.Services = append(p.Services, row)
	}
}

// unknownDays sorts certificates without an end behind the others.
const unknownDays = 1 << 20

// end returns when a certificate ends, as users read it.
func (m view) end(c overview.Certificate) pageEnd {
	days := int(c.NotAfter.Sub(m.Now).Hours() / 24)
	switch {
	case c.Fault != "":
		return pageEnd{Class: stateClass[StateError], Left: line(c.Fault), Days: -unknownDays}
	case c.NotAfter.IsZero():
		return pageEnd{Left: "unknown", Days: unknownDays}
	case m.isOver(c):
		return pageEnd{stateClass[StateError], day(c.NotAfter), "expired", min(days, -1)}
	}

	return pageEnd{"", day(c.NotAfter), plural(days, "day"), days}
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// addCertificates adds the certificates that end first.
func (p *page) addCertificates(m view) {
	var rows []pageCertificate
	for _, c := range m.Certificates {
		rows = append(rows, pageCertificate{line(c.Name), m.end(c)})
	}
	slices.SortStableFunc(rows, func(a, b pageCertificate) int { return cmp.Compare(a.Days, b.Days) })
	p.Certificates = shorten(rows, mostCertificates)
}

// addCounts adds the numbers at the top.
func (p *page) addCounts(m view) {
	var errors, warnings, drifting int
	for _, f := range m.Findings {
		if f.Severity == severityError {
			errors++
		} else {
			warnings++
		}
	}
	for _, s := range m.Services {
		if len(s.Drift) > 0 {
			drifting++
		}
	}

	add := func(n int, what, several, class string) {
		if n != 1 {
			what = several
		}
		if n > 0 || class == "" {
			p.Counts = append(p.Counts, count{fmt.Sprint(n), what, class})
		}
	}
	add(len(m.Services), "service", "services", "")
	add(errors, "error", "errors", stateClass[StateError])
	add(warnings, "warning", "warnings", stateClass[StateWarning])
	add(drifting, "service with differences", "services with differences", stateClass[StateWarning])
	add(len(m.Orphans), "unused object", "unused objects", stateClass[StateAbsent])

	if rows := p.Certificates.Rows; len(rows) > 0 && rows[0].Date != "" && rows[0].Days >= 0 {
		p.Counts = append(p.Counts, count{fmt.Sprint(rows[0].Days), plural(rows[0].Days, "day")[len(fmt.Sprint(rows[0].Days))+1:] + " until a certificate ends", ""})
	}
}
