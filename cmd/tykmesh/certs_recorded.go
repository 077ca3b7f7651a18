package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/explain"
	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/cmd/internal/phase"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// useToken is the use of tokens in the list of certificates.
const useToken plan.Use = "token"

// recorded returns the certificates of a mesh without a Dashboard: the CAs that pods trust, and the
// certificates and tokens of services in the ledger.
func (f *certsListCmd) recorded(ctx context.Context, p process, c config.Config, r *report.Run) ([]plan.HeldCertificate, error) {
	if !hasLedger(c) {
		return nil, c.Fail(config.InjectorMode, errors.New("is "+config.ModeStandalone+", and no ledger records its certificates; set "+config.CALedgerPath+" for tykmesh certs secrets"),
			"list the certificates in the cluster: "+listsRest)
	}

	ctx, remotely := phase.Begin(ctx, f.timeout, r)
	defer remotely.End()
	records, err := recordsOf(ctx, c, r)
	if err != nil {
		return nil, remotely.Explain(err)
	}

	held := holder{terms: ca.Terms{Now: p.now()}, config: c}
	if held.terms.CA, err = currentCA(c); err != nil {
		return nil, err
	}

	var list []plan.HeldCertificate
	for _, authority := range c.CA.Trust {
		list = append(list, held.authority(authority))
	}

	slices.SortStableFunc(records, func(a, b ca.Record) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.App, b.App), -cmp.Compare(a.Role, b.Role))
	})
	for _, record := range records {
		switch record.Role {
		case ca.RoleWorkload:
			list = append(list, held.certificate(record))
		case ca.RoleToken:
			list = append(list, held.token(record))
		}
	}

	return list, nil
}

// currentCA returns the CA of CA.certPath; nil if that is not set.
func currentCA(c config.Config) (*x509.Certificate, error) {
	if c.CA.CertPath == "" {
		return nil, nil
	}
	text, err := files.ReadConfig(c.CA.CertPath)
	if err != nil {
		return nil, explain.Setting(c, config.CACertPath, err)
	}
	chain, err := ca.ParseTrustBundle(text)
	if err != nil {
		return nil, explain.Setting(c, config.CACertPath, err)
	}

	return chain[0], nil
}

// holder makes the rows of records.
type holder struct {
	terms  ca.Terms
	config config.Config
}

// authority returns the row of a CA that pods trust.
func (h holder) authority(c *x509.Certificate) plan.HeldCertificate {
	row := plan.HeldCertificate{
		Use: plan.UseCA, Name: string(plan.UseCA), NotBefore: c.NotBefore, NotAfter: c.NotAfter,
		Issuer: c.Issuer.CommonName, SignedBy: plan.SignedByCurrentCA, State: plan.CertificateActive, Ours: true,
	}
	if h.terms.CA != nil && !ca.SameCA(c, h.terms.CA) {
		row.SignedBy = plan.SignedByAnotherCA
	}

	return row
}

// certificate returns the row of a certificate.
func (h holder) certificate(r ca.Record) plan.HeldCertificate {
	svc := standalone.Service{Namespace: r.Namespace, App: r.App}
	row := plan.HeldCertificate{
		Use: plan.UseService, Service: inject.Service(svc), Name: inject.Service(svc).String(), ID: r.Fingerprint, Hosts: r.Hosts,
		NotBefore: r.NotBefore, NotAfter: r.Expires, SignedBy: plan.SignedByUnknown, State: plan.CertificateState(r.State), Ours: true,
		UsedBy: []string{"Secret " + standalone.SecretName(svc)},
	}

	leaf, err := r.Leaf()
	if err != nil {
		row.Renewal = "the ledger's record is invalid"
		return row
	}

	row.Issuer, row.SignedBy, row.Renewal = leaf.Issuer.CommonName, plan.SignedByCurrentCA, h.terms.Unusable(leaf, r.Hosts)
	if h.terms.Foreign(leaf) {
		row.SignedBy = plan.SignedByAnotherCA
	}

	return row
}

// token returns the row of a token.
func (h holder) token(r ca.Record) plan.HeldCertificate {
	svc := standalone.Service{Namespace: r.Namespace, App: r.App}
	row := plan.HeldCertificate{
		Use: useToken, Service: inject.Service(svc), Name: inject.Service(svc).String() + " token", ID: r.Fingerprint,
		NotBefore: r.NotBefore, NotAfter: r.Expires, SignedBy: plan.SignedByUnknown, State: plan.CertificateState(r.State), Ours: true,
		UsedBy: []string{"Secret " + standalone.TokenSecretName(svc)},
	}

	switch now := h.terms.Now; {
	case h.config.CA.TokenKey != "" && strings.TrimSpace(h.config.CA.TokenKey) != string(bytes.TrimSpace(r.Certificate)):
		row.Renewal = "signed with another key"
	case now.After(r.Expires):
		row.Renewal = "expired on " + r.Expires.UTC().Format(time.DateOnly)
	case h.terms.Due(r.NotBefore, r.Expires):
		row.Renewal = "expires in " + ca.Days(r.Expires.Sub(now))
	}

	return row
}
