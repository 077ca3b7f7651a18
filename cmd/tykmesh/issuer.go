package main

import (
	"context"
	"crypto/x509"
	"errors"
	"path/filepath"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/explain"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
)

// issuer issues certificates as the configuration describes them.
type issuer struct {
	ca.Signer
	request ca.Request // without hosts
}

var _ mesh.Issuer = issuer{}

// newIssuer returns the issuer of the configured CA.
func newIssuer(c config.Config, now func() time.Time, trace func(ca.Call)) (mesh.Issuer, error) {
	signer, err := newSigner(c, now, trace)
	if err != nil {
		return nil, err
	}
	return issuerOf(signer, c, now), nil
}

func issuerOf(s ca.Signer, c config.Config, now func() time.Time) issuer {
	key := ca.KeyRequest{Algo: c.CA.DefaultKeyRequest.A, Size: c.CA.DefaultKeyRequest.S}
	return issuer{s, ca.Request{Names: c.CA.DefaultNames, Key: key, Trust: c.CA.Trust, Now: now}}
}

func newSigner(c config.Config, now func() time.Time, trace func(ca.Call)) (ca.Signer, error) {
	signer, err := ca.Open(caSettings(c, now, trace))
	key := "CA"
	if c.CA.KeyPath != "" {
		key = "CA.keyPath"
	}
	return signer, caError(c, key, err)
}

// caSettings returns the section CA of the configuration as package ca takes it.
func caSettings(c config.Config, now func() time.Time, trace func(ca.Call)) ca.Config {
	return ca.Config{
		Addr: c.CA.Addr, Key: c.CA.Key.Reveal(), Profile: c.CA.Profile, CertPath: c.CA.CertPath, KeyPath: c.CA.KeyPath,
		Secure: c.CA.Secure, SkipCACheck: c.CA.SkipCACheck, TLSRemoteCA: c.CA.TLSRemoteCA,
		MutualTLSCert: c.CA.MutualTLSCert, MutualTLSKey: c.CA.MutualTLSKey, Trace: trace, Now: now,
	}
}

// unfinishedCA returns an error for files of a CA that may be inconsistent, because ca init or ca
// rotate was interrupted. Call it after reading them, so that it also notices a run that began
// meanwhile.
func unfinishedCA(c config.Config) error {
	for _, file := range []struct{ key, path string }{
		{"CA.certPath", c.CA.CertPath}, {"CA.keyPath", c.CA.KeyPath}, {"CA.bundlePath", c.CA.BundlePath},
	} {
		if file.path == "" {
			continue
		}
		if err := pki.Unfinished(filepath.Dir(file.path)); err != nil {
			return explain.Setting(c, file.key, err)
		}
	}

	return nil
}

// caError returns an error of opening the CA, with the place of the configuration key.
func caError(c config.Config, key string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ca.ErrCertPath):
		return explain.Setting(c, "CA.certPath", err)
	}
	return explain.Setting(c, key, err)
}

// CA returns the CA's certificate.
//
// Errors: those of the signer; ca.ErrUntrusted.
func (i issuer) CA(ctx context.Context) (*x509.Certificate, error) {
	chain, err := i.Chain(ctx)
	if err == nil {
		err = i.request.Trust.Check(chain, i.request.Now())
	}

	if err != nil {
		return nil, err
	}

	return chain[0], nil
}

// Issue makes a key and a certificate for hosts.
func (i issuer) Issue(ctx context.Context, hosts []string) (ca.Bundle, error) {
	i.request.Hosts = hosts
	return ca.Issue(ctx, i.Signer, i.request)
}

// warnOfNewCA warns if another CA than before signs certificates, and it is not known whether pods
// trust it.
func warnOfNewCA(r *report.Run, c config.Config, todo *plan.Plan) {
	if previous := todo.PreviousCAs(); len(previous) > 0 && len(c.CA.Trust) == 0 {
		r.Warn("another CA replaces certificates of %s; pods that do not trust it yet refuse them: list the CAs that pods trust in CA.bundlePath, "+
			"or change the CA with tykmesh ca rotate", strings.Join(previous, ", "))
	}
}
