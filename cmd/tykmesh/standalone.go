package main

import (
	"cmp"
	"errors"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// listsRest is the command that reads the objects of a mesh without a Dashboard from the cluster.
const listsRest = "kubectl get deploy,sts,ds,svc,cm,secret -A -o yaml | tykmesh status -f -"

// needsDashboard returns the error of a command that has nothing to do in standalone mode. hint says
// what to type instead.
func needsDashboard(c config.Config, hint string) error {
	return c.Fail(config.InjectorMode, errors.New("is "+config.ModeStandalone+", and this command is for a mesh with a Dashboard"), hint)
}

// standaloneMesh returns what all pods of a mesh without a Dashboard have in common.
func standaloneMesh(c config.Config) *standalone.Mesh {
	m := &standalone.Mesh{
		Hosts: c.Injector.MeshHosts, Methods: c.Sidecar.Methods,
		Port: cmp.Or(c.Sidecar.PreviousPort, c.Sidecar.ListenPort()),
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
