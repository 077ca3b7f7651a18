package main

import (
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject"
)

// Objects and steps become events of a report here.

// outcomes are the words for outcomes of objects, but for the outcome that is the command's own.
var outcomes = map[inject.Outcome]string{inject.LeftAlone: "left alone", inject.Skipped: "skipped", inject.Refused: "refused"}

func objectEvents(objects []*inject.Object) (events []report.Event) {
	for _, o := range objects {
		events = append(events, objectEvent(o))
	}
	return events
}

func objectEvent(o *inject.Object) report.Event {
	e := report.Event{
		Type: report.TypeObject, Rule: string(o.Rule), File: o.Pos.File, Line: o.Pos.Line, Column: o.Pos.Column, Document: o.Document,
		APIVersion: o.APIVersion, Kind: o.Kind, Namespace: o.Namespace, Name: o.Name,
		Outcome: outcomes[o.Outcome], Change: o.Change, Message: o.Reason, Object: o.String(), Before: string(o.Before), After: string(o.After),
	}
	if o.Warning {
		e.Severity = report.Warning
	}

	if w := o.Workload(); w != nil && w.Service.App != "" {
		e.Service = w.Service.String()
	}

	return e
}
