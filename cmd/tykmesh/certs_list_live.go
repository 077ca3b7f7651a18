package main

import (
	"context"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/live"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject"
)

// inCluster returns the certificates of a mesh without a Dashboard in live objects: the CAs, and
// the certificates and tokens in the Secrets of services.
func (f *certsListCmd) inCluster(ctx context.Context, p process, r *report.Run) ([]plan.HeldCertificate, error) {
	m, err := readLive(ctx, p, f.liveFlags, r)
	if err != nil {
		return nil, err
	}

	var list []plan.HeldCertificate
	for _, a := range m.Authorities {
		list = append(list, plan.HeldCertificate{
			Use: plan.UseCA, Name: string(plan.UseCA), NotBefore: a.NotBefore, NotAfter: a.NotAfter,
			Issuer: a.Name, SignedBy: plan.SignedByUnknown, State: plan.CertificateActive, Ours: true,
		})
	}

	faults := faultsOf(m)
	for _, s := range m.Services {
		svc := inject.Service{Namespace: s.Namespace, App: s.App}
		if c := s.Certificate; c.Secret != "" {
			row := heldIn(c.Secret, c.State, svc)
			row.ID, row.Hosts, row.NotBefore, row.NotAfter, row.Issuer = c.Fingerprint, c.Hosts, c.NotBefore, c.NotAfter, c.Issuer
			row.Renewal = faults[secretOf{svc, c.Secret}]
			switch {
			case c.Foreign:
				row.SignedBy = plan.SignedByAnotherCA
			case c.Issuer != "" && len(m.Authorities) > 0:
				row.SignedBy = plan.SignedByCurrentCA
			}
			list = append(list, row)
		}

		if t := s.Token; t.Secret != "" {
			row := heldIn(t.Secret, t.State, svc)
			row.Use, row.Name, row.ID = useToken, row.Name+" token", t.Subject
			row.NotBefore, row.NotAfter, row.Renewal = t.Issued, t.Expires, faults[secretOf{svc, t.Secret}]
			list = append(list, row)
		}
	}

	return list, nil
}

// heldIn returns the row of a Secret's content.
func heldIn(secret string, state live.State, svc inject.Service) plan.HeldCertificate {
	row := plan.HeldCertificate{
		Use: plan.UseService, Service: svc, Name: svc.String(), SignedBy: plan.SignedByUnknown, State: plan.CertificateActive, Ours: true,
		UsedBy: []string{"Secret " + secret},
	}
	switch state {
	case live.Missing:
		row.State = "absent" // CertificateMissing is about the Dashboard's store
	case live.Unreadable, live.Unknown:
		row.State = plan.CertificateState(state)
	}

	return row
}

// secretOf names a Secret of a service.
type secretOf struct {
	inject.Service
	name string
}

// faultsOf returns the messages of diagnostics about Secrets.
func faultsOf(m *live.Mesh) map[secretOf]string {
	faults := make(map[secretOf]string)
	for _, d := range m.Diagnostics {
		name, ok := strings.CutPrefix(d.Object, "Secret ")
		if !ok {
			continue
		}
		key := secretOf{inject.Service{Namespace: d.Namespace, App: d.App}, name}
		faults[key] = strings.TrimPrefix(faults[key]+"; "+d.Message, "; ")
	}

	return faults
}
