package overview

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// most is the size from which no further rows are written. GitHub refuses summaries of steps above
// 1 MiB, and GitLab comments above 1,000,000 characters.
const most = 800_000

// Markdown writes the mesh as Markdown, as GitHub and GitLab show it (GitHub Flavored Markdown). It
// leaves out sections and columns without a content, and writes no HTML.
func Markdown(w io.Writer, m Mesh) error {
	d := &document{}
	d.head(m)
	d.parts(m.Parts)
	if slices.ContainsFunc(m.Findings, Finding.isError) {
		d.findings(m)
		d.changes(m.Changes)
	} else {
		d.changes(m.Changes)
		d.findings(m)
	}

	d.graph(m)
	d.services(m.Services)
	d.list("", inlines(m.Notes))
	d.certificates(m.Certificates, m.Now)
	d.orphans(m.Orphans)
	d.objects(m.Objects)

	_, err := io.WriteString(w, d.String())

	return err
}

// document is a text in Markdown.
type document struct{ strings.Builder }

// block writes a block of the text.
func (d *document) block(format string, args ...any) {
	if d.Len() > 0 {
		d.WriteByte('\n')
	}
	fmt.Fprintf(d, format+"\n", args...)
}

// head writes what ran, and how it went.
func (d *document) head(m Mesh) {
	title := inlineWith(m.Title, func([]string) int { return 0 })
	if m.Verdict != "" {
		title += ": " + inline(m.Verdict)
	}

	if title != "" {
		d.block("## %s", title)
	}
	if m.Summary != "" && m.Summary != m.Verdict {
		d.block("%s", inline(m.Summary))
	}
}

// parts writes the parts that a run needs.
func (d *document) parts(all []Part) {
	if len(all) == 0 {
		return
	}

	t := table{titles: []string{"part", "status", "detail", "what to do"}}
	for _, p := range all {
		t.add(inline(p.Name), inline(p.Status), inline(p.Text), sentences(p.Hints))
	}

	d.section("Parts", 0)
	d.table(t)
}

// changes writes the steps of a plan.
func (d *document) changes(all []Change) {
	if len(all) == 0 {
		return
	}

	t := table{titles: []string{"action", "kind", "name", "service", "state", "why"}}
	for _, c := range all {
		t.add(inline(c.Action), inline(c.Kind), code(c.Name), code(cmp.Or(c.Service, "mesh")), inline(c.Status), sentences(c.Reasons))
	}

	d.section("What changes", len(all))
	d.table(t)
}

// sentences returns the first of some texts, and the number of the others.
func sentences(texts []string) string {
	const shown = 6
	var parts []string
	parts = append(parts, inlines(texts[:min(len(texts), shown)])...)

	if n := len(texts) - shown; n > 0 {
		parts = append(parts, fmt.Sprintf("%d more", n))
	}

	return strings.Join(parts, "; ")
}

// isError reports whether a finding is an error.
func (f Finding) isError() bool { return f.Severity == "error" }

// compareFindings puts errors in front of warnings.
func compareFindings(a, b Finding) int {
	switch {
	case a.isError() == b.isError():
		return 0
	case a.isError():
		return -1
	}
	return 1
}

// findings writes the errors and warnings, then the hints, each once, then the meanings of codes.
func (d *document) findings(m Mesh) {
	t := table{titles: []string{"severity", "code", "place", "service", "object", "message"}}
	codes := make(map[string]bool)
	var hints []string
	for _, f := range slices.SortedStableFunc(slices.Values(m.Findings), compareFindings) {
		t.add(inline(f.Severity), code(f.Code), f.markdown(), code(f.Service), inline(f.Object), inline(f.Message))
		if f.Code != "" {
			codes[f.Code] = true
		}

		hints = append(hints, f.Hints...)
	}

	if len(m.Findings) > 0 {
		d.section("Errors and warnings", len(m.Findings))
		d.table(t)
	}

	d.list("What to do:", inlines(unique(append(hints, m.Hints...))))

	var meanings []string
	for _, c := range slices.Sorted(maps.Keys(codes)) {
		meanings = append(meanings, strings.TrimSuffix(code("tykmesh help "+c)+": "+inline(m.Codes[c]), ": "))
	}
	d.list("The codes:", meanings)
}

// unique returns texts in their order, each once.
func unique(texts []string) (out []string) {
	seen := make(map[string]bool)
	for _, text := range texts {
		if !seen[text] {
			seen[text] = true
			out = append(out, text)
		}
	}
	return out
}

// markdown returns the place as a link, if there is one.
func (p Place) markdown() string {
	text := p.File
	if text != "" && p.Line > 0 {
		text += ":" + strconv.Itoa(p.Line)
	}

	text = code(text)
	if p.Link == "" || text == "" {
		return text
	}

	return "[" + text + "](<" + address(p.Link) + ">)"
}

// address returns an address in which no character has a meaning in Markdown.
func address(link string) string {
	var b strings.Builder
	for _, c := range []byte(link) {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~:/?#=%@", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}

	return b.String()
}

// objects writes the objects of the manifests.
func (d *document) objects(all []Object) {
	if len(all) == 0 {
		return
	}

	t := table{titles: []string{"object", "place", "outcome", "what"}}
	for _, o := range all {
		t.add(inline(o.Name), o.markdown(), inline(o.Outcome), inline(o.Text))
	}

	d.section("Manifests", len(all))
	d.table(t)
}

// certificates writes the certificates, the one that ends first in front.
func (d *document) certificates(all []Certificate, now time.Time) {
	if len(all) == 0 {
		return
	}

	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Certificate) int {
		if a.NotAfter.IsZero() != b.NotAfter.IsZero() {
			return cmp.Compare(b.NotAfter.Unix(), a.NotAfter.Unix()) // unknown ends come last
		}
		return a.NotAfter.Compare(b.NotAfter)
	})

	t := table{titles: []string{"certificate of", "ends", "days left", "note"}}
	for _, c := range all {
		end, left := "", ""
		switch {
		case !c.NotAfter.IsZero():
			end, left = c.NotAfter.UTC().Format(time.DateOnly), daysLeft(c.NotAfter, now)
		case c.Note == "" && c.Fault == "":
			end = "unknown"
		}
		t.add(code(c.Name), end, left, inline(cmp.Or(c.Fault, c.Note)))
	}

	d.section("Certificates", len(all))
	d.table(t)
}

// orphans writes the things that the mesh no longer uses.
func (d *document) orphans(all []Orphan) {
	if len(all) == 0 {
		return
	}

	t := table{titles: []string{"kind", "name", "reason", "command"}}
	for _, o := range all {
		t.add(inline(o.Kind), code(o.Name), inline(o.Reason), code(o.Command))
	}

	d.section("Unused objects", len(all))
	d.table(t)
}

// daysLeft returns the days until a time.
func daysLeft(end, now time.Time) string {
	left := end.Sub(now)
	if left < 0 {
		return "expired"
	}
	return strconv.Itoa(int(left.Hours() / 24))
}

// section writes the title of a section, with the number of its rows if it has several.
func (d *document) section(title string, n int) {
	if n > 1 {
		title += fmt.Sprintf(" (%d)", n)
	}
	d.block("### %s", title)
}

// inlines returns texts as Markdown, each on one line.
func inlines(texts []string) (out []string) {
	for _, text := range texts {
		if line := inline(text); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// list writes a list of Markdown under a line.
func (d *document) list(above string, texts []string) {
	if len(texts) == 0 {
		return
	}
	if above != "" {
		d.block("%s", above)
	}

	d.WriteByte('\n')
	for i, text := range texts {
		if d.Len() > most {
			d.leftOut(len(texts) - i)
			return
		}
		fmt.Fprintf(d, "- %s\n", text)
	}
}

// leftOut writes the number of rows for which there was no room.
func (d *document) leftOut(n int) {
	if n == 1 {
		d.block("1 more is left out: the text would become too long.")
	} else {
		d.block("%d more are left out: the text would become too long.", n)
	}
}

// table is a table in Markdown. Its cells are Markdown too.
type table struct {
	titles []string
	rows   [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// table writes a table, without the columns that are empty.
func (d *document) table(t table) {
	var columns []int
	for i := range t.titles {
		if slices.ContainsFunc(t.rows, func(row []string) bool { return row[i] != "" }) {
			columns = append(columns, i)
		}
	}

	if len(columns) == 0 {
		return
	}

	d.WriteByte('\n')
	d.row(t.titles, columns)
	d.WriteString(strings.Repeat("| --- ", len(columns)) + "|\n")
	for i, row := range t.rows {
		if d.Len() > most {
			d.leftOut(len(t.rows) - i)
			return
		}
		d.row(row, columns)
	}
}

// row writes a row of a table.
func (d *document) row(cells []string, columns []int) {
	for _, i := range columns {
		d.WriteString("| ")
		if text := cell(cells[i]); text != "" {
			d.WriteString(text + " ")
		}
	}
	d.WriteString("|\n")
}
