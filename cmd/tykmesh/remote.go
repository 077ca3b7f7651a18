package main

import (
	"context"
	"path/filepath"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/explain"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// inboundTarget is the URL of the app for configured sidecars: the guide's rules redirect port 6767
// of a pod to port 80.
const inboundTarget = "http://localhost:6767"

func injectSettings(c config.Config, f registrationFlags) inject.Settings {
	settings := inject.Settings{
		Namespace: f.namespace, Routes: c.Injector.CreateRoutes, TLS: c.Injector.EnableMeshTLS, Trust: c.CA.Trust.Hash(),
		Namespaced: c.Injector.Slugs == config.SlugsNamespaced, MeshHosts: c.Injector.MeshHosts, ServiceLabels: c.Injector.ServiceLabels,
		Containers: c.Injector.Containers, InitContainers: c.Injector.InitContainers,
		PodTemplates: c.Injector.PodTemplates, PortReferences: c.Injector.PortReferences, OnSkip: onSkip[f.onSkip], Accept: c.Injector.Accept,
		UpgradeAPI: f.upgradeAPI, ServicePorts: c.Injector.ServicePorts, Placeholders: len(c.Placeholders) > 0,
	}

	if c.Standalone() {
		settings.Standalone, settings.TLS = standaloneMesh(c), c.Certificates()
	}

	if c.Injector.EmitCA {
		settings.Authority = string(ca.EncodeCertificates(c.CA.Trust...))
	}

	if len(c.Injector.Containers) == 0 {
		settings.Sidecar, settings.Strict = &c.Sidecar, true
		settings.Sidecar.Authorities = c.CA.Trust.FileNames()
	}

	return settings
}

func meshSettings(c config.Config, s serverFlags) mesh.Settings {
	settings := mesh.Settings{
		Org: c.Tyk.Org, TLS: c.Injector.EnableMeshTLS,
		MeshHosts: c.Injector.MeshHosts, MeshDomain: c.Injector.MeshDomain, Slugs: mesh.Slugs(c.Injector.Slugs),
		MeshCertificateID: c.Injector.MeshCertificateID, SharedRoutes: c.Injector.SharedRoutes, SeesAllAPIs: c.Tyk.SeesAllAPIs,
		InboundTarget: inboundTarget, MeshPort: sidecar.DefaultPort, Parallel: s.parallel, Trusted: c.CA.Trust, Now: s.now,
	}

	if len(c.Injector.Containers) == 0 {
		settings.BuiltIn = &mesh.BuiltIn{MemoryLimit: c.Sidecar.Resources.MemoryLimit, MemoryLimitPos: c.Place(config.SidecarMemoryLimit)}
	}

	if s.local != "" {
		settings.Settle = 1 // no gateway serves the APIs of a directory
		settings.SeesAllAPIs = true
	}

	return settings
}

// trustedFile returns the file with the CAs that pods must trust, as a word of the shell.
func trustedFile(c config.Config, local string) string {
	switch {
	case local != "":
		return shellWord(filepath.Join(local, localCADir, ca.LocalCertificate))
	case c.CA.BundlePath != "":
		return shellWord(c.CA.BundlePath)
	}
	return "FILE"
}

// templates returns the templates of API definitions.
func templates(c config.Config) (*dashboard.Templates, error) {
	if c.Tyk.Templates == "" || !c.Injector.CreateRoutes {
		return dashboard.BuiltinTemplates(), nil
	}
	loaded, err := dashboard.LoadTemplates(c.Tyk.Templates)
	if err != nil {
		return nil, explain.Setting(c, config.TykTemplates, err)
	}

	return loaded, nil
}

// openRemote connects to the configured servers, or to the directory of --local. release is never
// nil.
func openRemote(ctx context.Context, c config.Config, s serverFlags, r *report.Run) (remote mesh.Remote, release func(), err error) {
	release = func() {}
	if err := ctx.Err(); err != nil {
		return remote, release, err
	}

	var ledger ca.Ledger
	if s.local != "" {
		remote, ledger, err = openLocal(ctx, c, s)
	} else {
		remote, ledger, err = openServers(ctx, c, s, r)
	}

	if err == nil && ledger != nil {
		remote.Ledger = tracedLedger{ledger, r}
		release = func() { _ = ledger.Close(ctx) }
	}

	return remote, release, err
}

// openServers connects to the Dashboard, the issuer and the ledger. Without TLS there is no issuer;
// ledger may be nil.
func openServers(ctx context.Context, c config.Config, s serverFlags, r *report.Run) (remote mesh.Remote, ledger ca.Ledger, err error) {
	client, err := newDashboard(c, func(q dashboard.Request) { asked(r, q) })
	if err != nil {
		return remote, nil, err
	}

	remote = mesh.Remote{APIs: client, Certificates: client}
	if !c.Injector.EnableMeshTLS {
		return remote, nil, nil
	}
	if remote.Issuer, err = newIssuer(c, s.now, func(q ca.Call) { signed(r, q) }); err != nil {
		return remote, nil, err
	}
	if hasLedger(c) {
		ledger, err = openLedger(ctx, c, r)
	}

	return remote, ledger, err
}

// hasLedger reports whether a ledger is configured.
func hasLedger(c config.Config) bool { return c.CA.LedgerPath != "" || ledgerAddress(c).IsSet() }

// ledgerName returns the kind of the configured ledger, for messages: "MongoDB".
func ledgerName(c config.Config) string {
	if c.CA.LedgerPath != "" {
		return "ledger"
	}
	return ca.LedgerName(ledgerAddress(c).Reveal())
}

// ledgerAddress returns the address of the configured ledger. Its key is that of tyk-k8s.
func ledgerAddress(c config.Config) config.Secret { return c.CA.MongoConnStr }

// openLedger opens the configured ledger.
func openLedger(ctx context.Context, c config.Config, r *report.Run) (ledger ca.Ledger, err error) {
	defer recorded(r, "connect", "", time.Now(), &err)
	if c.CA.LedgerPath != "" {
		return openLedgerFile(ctx, c)
	}
	return ca.OpenLedger(ctx, ledgerAddress(c).Reveal())
}

// openLedgerFile opens the ledger in the file of CA.ledgerPath.
func openLedgerFile(ctx context.Context, c config.Config) (ca.Ledger, error) {
	ledger, err := ca.OpenFileLedger(ctx, c.CA.LedgerPath)
	if err != nil {
		return nil, explain.Setting(c, config.CALedgerPath, err)
	}
	return ledger, nil
}

func newDashboard(c config.Config, trace func(dashboard.Request)) (*dashboard.Client, error) {
	client, err := dashboard.New(dashboard.Config{
		URL: c.Tyk.URL, Secret: c.Tyk.Secret.Reveal(), Org: c.Tyk.Org, InsecureSkipVerify: c.Tyk.InsecureSkipVerify, Trace: trace,
	})
	if err != nil {
		return nil, explain.Setting(c, config.TykURL, err)
	}
	return client, nil
}

// The files in the directory of --local, beside the APIs and certificates of dashboard.Dir.
const (
	localCADir      = "ca"
	localLedgerFile = "ledger.db"
)

func openLocal(ctx context.Context, c config.Config, s serverFlags) (remote mesh.Remote, ledger ca.Ledger, err error) {
	dir, err := dashboard.OpenDir(s.local, c.Tyk.Org)
	if err != nil {
		return remote, nil, err
	}

	remote = mesh.Remote{APIs: dir, Certificates: dir}
	if !c.Injector.EnableMeshTLS {
		return remote, nil, nil
	}

	open := ca.PreviewLocal
	if s.makesCA {
		open = ca.OpenLocal
	}

	signer, err := open(filepath.Join(s.local, localCADir), c.CA.DefaultNames)
	if err != nil {
		return remote, nil, err
	}

	remote.Issuer = issuerOf(signer, c, s.now)
	ledger, err = ca.OpenFileLedger(ctx, filepath.Join(s.local, localLedgerFile))

	return remote, ledger, err
}

// asked and signed log a request to the Dashboard, and to the issuer, for -v.
func asked(r *report.Run, q dashboard.Request) {
	r.Debug("dashboard", "method", q.Method, "path", q.Path, "status", q.Status, "ms", q.Duration.Milliseconds(), "attempt", q.Attempt)
}

func signed(r *report.Run, q ca.Call) {
	r.Debug(q.Issuer, "server", q.Server, "op", q.Op, "status", q.Status, "ms", q.Duration.Milliseconds())
}
