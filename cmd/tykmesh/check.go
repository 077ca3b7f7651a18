package main

import (
	"context"
	"crypto/x509"
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
		Short: "Find out whether inject can work: configuration, Dashboard, CFSSL, ledger, clocks",
		Long: "check tests everything that inject needs and prints a line for each part, with a remedy if the part is not ready. The exit status is 3\n" +
			"then.\n\n" +
			"check leaves nothing behind. It writes a record and deletes it, and has a certificate signed whose key it throws away. If the listing\n" +
			"does not show whether two APIs may listen on /, it creates two inactive APIs and deletes them.",
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

// partConfiguration names the part that check tests first.
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
		report.progress("looking at what inject needs ...")
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

// probeAll looks at all servers at the same time.
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
	wait.Go(func() { ofCA = probeCFSSL(ctx, c, o, report, &clocks) })
	wait.Go(func() { ofDB = probeMongo(ctx, c, report) })
	wait.Wait()

	return slices.Concat(ofDashboard, ofCA, ofDB, clocks.results())
}

// skipped returns a part that the configuration does not ask for.
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

// checkedCFSSL is a CFSSL that makes certificates as the configuration describes them, whoever
// trusts them.
type checkedCFSSL struct {
	*ca.Client
	issuer issuer
}

func (c checkedCFSSL) Authority(ctx context.Context) (*x509.Certificate, error) {
	return c.issuer.Authority(ctx)
}

func (c checkedCFSSL) Issue(ctx context.Context, hosts []string) (ca.Bundle, error) {
	trusting := c.issuer
	trusting.trust = nil
	return trusting.Issue(ctx, hosts)
}

func probeCFSSL(ctx context.Context, c config.Config, o options, report *report, clocks *clocks) []check.Result {
	if !c.Injector.EnableMeshTLS {
		return skipped(check.PartCFSSL, "Injector.enableMeshTLS is not on")
	}

	if c.CA.KeyPath != "" {
		signer, err := newKeySigner(c, o)
		if err != nil {
			return failedCheck(check.PartCA, err)
		}
		return append(skipped(check.PartCFSSL, "CA.keyPath signs here"), check.Key(ctx, issuerOf(signer, c, o))...)
	}

	client, err := newCFSSL(c, o, func(q ca.Call) {
		report.signed(q)
		clocks.see(check.PartCFSSL, q.Date)
	})
	if err != nil {
		return failedCheck(check.PartCFSSL, err)
	}

	return check.CFSSL(ctx, checkedCFSSL{client, issuerOf(client, c, o)}, c.CA.CertPath != "")
}

func probeMongo(ctx context.Context, c config.Config, report *report) []check.Result {
	if !c.Injector.EnableMeshTLS || !c.CA.MongoConnStr.IsSet() {
		return skipped(check.PartMongoDB, "CA.mongoConnStr is not set: the Dashboard's store tells which certificates there are")
	}

	var opened *ca.MongoLedger

	results := check.MongoDB(ctx, func(ctx context.Context) (_ check.Ledger, err error) {
		opened, err = openMongo(ctx, c, report)
		return tracedLedger{opened, report}, err
	})
	if opened != nil {
		_ = opened.Close(ctx)
	}

	return results
}

// clocks collects how far servers' clocks are from this one.
type clocks struct {
	mu    sync.Mutex
	ahead map[string]time.Duration // by part
}

// see notes what a server's clock said just now.
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

// How far clocks may be apart. CFSSL dates certificates back by five minutes, so that beyond that a
// new one is not valid yet where it is needed (cfssl, signer.FillTemplate).
const (
	clocksDiffer  = 30 * time.Second
	clocksTooFar  = 5 * time.Minute
	partClocks    = "clocks"
	clocksUnknown = "no server told its time"
)

// clockError says that a server's clock is too far from this one.
type clockError struct {
	part  string
	ahead time.Duration
}

func (e *clockError) Error() string { return e.part + "'s clock is " + aheadText(e.ahead) }

// Hint is what to set.
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

// writeChecksTable writes a line for each check, and below it what to do about it.
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

// detailLines returns the detail of a check: an error has a line for each of its own.
func detailLines(r check.Result) []string {
	if r.Err != nil {
		return errorLines(r.Err)
	}
	return []string{r.Detail}
}

// checkHints are what to do about a check; nothing where it went well.
func checkHints(r check.Result) []string {
	switch {
	case r.Err != nil:
		return hintsFor(r.Err)
	case r.Part == check.PartCA && r.Status == check.Warning:
		return []string{"CA.certPath names a file with the certificate that the mesh is to trust, so that no other CFSSL can take this one's place"}
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
