package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/check"
	"github.com/tykmesh/tykmesh/cmd/internal/config"
	reports "github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject/display"
)

func newCheckCmd(p process) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check whether inject can work: configuration, Dashboard, CA, ledger, clocks",
		Long: "check checks everything that inject needs, prints a line for each part, and gives hints for the parts that are not ready. Then the\n" +
			"exit status is 3.\n\n" +
			"It leaves nothing behind. It has a certificate signed and discards its key; it writes a record and deletes it. If the listing does\n" +
			"not show whether APIs can share the listen path /, it creates two inactive ones and deletes them.",
		Example: "  tykmesh check\n" +
			"  tykmesh check -o json | jq '.checks[] | select(.status == \"failed\")'",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd, p, runCheck) },
	}

	o.remoteFlags(cmd)
	o.formatFlag(cmd)
	o.reportFlags(cmd)

	return cmd
}

// partConfiguration is the first part.
const partConfiguration = "configuration"

func runCheck(ctx context.Context, p process, o options, report *report) (output, error) {
	c, err := loadConfig(p, o, report)
	var results []check.Result
	if errors.As(err, new(*overwriteError)) {
		return nil, err // a report about it would overwrite the configuration
	}

	if err != nil {
		results = []check.Result{{Part: partConfiguration, Status: check.Failed, Detail: err.Error(), Err: err}}
	} else {
		report.progress("checking ...")
		ctx, watch := watchProgress(ctx, o.timeout)
		defer watch.stop()
		results = append([]check.Result{{Part: partConfiguration, Status: check.OK, Detail: orDash(c.File)}}, probeAll(ctx, c, o, report)...)
		if ctx.Err() != nil {
			return nil, watch.explain(ctx.Err())
		}
	}

	var failed []string
	for _, r := range results {
		if r.Status == check.Failed {
			failed = append(failed, r.Part)
		}
	}

	if len(failed) > 0 {
		report.exit = exitChanges
		report.lastly("not ready: %s", strings.Join(failed, ", "))
	} else {
		report.lastly("ready")
	}

	if o.format == formatJSON {
		return func() error { return writeChecksJSON(p.stdout, results) }, nil
	}

	report.inLog()

	return func() error { return writeChecksTable(p.stdout, results) }, nil
}

// probeAll checks all servers at the same time.
func probeAll(ctx context.Context, c config.Config, o options, report *report) []check.Result {
	if o.local != "" {
		return probeLocal(ctx, c, o)
	}

	var (
		clocks                  clocks
		wait                    sync.WaitGroup
		ofDashboard, ofCA, ofDB []check.Result
	)
	wait.Go(func() { ofDashboard = probeDashboard(ctx, c, o, report, &clocks) })
	wait.Go(func() { ofCA = probeIssuer(ctx, c, o, report, &clocks) })
	wait.Go(func() { ofDB = probeLedger(ctx, c, report) })
	wait.Wait()

	return slices.Concat(ofDashboard, ofCA, ofDB, clocks.results())
}

// skipped returns the result for a part that is not configured.
func skipped(part, why string) []check.Result {
	return []check.Result{{Part: part, Status: check.Skipped, Detail: why}}
}

func failedCheck(part string, err error) []check.Result {
	return []check.Result{{Part: part, Status: check.Failed, Detail: err.Error(), Err: err}}
}

func probeDashboard(ctx context.Context, c config.Config, o options, report *report, clocks *clocks) []check.Result {
	if !c.Injector.CreateRoutes {
		return skipped(check.PartDashboard, "Injector.createRoutes is not on")
	}

	client, err := newDashboard(c, func(q dashboard.Request) {
		report.asked(q)
		clocks.see(check.PartDashboard, q.Date)
	})
	if err != nil {
		return failedCheck(check.PartDashboard, err)
	}

	var certificates check.Certificates
	if c.Injector.EnableMeshTLS {
		certificates = client
	}

	return check.Dashboard(ctx, client, certificates, c.Tyk.Org, meshSettings(c, o).MeshAPIDomain(), c.Tyk.SeesAllAPIs)
}

// untrustedIssuer is an issuer that also issues certificates that pods do not trust: the result for
// the CA reports that, and the key and the signing profile can still be checked.
type untrustedIssuer struct{ issuer }

// Issue makes a key and a certificate for hosts.
func (i untrustedIssuer) Issue(ctx context.Context, hosts []string) (ca.Bundle, error) {
	i.request.Trust = nil
	return i.issuer.Issue(ctx, hosts)
}

func probeIssuer(ctx context.Context, c config.Config, o options, report *report, clocks *clocks) []check.Result {
	settings := caSettings(c, o, nil)
	name := settings.Name()
	if !c.Injector.EnableMeshTLS {
		return skipped(name, "Injector.enableMeshTLS is not on")
	}

	signer, err := newSigner(c, o, func(q ca.Call) {
		report.signed(q)
		clocks.see(name, q.Date)
	})
	if err != nil {
		return failedCheck(name, err)
	}

	results := check.Signing(ctx, signer, untrustedIssuer{issuerOf(signer, c, o)}, c.CA.CertPath != "")
	if settings.KeyPath != "" {
		settings.KeyPath = ""
		results = append(skipped(settings.Name(), "CA.keyPath signs here"), results...)
	}

	return results
}

func probeLedger(ctx context.Context, c config.Config, report *report) []check.Result {
	name := ca.LedgerName(ledgerAddress(c).Reveal())
	if !c.Injector.EnableMeshTLS || !ledgerAddress(c).IsSet() {
		return skipped(name, config.CAMongoConnStr+" is not set: the Dashboard's store shows the certificates")
	}

	var opened ca.Ledger

	results := check.Records(ctx, name, func(ctx context.Context) (_ check.Ledger, err error) {
		opened, err = openLedger(ctx, c, report)
		return tracedLedger{opened, report}, err
	})
	if opened != nil {
		_ = opened.Close(ctx)
	}

	return results
}

// clocks collects the differences of servers' clocks from this one.
type clocks struct {
	mu    sync.Mutex
	ahead map[string]time.Duration // by part
}

// see records the current time of a server's clock.
func (c *clocks) see(part string, date time.Time) {
	if date.IsZero() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ahead == nil {
		c.ahead = make(map[string]time.Duration)
	}

	c.ahead[part] = date.Sub(time.Now().Truncate(time.Second))
}

// The limits for a warning and for an error about clocks: if they differ by more than an issuer
// dates certificates back, new certificates are not valid yet.
const (
	clocksDiffer  = 30 * time.Second
	clocksTooFar  = ca.Backdate
	partClocks    = "clocks"
	clocksUnknown = "no server sent its time"
)

// clockError says that a server's clock is too far from this one.
type clockError struct {
	part  string
	ahead time.Duration
}

func (e *clockError) Error() string { return e.part + "'s clock is " + aheadText(e.ahead) }

// Hint returns the advice to synchronise the clocks.
func (*clockError) Hint() string { return clockHint }

func aheadText(d time.Duration) string {
	if d < 0 {
		return (-d).String() + " behind this one"
	}
	return d.String() + " ahead of this one"
}

func (c *clocks) results() []check.Result {
	if len(c.ahead) == 0 {
		return skipped(partClocks, clocksUnknown)
	}

	result := check.Result{Part: partClocks, Status: check.OK}
	var details []string
	for _, part := range slices.Sorted(maps.Keys(c.ahead)) {
		switch d := c.ahead[part]; {
		case d.Abs() >= clocksTooFar:
			return failedCheck(partClocks, &clockError{part, d})
		case d.Abs() >= clocksDiffer:
			result.Status = check.Warning
			details = append(details, (&clockError{part, d}).Error())
		default:
			details = append(details, part+"'s agrees")
		}
	}

	result.Detail = strings.Join(details, ", ")

	return []check.Result{result}
}

// writeChecksTable writes a line for each check, with its hints below it.
func writeChecksTable(w io.Writer, results []check.Result) error {
	t := newTable(w)
	for _, r := range results {
		lines := detailLines(r)
		t.row(string(r.Status), r.Part, lines[0])
		for _, line := range lines[1:] {
			t.row("", "", line)
		}

		for _, hint := range checkHints(r) {
			t.row("", "", "hint: "+hint)
		}
	}

	return t.flush()
}

// detailLines returns the detail of a check, with a line for each joined error.
func detailLines(r check.Result) []string {
	if r.Err != nil {
		return errorLines(r.Err)
	}
	return []string{r.Detail}
}

// checkHints returns the hints for a check that did not succeed.
func checkHints(r check.Result) []string {
	switch {
	case r.Err != nil:
		return hintsFor(r.Err)
	case r.Part == check.PartCA && r.Status == check.Warning:
		return []string{"set CA.certPath to a file with the certificate of the CA that the mesh trusts, so that no other server can take its place"}
	}
	return nil
}

func writeChecksJSON(w io.Writer, results []check.Result) error {
	type checked struct {
		Part   string       `json:"part"`
		Status check.Status `json:"status"`
		Detail string       `json:"detail"`
		Hints  []string     `json:"hints,omitempty"`
	}

	doc := struct {
		Ready  bool      `json:"ready"`
		Checks []checked `json:"checks"`
	}{Ready: true}
	for _, r := range results {
		doc.Ready = doc.Ready && r.Status != check.Failed
		doc.Checks = append(doc.Checks, checked{r.Part, r.Status, strings.Join(reports.Shown(detailLines(r)), "\n"), reports.Shown(checkHints(r))})
	}

	return writeDocument(w, doc)
}

// writeDocument writes indented JSON.
func writeDocument(w io.Writer, doc any) error {
	enc := json.NewEncoder(display.JSON(w))
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}
