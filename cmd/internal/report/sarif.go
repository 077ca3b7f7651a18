package report

import (
	"cmp"
	"encoding/json"
	"io"
	"net/url"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/exit"
	"github.com/tykmesh/tykmesh/inject/display"
)

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
		ID    string    `json:"id"`
		Short sarifText `json:"shortDescription"`
		Full  sarifText `json:"fullDescription"`
		Help  sarifText `json:"help"`
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
		Rule      string          `json:"ruleId,omitempty"`
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

// SARIF writes one run for a code scanning service: events with a position as results, others as
// notifications.
type SARIF struct {
	Version string // of tykmesh
	Rules   []RuleText
}

// RuleText explains a code.
type RuleText struct {
	Code              string
	Short, Full, Help string
}

func (s SARIF) Write(w io.Writer, events []Event) error {
	status := *cmp.Or(events[len(events)-1].Exit, new(int))
	run := sarifRun{
		Tool:        sarifTool{sarifDriver{Name: "tykmesh", Version: s.Version}},
		ColumnKind:  "unicodeCodePoints",
		Invocations: []sarifInvocation{{Successful: status == exit.Done || status == exit.Changes, Exit: status}},
		Results:     []sarifResult{},
	}

	for _, r := range s.Rules {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{r.Code, sarifText{r.Short}, sarifText{r.Full}, sarifText{r.Help}})
	}

	for _, e := range noticed(events) {
		e = e.shown()
		if e.Line == 0 {
			run.Invocations[0].Notifications = append(run.Invocations[0].Notifications, sarifNotification{e.Severity, sarifText{e.Text()}})
			continue
		}
		place := sarifPhysical{sarifArtifact{(&url.URL{Path: strings.ReplaceAll(e.File, `\`, "/")}).EscapedPath()}, sarifRegion{e.Line, e.Column}}
		run.Results = append(run.Results, sarifResult{e.Rule, e.Severity, sarifText{e.Text()}, []sarifLocation{{place}}})
	}

	enc := json.NewEncoder(display.JSON(w))
	enc.SetIndent("", " ")

	return enc.Encode(sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}
