package overview

import (
	"fmt"
	"slices"
	"strings"
)

// services writes the services with their facts.
func (d *document) services(all []Service) {
	if len(all) == 0 {
		return
	}

	var facts []string
	for _, s := range all {
		for _, f := range s.Facts {
			if !slices.Contains(facts, f.Title) {
				facts = append(facts, f.Title)
			}
		}
	}

	t := table{titles: []string{"service", "routes"}}
	for _, title := range facts {
		t.titles = append(t.titles, inline(lower(title)))
	}

	t.titles = append(t.titles, "change", "drift")
	for _, s := range all {
		row := []string{code(s.Name()), codes(s.Routes)}
		for _, title := range facts {
			row = append(row, inline(s.fact(title)))
		}
		t.add(append(row, inline(s.Change), sentences(s.Drift))...)
	}

	d.section("Services", len(all))
	d.table(t)
}

// lower returns a title of one word without its capital: "token" for "Token", but "TLS", "APIs" and
// "ConfigMap" as they are.
func lower(title string) string {
	if all := strings.ToLower(title); title != "" && strings.ToLower(title[:1])+title[1:] == all {
		return all
	}
	return title
}

// fact returns the text of a fact; "" without one.
func (s Service) fact(title string) string {
	for _, f := range s.Facts {
		if f.Title == title {
			return f.Text
		}
	}
	return ""
}

// codes returns the first of some texts as code, and the number of the others.
func codes(texts []string) string {
	const shown = 10
	var parts []string
	for _, text := range texts[:min(len(texts), shown)] {
		if span := code(text); span != "" {
			parts = append(parts, span)
		}
	}

	if n := len(texts) - shown; n > 0 {
		parts = append(parts, fmt.Sprintf("%d more", n))
	}

	return strings.Join(parts, ", ")
}
