// Package explain turns the errors and findings of all packages into diagnostics: what failed,
// where, and what to try next.
//
//	inject.Problem  ──Problem──┐
//	config.Finding  ──Finding──┼──> report.Diagnostic
//	check.Result    ──Checks───┤
//	any error       ──Failure──┘    with the hints of the error itself (Hint), and of this package
//
// Packages that know nothing of the command line return plain errors. The hints about those name
// commands, flags and keys of the configuration, so they are here.
package explain

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/apply"
	"github.com/tykmesh/tykmesh/cmd/internal/check"
	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject"
)

// Problem returns a finding in manifests as a diagnostic.
func Problem(severity string, p inject.Problem) report.Diagnostic {
	d := report.Diagnostic{Code: string(p.Rule), Severity: severity, Pos: p.Pos, Object: p.Object, Message: p.Msg}
	if hint := problemHint(p); hint != "" {
		d.Hints = []string{hint}
	}
	return d
}

// Warnings returns findings in manifests as warnings.
func Warnings(problems []inject.Problem) (all []report.Diagnostic) {
	for _, p := range problems {
		all = append(all, Problem(report.Warning, p))
	}
	return all
}

// ConfigWarnings returns findings in the configuration as warnings.
func ConfigWarnings(findings []config.Finding) (all []report.Diagnostic) {
	for _, f := range findings {
		all = append(all, Finding(report.Warning, f))
	}
	return all
}

// Finding returns a finding in the configuration as a diagnostic.
func Finding(severity string, f config.Finding) report.Diagnostic {
	d := report.Diagnostic{Severity: severity, Pos: f.Pos}
	if f.Hint != "" {
		d.Hints = strings.Split(f.Hint, "\n")
	}

	f.Pos.File, f.Pos.Line = "", 0
	d.Message = f.String()

	return d
}

// Checks returns the results of checks as diagnostics, each with a line for each joined error.
func Checks(results []check.Result) (all report.Checks) {
	for _, r := range results {
		d := report.Diagnostic{Severity: string(r.Status), Object: r.Part}
		lines := []string{r.Detail}
		switch {
		case r.Err != nil:
			lines, d.Hints = Lines(r.Err), Hints(r.Err)
		case r.Part == check.PartCA && r.Status == check.Warning:
			d.Hints = []string{"set CA.certPath to a file with the certificate of the CA that the mesh trusts, so that no other server can take its place"}
		}

		d.Message = strings.Join(report.Shown(lines), "\n")
		all = append(all, d)
	}

	return all
}

// Failure returns the reasons why a run failed.
func Failure(err error) (f report.Failure) {
	refused, wrong := Refusal(nil), config.Error(nil)
	switch {
	case errors.As(err, &refused):
		for _, p := range refused {
			f.Diagnostics = append(f.Diagnostics, Problem(report.Error, p))
		}
		f.Hints = hintsOf(refused)
	case errors.As(err, &wrong):
		for _, finding := range wrong {
			f.Diagnostics = append(f.Diagnostics, Finding(report.Error, finding))
		}
	default:
		for _, fault := range Faults(err) {
			f.Diagnostics = append(f.Diagnostics, report.Diagnostic{Severity: report.Error, Message: fault.Line, Hints: fault.hints()})
		}
		f.Steps = steps(err)
	}

	f.Hints = append(f.Hints, Hints(err)...)

	return f
}

// steps returns how far a run came, and how far it did not.
func steps(err error) (lines []string) {
	add := func(status string, steps []plan.Step) {
		for _, s := range steps {
			lines = append(lines, status+": "+strings.Join([]string{string(s.Action), string(s.Kind), s.Name}, " "))
		}
	}
	if incomplete := (*apply.Incomplete)(nil); errors.As(err, &incomplete) && incomplete.Partial() {
		add(report.StatusDone, incomplete.Done)
		add(report.StatusNotDone, incomplete.NotDone)
		add(report.StatusUnknown, incomplete.Unknown)
	}

	if late := (*report.UnprintedError)(nil); errors.As(err, &late) {
		for _, step := range late.Done {
			lines = append(lines, report.StatusDone+": "+step)
		}
	}

	var own interface{ Steps() []string }
	if errors.As(err, &own) {
		lines = append(lines, own.Steps()...)
	}

	return lines
}

// Setting returns an error about a key, found when its value was used.
func Setting(c config.Config, key string, err error) error {
	return c.Fail(key, err, strings.Join(Hints(err), "; "))
}

// LeftBehind returns the warning about n replaced certificates that could not be deleted, with the
// reason of the first.
func LeftBehind(n int, reason error) string {
	var partial *apply.PartialError
	var unproved *apply.UnprovedError
	certificates := report.Plural(n, "replaced certificate")
	switch {
	case errors.As(reason, &partial):
		return fmt.Sprintf("%s kept: %v, and another API may use them; %s", certificates, partial, apply.RightKey)
	case errors.As(reason, &unproved):
		return fmt.Sprintf("%s kept: %v; %s", certificates, unproved, apply.RightKey)
	}

	return fmt.Sprintf("%s could not be deleted: %v; no API uses them; the next run or tykmesh certs prune deletes them", certificates, reason)
}
