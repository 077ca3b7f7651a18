package main

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/check"
	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/explain"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// listsRest is the command that reads the objects of a mesh without a Dashboard from the cluster.
const listsRest = "kubectl get " + liveKinds + " -A -o yaml | tykmesh status -f -"

// issuerSecrets are the keys of the secrets with which certificates are signed and recorded.
var issuerSecrets = []string{config.CAKey, config.CAMongoConnStr}

// probeStandalone checks what tykmesh certs secrets needs in standalone mode.
func probeStandalone(ctx context.Context, c config.Config, s serverFlags, r *report.Run) []check.Result {
	var (
		clocks     check.Clocks
		wait       sync.WaitGroup
		ofCA, ofDB []check.Result
	)
	signs := c.CA.KeyPath != "" || c.CA.Addr != ""
	switch {
	case !c.Certificates():
		return check.Skip(check.PartCA, config.CABundlePath+" is not set: this mesh has no certificates")
	case c.CA.IssuerRef.Name != "":
		ofCA = check.Skip(check.PartCA, config.CAIssuerRef+" is set: cert-manager signs in the cluster, and kubectl get certificates -A shows them")
	case !signs:
		ofCA = check.Skip(check.PartCA, "no issuer is configured: you make the Secrets of services")
	default:
		wait.Go(func() { ofCA = probeIssuer(ctx, c, s, r, &clocks) })
	}

	ofTokens := probeTokens(c)
	if signs || c.CA.TokenKeyPath != "" {
		wait.Go(func() { ofDB = probeLedger(ctx, c, r) })
	}
	wait.Wait()

	return slices.Concat(ofCA, ofTokens, ofDB, clocks.Results())
}

// probeTokens checks whether the two keys of tokens belong together.
func probeTokens(c config.Config) []check.Result {
	const part = "tokens"
	switch {
	case c.CA.TokenPath == "":
		return check.Skip(part, config.CATokenPath+" is not set: all services may call all")
	case c.CA.TokenKeyPath == "":
		return check.Skip(part, config.CATokenKeyPath+" is not set: you make the tokens of services")
	}

	if _, _, err := tokenKey(c); err != nil {
		return check.Fail(part, explain.Setting(c, config.CATokenKeyPath, err))
	}

	return []check.Result{{Part: part, Status: check.OK, Detail: config.CATokenKeyPath + " signs, and " + config.CATokenPath + " verifies"}}
}

// needsDashboard returns the error of a command that has nothing to do in standalone mode. The hint
// is the command to type instead.
func needsDashboard(c config.Config, hint string) error {
	return c.Fail(config.InjectorMode, errors.New("is "+config.ModeStandalone+", and this command is for a mesh with a Dashboard"), hint)
}

// standaloneMesh returns what all pods of a mesh without a Dashboard have in common.
func standaloneMesh(c config.Config) *standalone.Mesh {
	m := &standalone.Mesh{
		Hosts: c.Injector.MeshHosts, Methods: c.Sidecar.Methods,
		Port: c.Sidecar.ListenPort(),
		TLS:  c.Injector.EnableMeshTLS, Certificates: c.Certificates(), Mutual: c.Injector.MutualTLS,
		TokenKey: c.CA.TokenKey,
	}

	for _, authority := range c.CA.Trust {
		m.Authorities = append(m.Authorities, string(ca.EncodeCertificates(authority)))
	}

	if c.CA.IssuerRef.Name != "" {
		m.Issuer = &c.CA.IssuerRef
	}

	return m
}
