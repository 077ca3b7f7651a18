package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/cloudflare/cfssl/csr"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
)

// issuer makes certificates as the configuration describes them.
type issuer struct {
	ca.Signer
	names []csr.Name
	key   ca.KeyRequest
	trust ca.Trust
	now   func() time.Time
}

var _ mesh.Issuer = issuer{}

// newIssuer is that of the configured CA: a CFSSL, or a key on this machine.
func newIssuer(c config.Config, o options, trace func(ca.Call)) (mesh.Issuer, error) {
	signer, err := newSigner(c, o, trace)
	if err != nil {
		return nil, err
	}
	return issuerOf(signer, c, o), nil
}

func issuerOf(s ca.Signer, c config.Config, o options) issuer {
	key := ca.KeyRequest{Algo: c.CA.DefaultKeyRequest.A, Size: c.CA.DefaultKeyRequest.S}
	return issuer{Signer: s, names: c.CA.DefaultNames, key: key, trust: c.CA.Trust, now: o.now}
}

func newSigner(c config.Config, o options, trace func(ca.Call)) (ca.Signer, error) {
	if c.CA.KeyPath != "" {
		return newKeySigner(c, o)
	}
	return newCFSSL(c, o, trace)
}

// newKeySigner signs with a key in a file.
func newKeySigner(c config.Config, o options) (*ca.Local, error) {
	signer, err := ca.OpenKey(c.CA.CertPath, c.CA.KeyPath, o.now())
	return signer, caError(c, "CA.keyPath", err)
}

func newCFSSL(c config.Config, o options, trace func(ca.Call)) (*ca.Client, error) {
	client, err := ca.New(ca.Config{
		Addr: c.CA.Addr, Key: c.CA.Key.Reveal(), Profile: c.CA.Profile, CertPath: c.CA.CertPath,
		Secure: c.CA.Secure, SkipCACheck: c.CA.SkipCACheck, TLSRemoteCA: c.CA.TLSRemoteCA,
		MutualTLSCert: c.CA.MutualTLSCert, MutualTLSKey: c.CA.MutualTLSKey, Trace: trace, Now: o.now,
	})
	return client, caError(c, "CA", err)
}

// unfinishedCA returns an error for files of a CA that may not fit together, because ca init or ca
// rotate was broken off. Called after they were read, it also sees a run that began meanwhile.
func unfinishedCA(c config.Config) error {
	for _, file := range []struct{ key, path string }{
		{"CA.certPath", c.CA.CertPath}, {"CA.keyPath", c.CA.KeyPath}, {"CA.bundlePath", c.CA.BundlePath},
	} {
		if file.path == "" {
			continue
		}
		if err := pki.Unfinished(filepath.Dir(file.path)); err != nil {
			return settingError(c, file.key, err)
		}
	}

	return nil
}

// caError returns an error of setting up the CA, at the key that it is about.
func caError(c config.Config, key string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ca.ErrCertPath):
		return settingError(c, "CA.certPath", err)
	}
	return settingError(c, key, err)
}

// Authority returns the CA's certificate.
//
// Errors: those of the signer; pods do not trust it.
func (i issuer) Authority(ctx context.Context) (*x509.Certificate, error) {
	chain, err := i.Chain(ctx)
	if err == nil {
		err = i.trust.Check(chain, i.now())
	}

	if err != nil {
		return nil, err
	}

	return chain[0], nil
}

// Issue makes a key and a certificate for hosts.
func (i issuer) Issue(ctx context.Context, hosts []string) (ca.Bundle, error) {
	return ca.Issue(ctx, i.Signer, ca.Request{Hosts: hosts, Names: i.names, Key: i.key, Trust: i.trust, Now: i.now})
}

// newAuthority warns of certificates that another CA signs than before, where nobody says that pods
// trust it: those that do not refuse them.
func (r *report) newAuthority(c config.Config, plan *mesh.Plan) {
	if former := plan.PreviousCAs(); len(former) > 0 && len(c.CA.Trust) == 0 {
		r.warn(fmt.Sprintf("certificates of %s are replaced by those of another CA, which pods refuse that do not trust it yet: CA.bundlePath says whom they trust, "+
			"and tykmesh ca rotate changes a CA without that", strings.Join(former, ", ")))
	}
}
