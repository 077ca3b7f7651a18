package report

import (
	"fmt"
	"slices"
)

// Printf prints a line for the user at once.
func (r *Run) Printf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.text.lines, format+"\n", args...)
}

// Lastly prints a line for the user after the output. The last one is the summary.
func (r *Run) Lastly(format string, args ...any) {
	r.text.last = append(r.text.last, fmt.Sprintf(format, args...))
}

// PrintError prints lines that -q does not hide.
func (r *Run) PrintError(line string) { fmt.Fprintln(r.text.errors, line) }

// Progress shows on a terminal the current step of the run. "" removes the line.
func (r *Run) Progress(text string) { r.text.line.show(text) }

// Debug logs something for -v.
func (r *Run) Debug(msg string, args ...any) {
	if r.verbose == nil {
		return
	}

	r.mu.Lock() // other lines go to the same stream
	defer r.mu.Unlock()
	r.verbose.Debug(msg, args...)
}

// note adds an event to the report for machines.
func (r *Run) note(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.machine.note(e)
}

// Diagnose reports diagnostics at once.
func (r *Run) Diagnose(all ...Diagnostic) {
	for _, d := range all {
		r.note(d.Event())
		r.Printf("%s", d)
	}
}

// DiagnoseLast reports a diagnostic, to the user after the output.
func (r *Run) DiagnoseLast(d Diagnostic) {
	r.note(d.Event())
	r.Lastly("%s", d)
}

// Remind reports warnings about one thing: to machines each one, and to the user after the output
// as a line with hints. Their messages begin with the subject.
func (r *Run) Remind(subject, line string, hints []string, all ...Diagnostic) {
	for _, d := range all {
		e := d.Event()
		e.Subject = subject
		r.note(e)
	}

	r.Lastly("%s", line)
	for _, hint := range hints {
		r.Lastly("hint: %s", hint)
	}
}

// Warn reports a warning without a code.
func (r *Run) Warn(format string, args ...any) {
	r.Diagnose(Diagnostic{Severity: Warning, Message: fmt.Sprintf(format, args...)})
}

// mostFindings is the number of findings of one code that a terminal shows: a stream without its
// Services has one for each workload.
const mostFindings = 5

// Findings reports the warnings of the checks across the stream: all of them to machines, and the
// first few to the user, with hints that the run has not given yet.
func (r *Run) Findings(all []Diagnostic) {
	count := make(map[string]int)
	var codes []string
	hints := make(map[string][]string) // of each code, each once
	for _, d := range all {
		if count[d.Code]++; count[d.Code] == 1 {
			codes = append(codes, d.Code)
		}
		for _, hint := range d.Hints {
			if !slices.Contains(hints[d.Code], hint) {
				hints[d.Code] = append(hints[d.Code], hint)
			}
		}

		r.note(d.Event())
		if count[d.Code] <= mostFindings || r.verbose != nil {
			r.Printf("%s", d)
		}
	}

	for _, code := range codes {
		if more := count[code] - mostFindings; more > 0 && r.verbose == nil {
			r.Printf("warning %s: %d more, which -v shows", code, more)
		}
		for _, hint := range hints[code] {
			if !slices.Contains(r.text.hints, hint) {
				r.text.hints = append(r.text.hints, hint)
				r.Printf("hint: %s", hint)
			}
		}
	}
}

// Objects notes the annotated objects of the manifests. They are reported at the end, and made
// then: a text without a failure needs none.
func (r *Run) Objects(objects func() []Event) { r.objects = objects }
