package main

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/check"
	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/exit"
	"github.com/tykmesh/tykmesh/cmd/internal/explain"
	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/overview"
	"github.com/tykmesh/tykmesh/cmd/internal/phase"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/dashboard"
)

func newCheckCmd(p process) *cobra.Command {
	f := &listFlags{}
	f.secrets = issuerSecrets
	c := newCommand(p, &cobra.Command{
		Use:   "check",
		Short: "Check what inject needs: Dashboard, CA, ledger, clocks",
		Long: "check checks everything that inject needs, prints a line for each part, and gives hints for the parts that are not ready. Then the " +
			"exit status is 3.\n\n" +
			"It leaves nothing behind. It has a certificate signed and discards its key; it writes a record and deletes it. If the listing does " +
			"not show whether APIs can share the listen path /, it creates two inactive ones and deletes them.\n\n" +
			"With -o name it prints the parts that are not ready.\n\n" +
			"In standalone mode it checks what tykmesh certs secrets needs: inject asks no server then.",
		Example: "  tykmesh check\n" +
			"  tykmesh check -o json | jq '.checks[] | select(.status == \"failed\")'",
		Args: noArgs,
	}, func(ctx context.Context, p process, r *report.Run) (report.Output, error) {
		return runCheck(ctx, p, f, r)
	})

	f.add(c)

	return c.Command
}

// partConfiguration is the first part.
const partConfiguration = "configuration"

func runCheck(ctx context.Context, p process, f *listFlags, r *report.Run) (report.Output, error) {
	c, err := loadConfig(p, f.configFlags, r)
	var results []check.Result
	if errors.As(err, new(*files.OverwriteError)) {
		return nil, err // a report about it would overwrite the configuration
	}

	if err != nil {
		results = check.Fail(partConfiguration, err)
	} else {
		r.Progress("checking ...")
		ctx, remotely := phase.Begin(ctx, f.timeout, r)
		defer remotely.End()
		results = append([]check.Result{{Part: partConfiguration, Status: check.OK, Detail: cmp.Or(c.File, "no file")}}, probeAll(ctx, c, f.serverFlags, r)...)
		if ctx.Err() != nil {
			return nil, remotely.Explain(ctx.Err())
		}
	}

	checks := explain.Checks(results)
	if failed := checks.Failed(); len(failed) > 0 {
		r.Exit = exit.Changes
		r.Lastly("not ready: %s", strings.Join(failed, ", "))
	} else {
		r.Lastly("ready")
	}

	r.Show(func() overview.Mesh { return checksMesh(checks) })

	return r.Output(checks.List(), f.format), nil
}

// probeAll checks all servers at the same time.
func probeAll(ctx context.Context, c config.Config, s serverFlags, r *report.Run) []check.Result {
	if s.local != "" {
		return check.Local(ctx, check.Directory{
			Path: s.local, Org: c.Tyk.Org, TLS: c.Injector.EnableMeshTLS,
			CA: filepath.Join(s.local, localCADir), Names: c.CA.DefaultNames, Ledger: filepath.Join(s.local, localLedgerFile),
		})
	}

	if c.Standalone() {
		return probeStandalone(ctx, c, s, r)
	}

	var (
		clocks                  check.Clocks
		wait                    sync.WaitGroup
		ofDashboard, ofCA, ofDB []check.Result
	)
	wait.Go(func() { ofDashboard = probeDashboard(ctx, c, s, r, &clocks) })
	wait.Go(func() { ofCA = probeIssuer(ctx, c, s, r, &clocks) })
	wait.Go(func() { ofDB = probeLedger(ctx, c, r) })
	wait.Wait()

	return slices.Concat(ofDashboard, ofCA, ofDB, clocks.Results())
}

func probeDashboard(ctx context.Context, c config.Config, s serverFlags, r *report.Run, clocks *check.Clocks) []check.Result {
	if !c.Injector.CreateRoutes {
		return check.Skip(check.PartDashboard, "Injector.createRoutes is not on")
	}

	client, err := newDashboard(c, func(q dashboard.Request) {
		asked(r, q)
		clocks.See(check.PartDashboard, q.Date)
	})
	if err != nil {
		return check.Fail(check.PartDashboard, err)
	}

	var certificates check.Certificates
	if c.Injector.EnableMeshTLS {
		certificates = client
	}

	settings := meshSettings(c, s)

	return check.Dashboard(ctx, client, certificates, check.Mesh{
		Org: settings.Org, Domain: settings.MeshAPIDomain(), SeesAll: settings.SeesAllAPIs,
		Tag: func(d dashboard.Definition) (string, bool) {
			o, ok := mesh.ClassicOwner(d)
			wanted := mesh.NewWantedAPI(o, settings)
			return wanted.Tag(settings), ok
		},
	})
}

// untrustedIssuer is an issuer that also issues certificates that pods do not trust: the result for
// the CA reports that, and the key and the signing profile can still be checked.
type untrustedIssuer struct{ issuer }

// Issue makes a key and a certificate for hosts.
func (i untrustedIssuer) Issue(ctx context.Context, hosts []string) (ca.Bundle, error) {
	i.request.Trust = nil
	return i.issuer.Issue(ctx, hosts)
}

func probeIssuer(ctx context.Context, c config.Config, s serverFlags, r *report.Run, clocks *check.Clocks) []check.Result {
	settings := caSettings(c, s.now, nil)
	name := settings.Name()
	if !c.Injector.EnableMeshTLS && !c.Standalone() {
		return check.Skip(name, "Injector.enableMeshTLS is not on")
	}

	signer, err := newSigner(c, s.now, func(q ca.Call) {
		signed(r, q)
		clocks.See(name, q.Date)
	})
	if err != nil {
		return check.Fail(name, err)
	}

	results := check.Signing(ctx, signer, untrustedIssuer{issuerOf(signer, c, s.now)}, c.CA.CertPath != "")
	if settings.KeyPath != "" {
		settings.KeyPath = ""
		results = append(check.Skip(settings.Name(), "CA.keyPath signs here"), results...)
	}

	return results
}

func probeLedger(ctx context.Context, c config.Config, r *report.Run) []check.Result {
	name := ledgerName(c)
	if c.Standalone() && !hasLedger(c) {
		return check.Skip("ledger", "neither "+config.CALedgerPath+" nor "+config.CAMongoConnStr+" is set: tykmesh certs secrets issues everything in each run")
	}
	if !c.Injector.EnableMeshTLS && !c.Standalone() || !hasLedger(c) {
		return check.Skip(name, config.CAMongoConnStr+" is not set: the Dashboard's store shows the certificates")
	}

	var opened ca.Ledger

	results := check.Records(ctx, name, func(ctx context.Context) (_ check.Ledger, err error) {
		opened, err = openLedger(ctx, c, r)
		return tracedLedger{opened, r}, err
	})
	if opened != nil {
		_ = opened.Close(ctx)
	}

	return results
}
