package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/exit"
	"github.com/tykmesh/tykmesh/cmd/internal/overview"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
)

// certsListCmd holds the flags of certs list.
type certsListCmd struct {
	listFlags
	liveFlags
	nameFlags
	expiring span
}

func newCertsListCmd(p process) *cobra.Command {
	f := &certsListCmd{}
	f.secrets = []string{config.CAMongoConnStr}
	c := newCommand(p, &cobra.Command{
		Use:   "list [NAMESPACE/APP | mesh]...",
		Short: "List the certificates of the mesh: their ends, issuers and users",
		Long: "list has a line for each certificate of the mesh: that of the CA, that of the mesh, those of services, other ones on the mesh's APIs, and " +
			"unused ones. It shows when each ends, whether certs renew would replace it, who signed it and which APIs use it.\n\n" +
			"In standalone mode it lists the CAs that pods trust, and the certificates and tokens that certs secrets has recorded in the ledger; " +
			"with -f those in the Secrets of a cluster, whoever issued them, without a configuration.\n\n" +
			"With --expiring it lists only those in use that end within a time, and exits with 3 if there are any: for an alarm. With -o name\n" +
			"it prints the names that certs renew takes.",
		Example: "  tykmesh certs list\n" +
			"  tykmesh certs list --expiring 30d -q || page-on-call\n" +
			"  tykmesh certs renew $(tykmesh certs list --expiring 30d -o name)\n" +
			"  kubectl get " + liveKinds + " -A -o yaml | tykmesh certs list --expiring 7d -f -\n" +
			"  tykmesh certs list -o json | jq '.certificates[] | select(.state == \"orphan\") | .id'",
	}, f.run)

	f.listFlags.add(c)
	f.liveFlags.addBeside(c, &f.listFlags)
	f.nameFlags.others = []string{plan.MeshName}
	f.nameFlags.add(c, &f.listFlags, certificateSettings)
	c.Flags().Var(&f.expiring, "expiring", "list only certificates in use that end within this `TIME`, like 30d; exit with 3 if there are any")
	c.Flags().Lookup("expiring").DefValue = ""
	c.rules = append(c.rules, func() []flagRule {
		return []flagRule{{c.Flags().Changed("expiring") && f.expiring <= 0, "--expiring must be more than 0"}}
	})

	return c.Command
}

func (f *certsListCmd) run(ctx context.Context, p process, r *report.Run) (report.Output, error) {
	if f.liveFlags.given() {
		list, err := f.inCluster(ctx, p, r)
		if err != nil {
			return nil, err
		}
		return f.print(p, list, r)
	}

	c, err := loadConfig(p, f.configFlags, r)
	if err != nil {
		return nil, err
	}
	if c.Standalone() {
		list, err := f.recorded(ctx, p, c, r)
		if err != nil {
			return nil, err
		}
		return f.print(p, list, r)
	}

	settings, err := certificateSettings(c, f.serverFlags)
	if err != nil {
		return nil, err
	}
	there, err := survey(ctx, f.serverFlags, c, settings, r)
	if err != nil {
		return nil, err
	}

	defer there.close()
	list := plan.NewCertificateList(there.snapshot)
	partial, err := there.partial(ctx, f.timeout, r)
	if err != nil {
		return nil, err
	}

	if partial != nil {
		warnOf(r, partial)
	}

	lost := 0
	for _, c := range list {
		if c.Lost() {
			lost++
		}
	}

	warnOfLost(r, lost)

	return f.print(p, list, r)
}

// print reports the certificates that --expiring asks for, and returns the output that prints them.
func (f *certsListCmd) print(p process, list []plan.HeldCertificate, r *report.Run) (report.Output, error) {
	list, err := f.nameFlags.certificates(list)
	if err != nil {
		return nil, err
	}

	if within := time.Duration(f.expiring); within > 0 {
		list = expiring(r, list, p.now().Add(within), f.expiring.String())
	} else if len(list) == 0 {
		r.Lastly("there are no certificates%s", f.inNamespace())
	}

	r.Show(func() overview.Mesh { return overview.Mesh{Now: p.now(), Certificates: heldCertificates(list)} })

	return r.Output(newCertificateList(list, p.now()), f.format), nil
}

// expiring returns the certificates in use that end before a time, and sets the exit status if
// there are any. It warns of those whose end is unknown.
func expiring(r *report.Run, list []plan.HeldCertificate, before time.Time, within string) []plan.HeldCertificate {
	var due []plan.HeldCertificate
	for _, c := range list {
		switch {
		case c.ID == "" && c.Use != plan.UseCA:
			r.Warn("%s has no certificate", c.Name)
		case !c.Serving():
		case c.NotAfter.IsZero():
			r.Warn("certificate %s (%s): its end is unknown", c.ID, c.Name)
		case c.NotAfter.Before(before):
			due = append(due, c)
		}
	}

	if len(due) == 0 {
		r.Lastly("no certificate ends within %s", within)
		return nil
	}

	r.Exit = exit.Changes

	end := "end"
	if len(due) == 1 {
		end = "ends"
	}

	r.Lastly("%s %s within %s", report.Plural(len(due), "certificate"), end, within)

	return due
}

// newCertificateList returns the list of certificates. Its names are those that certs renew takes.
func newCertificateList(list []plan.HeldCertificate, now time.Time) report.List {
	out := report.List{
		Document: newCertificatesDocument(list, now),
		Table:    func(t *report.Table) { writeCertificatesTable(t, list, now) },
	}
	for _, c := range list {
		if c.Ours && (c.Use == plan.UseService || c.Use == plan.UseMesh || c.Use == useToken) {
			out.Names = append(out.Names, cmp.Or(strings.Trim(c.Service.String(), "/"), plan.MeshName))
		}
	}

	return out
}

// writeCertificatesTable writes a line for each certificate.
func writeCertificatesTable(t *report.Table, list []plan.HeldCertificate, now time.Time) {
	if len(list) == 0 {
		return
	}

	short := shortIDs(list)
	columns := report.Columns("NAME", "ENDS", "RENEWAL", "SIGNED BY", "USED BY", "NOTES")
	columns[1].Style, columns[2].Style, columns[5].Style = report.Ends, report.Noted, report.Noted
	t.Head(append(columns, report.WideColumns("BEGINS", "HOSTS", "ALL USERS", "ID")...)...)
	for _, c := range list {
		ends := "-"
		if c.ID != "" || c.Use == plan.UseCA {
			ends = endOf(c.NotAfter, now)
		}
		t.Row(c.Name, ends, orDash(c.Renewal), orDash(c.Issuer), usersOf(c), orDash(notesOn(c, short[c.ID])),
			dateOf(c.NotBefore), orDash(strings.Join(c.Hosts, ", ")), orDash(strings.Join(c.UsedBy, ", ")), orDash(c.ID))
	}
}

// dateOf returns a date; "-" for an unknown time.
func dateOf(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.DateOnly)
}

// usersOf returns the first API that uses a certificate, and how many more do.
func usersOf(c plan.HeldCertificate) string {
	switch n := len(c.UsedBy); n {
	case 0:
		return "-"
	case 1:
		return c.UsedBy[0]
	default:
		return fmt.Sprintf("%s +%d", c.UsedBy[0], n-1)
	}
}

// notesOn returns the remarkable properties of a certificate.
func notesOn(c plan.HeldCertificate, short string) string {
	var notes []string
	switch c.State {
	case plan.CertificateActive:
	case plan.CertificateOrphan:
		notes = append(notes, "orphan "+short)
	case plan.CertificateMissing:
		notes = append(notes, strings.TrimSpace("not in the store "+short))
	case plan.CertificateLegacy:
		notes = append(notes, "made by tyk-k8s")
	default:
		notes = append(notes, string(c.State))
	}

	if c.SignedBy == plan.SignedByAnotherCA {
		notes = append(notes, "not by the current CA")
	}

	if !c.Ours {
		notes = append(notes, "not managed")
	}

	return strings.Join(notes, ", ")
}

// shortIDs returns the beginnings of certificates' fingerprints, as long as it takes to tell them
// apart.
func shortIDs(list []plan.HeldCertificate) map[string]string {
	const fingerprint, least = 64, 12 // hexadecimal digits
	out := make(map[string]string, len(list))
	for length := least; ; length++ {
		seen := make(map[string]bool, len(list))
		for _, c := range list {
			digits := c.ID[max(0, len(c.ID)-fingerprint):]
			out[c.ID] = digits[:min(length, len(digits))]
			seen[out[c.ID]] = true
		}

		if length == fingerprint || len(seen) == len(out) {
			return out
		}
	}
}

// certificatesDocument is the output of certs list -o json. Lists are never null.
type certificatesDocument struct {
	Certificates []listedCertificate `json:"certificates"`
}

type listedCertificate struct {
	Kind      plan.Use              `json:"kind"`
	Name      string                `json:"name"`
	Namespace string                `json:"namespace,omitempty"`
	Service   string                `json:"service,omitempty"`
	ID        string                `json:"id,omitempty"`
	Hosts     []string              `json:"hosts"`
	NotBefore *time.Time            `json:"notBefore,omitempty"`
	Expires   *time.Time            `json:"expires,omitempty"`
	DaysLeft  *int                  `json:"daysLeft,omitempty"` // below 0: expired
	Renewal   string                `json:"renewal,omitempty"`  // why certs renew would replace it
	Issuer    string                `json:"issuer,omitempty"`
	SignedBy  plan.SignedBy         `json:"trust"`
	State     plan.CertificateState `json:"state"`
	Ours      bool                  `json:"ours"`
	UsedBy    []string              `json:"usedBy"`
}

func newCertificatesDocument(list []plan.HeldCertificate, now time.Time) certificatesDocument {
	doc := certificatesDocument{Certificates: []listedCertificate{}}
	for _, c := range list {
		row := listedCertificate{
			Kind: c.Use, Name: c.Name, Namespace: c.Service.Namespace, Service: c.Service.App, ID: c.ID,
			Hosts: append([]string{}, c.Hosts...), NotBefore: timeOf(c.NotBefore), Expires: timeOf(c.NotAfter), Renewal: c.Renewal,
			Issuer: c.Issuer, SignedBy: c.SignedBy, State: c.State, Ours: c.Ours, UsedBy: append([]string{}, c.UsedBy...),
		}
		if !c.NotAfter.IsZero() {
			row.DaysLeft = new(int(math.Floor(c.NotAfter.Sub(now).Hours() / 24)))
		}

		doc.Certificates = append(doc.Certificates, row)
	}

	return doc
}

// timeOf returns nil for an unknown time.
func timeOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC())
}
