package main

import (
	"context"
	"path/filepath"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// inboundTarget is the URL of the app for configured sidecars: the guide's rules redirect port 6767
// of a pod to port 80.
const inboundTarget = "http://localhost:6767"

func injectSettings(c config.Config, o options) inject.Settings {
	settings := inject.Settings{
		Namespace: o.namespace, Routes: c.Injector.CreateRoutes, TLS: c.Injector.EnableMeshTLS, Trust: c.CA.Trust.Hash(),
		Namespaced: c.Injector.Slugs == config.SlugsNamespaced, MeshHosts: c.Injector.MeshHosts, ServiceLabels: c.Injector.ServiceLabels,
		Containers: c.Injector.Containers, InitContainers: c.Injector.InitContainers,
		PodTemplates: c.Injector.PodTemplates, OnSkip: onSkip[o.onSkip], Accept: c.Injector.Accept,
		UpgradeAPI: o.upgradeAPI, Preserve: c.Injector.ServicePorts == config.ServicePortsPreserve,
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

func meshSettings(c config.Config, o options) mesh.Settings {
	adopt := map[string]bool{}
	for _, slug := range o.adopt {
		adopt[slug] = true
	}

	settings := mesh.Settings{
		Org: c.Tyk.Org, TLS: c.Injector.EnableMeshTLS,
		MeshHosts: c.Injector.MeshHosts, MeshDomain: c.Injector.MeshDomain, Slugs: mesh.Slugs(c.Injector.Slugs),
		MeshCertificateID: c.Injector.MeshCertificateID, SharedRoutes: c.Injector.SharedRoutes, SeesAllAPIs: c.Tyk.SeesAllAPIs,
		InboundTarget: inboundTarget, MeshPort: sidecar.Port, Adopt: adopt, Parallel: o.parallel, Trusted: c.CA.Trust, Now: o.now,
		RenewBefore: time.Duration(o.renew),
	}

	if o.local != "" {
		settings.Settle = 1 // no gateway serves the APIs of a directory
		settings.SeesAllAPIs = true
	}

	return settings
}

// trustedFile returns the file with the CAs that pods must trust, as a word of the shell.
func trustedFile(c config.Config, o options) string {
	switch {
	case o.local != "":
		return shellWord(filepath.Join(o.local, localCADir, ca.LocalCertificate))
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
		return nil, settingError(c, config.TykTemplates, err)
	}

	return loaded, nil
}

// openRemote connects to the configured servers, or to the directory of --local.
func openRemote(ctx context.Context, c config.Config, o options, report *report) (mesh.Remote, func(), error) {
	if err := ctx.Err(); err != nil {
		return mesh.Remote{}, func() {}, err
	}
	if o.local != "" {
		return openLocal(ctx, c, o, report)
	}

	nothing := func() {}
	client, err := newDashboard(c, report.asked)
	if err != nil {
		return mesh.Remote{}, nothing, err
	}

	remote := mesh.Remote{APIs: client, Certificates: client}
	if !c.Injector.EnableMeshTLS {
		return remote, nothing, nil
	}
	if remote.Issuer, err = newIssuer(c, o, report.signed); err != nil {
		return mesh.Remote{}, nothing, err
	}
	if !ledgerAddress(c).IsSet() {
		return remote, nothing, nil
	}

	ledger, err := openLedger(ctx, c, report)
	if err != nil {
		return mesh.Remote{}, nothing, err
	}

	remote.Ledger = tracedLedger{ledger, report}

	return remote, func() { _ = ledger.Close(ctx) }, nil
}

// ledgerAddress returns the address of the configured ledger. Its key is that of tyk-k8s.
func ledgerAddress(c config.Config) config.Secret { return c.CA.MongoConnStr }

func openLedger(ctx context.Context, c config.Config, report *report) (ca.Ledger, error) {
	start := time.Now()
	ledger, err := ca.OpenLedger(ctx, ledgerAddress(c).Reveal())
	report.recorded("connect", "", start, &err)
	return ledger, err
}

func newDashboard(c config.Config, trace func(dashboard.Request)) (*dashboard.Client, error) {
	client, err := dashboard.New(dashboard.Config{
		URL: c.Tyk.URL, Secret: c.Tyk.Secret.Reveal(), Org: c.Tyk.Org, InsecureSkipVerify: c.Tyk.InsecureSkipVerify, Trace: trace,
	})
	if err != nil {
		return nil, settingError(c, config.TykURL, err)
	}
	return client, nil
}

// The files in the directory of --local, beside the APIs and certificates of dashboard.Dir.
const (
	localCADir      = "ca"
	localLedgerFile = "ledger.db"
)

func openLocal(ctx context.Context, c config.Config, o options, report *report) (mesh.Remote, func(), error) {
	nothing := func() {}
	dir, err := dashboard.OpenDir(o.local, c.Tyk.Org)
	if err != nil {
		return mesh.Remote{}, nothing, err
	}

	remote := mesh.Remote{APIs: dir, Certificates: dir}
	if !c.Injector.EnableMeshTLS {
		return remote, nothing, nil
	}

	open := ca.PreviewLocal
	if o.certifies && !o.dryRun && !o.registered {
		open = ca.OpenLocal
	}

	signer, err := open(filepath.Join(o.local, localCADir), c.CA.DefaultNames)
	if err != nil {
		return mesh.Remote{}, nothing, err
	}

	ledger, err := ca.OpenFileLedger(ctx, filepath.Join(o.local, localLedgerFile))
	if err != nil {
		return mesh.Remote{}, nothing, err
	}

	remote.Issuer, remote.Ledger = issuerOf(signer, c, o), tracedLedger{ledger, report}

	return remote, func() { _ = ledger.Close(ctx) }, nil
}
