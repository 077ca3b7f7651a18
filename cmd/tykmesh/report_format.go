package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/display"
)

// reportEntry is an entry of a report for machines: a line of --report json. Empty fields are left
// out.
type reportEntry struct {
	Type     string      `json:"type"` // plan, object, problem, step or summary
	Severity string      `json:"severity,omitempty"`
	Rule     inject.Rule `json:"rule,omitempty"`
	File     string      `json:"file,omitempty"`
	Line     int         `json:"line,omitempty"`
	Column   int         `json:"column,omitempty"` // in characters, from 1

	// Of an object.
	Document   int    `json:"document,omitempty"`
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind,omitempty"` // also of a step: API, certificate or record
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name,omitempty"` // also of a step: the slug, the first host, or the record's id
	Outcome    string `json:"outcome,omitempty"`
	Change     string `json:"change,omitempty"`
	// The level of Pod Security that its pods meet, before and after injection.
	Before inject.Security `json:"podSecurityBefore,omitempty"`
	After  inject.Security `json:"podSecurityAfter,omitempty"`

	Object  string   `json:"object,omitempty"` // of a problem: "document 12 (Deployment shop/web)"
	Message string   `json:"message,omitempty"`
	Hints   []string `json:"hints,omitempty"`

	// Of a planned step, and of its end.
	Status  string         `json:"status,omitempty"` // of an ended step
	Action  string         `json:"action,omitempty"`
	Service string         `json:"service,omitempty"`
	ID      string         `json:"id,omitempty"`
	Record  string         `json:"record,omitempty"`  // of a certificate
	Reasons []string       `json:"reasons,omitempty"` // of a planned step, like changes
	Changes []reportChange `json:"changes,omitempty"`
	Error   string         `json:"error,omitempty"`

	// Of the summary.
	Command string         `json:"command,omitempty"`
	DryRun  bool           `json:"dryRun,omitempty"`
	Steps   map[string]int `json:"steps,omitempty"` // how many were planned, and how they ended; nil without a plan
	Exit    *int           `json:"exit,omitempty"`
}

// reportChange is a field of an API definition that an update changes. Secrets are not shown.
type reportChange struct {
	Path string `json:"path"`
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

const (
	typeObject  = "object"
	typeProblem = "problem"
	typePlan    = "plan"
	typeStep    = "step"
	typeSummary = "summary"

	statusDone    = "done"
	statusNotDone = "not done"
	statusUnknown = "unknown"

	severityError   = "error"
	severityWarning = "warning"
)

func problemEntry(severity string, p inject.Problem) reportEntry {
	e := reportEntry{Type: typeProblem, Severity: severity, Rule: p.Rule, File: p.Pos.File, Line: p.Pos.Line, Column: p.Pos.Column, Object: p.Object, Message: p.Msg}
	if hint := ruleHint(p.Rule); hint != "" {
		e.Hints = []string{hint}
	}
	return e
}

func findingEntry(severity string, f config.Finding) reportEntry {
	e := reportEntry{Type: typeProblem, Severity: severity, File: f.Pos.File, Line: f.Pos.Line, Column: f.Pos.Column}
	if f.Hint != "" {
		e.Hints = []string{f.Hint}
	}
	f.Pos.File, f.Pos.Line = "", 0
	e.Message = f.String()
	return e
}

// outcomes are the words for outcomes of objects, but for the outcome that is the command's own.
var outcomes = map[inject.Outcome]string{inject.LeftAlone: "left alone", inject.Skipped: "skipped", inject.Refused: "refused"}

func objectEntry(o *inject.Object) reportEntry {
	e := reportEntry{
		Type: typeObject, Rule: o.Rule, File: o.Pos.File, Line: o.Pos.Line, Column: o.Pos.Column, Document: o.Document,
		APIVersion: o.APIVersion, Kind: o.Kind, Namespace: o.Namespace, Name: o.Name,
		Outcome: outcomes[o.Outcome], Message: o.Reason, Object: o.String(), Before: o.Before, After: o.After,
	}
	if o.Warning {
		e.Severity = severityWarning
	}

	if w := o.Workload(); w != nil && w.Service.App != "" {
		e.Service = w.Service.String()
	}

	return e
}

func planEntry(s mesh.Step) reportEntry {
	e := stepEntry("", s)
	e.Type, e.Reasons = typePlan, s.Reasons
	for _, c := range s.Changes {
		e.Changes = append(e.Changes, reportChange(c))
	}
	return e
}

func stepEntry(status string, s mesh.Step) reportEntry {
	e := reportEntry{Type: typeStep, Status: status, Action: string(s.Action), Kind: string(s.Kind), Name: s.Name, ID: s.ID, Record: s.Record}
	if s.Service != (inject.Service{}) {
		e.Service = s.Service.String()
	}
	return e
}

// shown returns the entry with safe texts. Names stay unchanged, for programs that look for them:
// JSON escapes them.
func (e reportEntry) shown() reportEntry {
	e.Object, e.Message, e.Error = display.Line(e.Object), display.Line(e.Message), display.Line(e.Error)
	e.Hints, e.Reasons = shownAll(e.Hints), shownAll(e.Reasons)
	e.Changes = slices.Clone(e.Changes)
	for i, c := range e.Changes {
		e.Changes[i] = reportChange{display.Line(c.Path), display.Line(c.From), display.Line(c.To)}
	}
	return e
}

func shownAll(texts []string) (out []string) {
	for _, text := range texts {
		out = append(out, display.Line(text))
	}
	return out
}

// text returns the entry as a text for the user, without its position.
func (e reportEntry) text() string {
	text := e.Message
	if e.Type == typeObject {
		text = e.Outcome + ": " + text
	}

	if e.Object != "" {
		text = e.Object + ": " + text
	}

	return text
}

// reportTarget is the format and the destination of a report.
type reportTarget struct {
	format func(io.Writer, []reportEntry) error // nil: text
	file   string                               // "" is standard error
	live   bool                                 // each entry is written at once: JSON on standard error
	github bool                                 // the run is in a job of GitHub Actions
	err    error                                // of writing the file
}

// onStderr reports whether standard error is for machines.
func (t reportTarget) onStderr() bool { return t.format != nil && t.file == "" }

// parseReport reads the value of --report.
func parseReport(value string) (reportTarget, error) {
	name, file, hasFile := strings.Cut(value, "=")
	t := reportTarget{file: file}
	switch name {
	case "", "text":
	case "json":
		t.format, t.live = writeJSON, !hasFile
	case "github":
		t.format, t.github = writeGitHub, true
	case "sarif":
		t.format = writeSARIF
	default:
		return t, fmt.Errorf("--report: unknown format %q; use text, json, github or sarif", name)
	}

	if hasFile && file == "" {
		return t, fmt.Errorf("--report: no file after %s=", name)
	}

	return t, nil
}

// writeJSON writes one object per line.
func writeJSON(w io.Writer, entries []reportEntry) error {
	b := bufio.NewWriter(w)
	enc := json.NewEncoder(display.JSON(b))
	enc.SetEscapeHTML(false)
	for _, e := range entries {
		if err := enc.Encode(e.shown()); err != nil {
			return err
		}
	}

	return b.Flush()
}

// noticed returns the errors and warnings.
func noticed(entries []reportEntry) (out []reportEntry) {
	for _, e := range entries {
		if e.Severity != "" {
			out = append(out, e)
		}
	}
	return out
}

// writeGitHub writes a workflow command for each error and warning, which GitHub Actions shows
// beside the lines of a change, and the summary for the log.
func writeGitHub(w io.Writer, entries []reportEntry) error {
	b := bufio.NewWriter(w)
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")

	message := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	for _, e := range noticed(entries) {
		var at []string
		if e.File != "" {
			at = append(at, "file="+property.Replace(display.Line(e.File)))
		}

		if e.Line > 0 {
			at = append(at, fmt.Sprintf("line=%d", e.Line), fmt.Sprintf("col=%d", e.Column))
		}

		if e.Rule != "" {
			at = append(at, "title="+property.Replace("tykmesh "+string(e.Rule)))
		}

		text := display.Line(e.text())
		for _, hint := range e.Hints {
			text += "\n" + display.Line("hint: "+hint)
		}

		command := e.Severity
		if len(at) > 0 {
			command += " " + strings.Join(at, ",")
		}

		fmt.Fprintf(b, "::%s::%s\n", command, message.Replace(text))
	}

	if last := entries[len(entries)-1]; last.Message != "" {
		fmt.Fprintln(display.Lines(b), last.Message)
	}

	return b.Flush()
}

// The parts of SARIF 2.1.0 (OASIS) that code scanning services read.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		ColumnKind  string            `json:"columnKind"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID    inject.Rule `json:"id"`
		Short sarifText   `json:"shortDescription"`
		Full  sarifText   `json:"fullDescription"`
		Help  sarifText   `json:"help"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		Exit          int                 `json:"exitCode"`
		Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level   string    `json:"level"`
		Message sarifText `json:"message"`
	}
	sarifResult struct {
		Rule      inject.Rule     `json:"ruleId,omitempty"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		Line   int `json:"startLine"`
		Column int `json:"startColumn"`
	}
)

// writeSARIF writes one run: entries with a position as results, others as notifications.
func writeSARIF(w io.Writer, entries []reportEntry) error {
	exit := *cmp.Or(entries[len(entries)-1].Exit, new(int))
	run := sarifRun{
		Tool:        sarifTool{sarifDriver{Name: "tykmesh", Version: ownVersion()}},
		ColumnKind:  "unicodeCodePoints",
		Invocations: []sarifInvocation{{Successful: exit == exitDone || exit == exitChanges, Exit: exit}},
		Results:     []sarifResult{},
	}

	for _, r := range inject.Rules {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{
			r.Rule, sarifText{r.Text}, sarifText{codeTexts()[r.Rule].Means}, sarifText{codeTexts()[r.Rule].Fix + " " + acceptance(r.Rule)},
		})
	}

	for _, e := range noticed(entries) {
		e = e.shown()
		if e.Line == 0 {
			run.Invocations[0].Notifications = append(run.Invocations[0].Notifications, sarifNotification{e.Severity, sarifText{e.text()}})
			continue
		}
		place := sarifPhysical{sarifArtifact{(&url.URL{Path: strings.ReplaceAll(e.File, `\`, "/")}).EscapedPath()}, sarifRegion{e.Line, e.Column}}
		run.Results = append(run.Results, sarifResult{e.Rule, e.Severity, sarifText{e.text()}, []sarifLocation{{place}}})
	}

	enc := json.NewEncoder(display.JSON(w))
	enc.SetIndent("", " ")

	return enc.Encode(sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}
