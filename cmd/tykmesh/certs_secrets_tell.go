package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/exit"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/cmd/internal/secrets"
)

// The lines of certs secrets for users are here.

// tellUnissued reports why a run without issuer and token key prints nothing, or returns an error
// that lists the Secrets that users make.
func tellUnissued(c config.Config, identities []secrets.Identity, r *report.Run) error {
	switch {
	case c.CA.IssuerRef.Name != "":
		r.Lastly("nothing to print: cert-manager issues the certificates, and %s is not set, so there are no tokens", config.CATokenKeyPath)
	case !c.Certificates() && c.CA.TokenKey == "":
		r.Lastly("nothing to print: %s is not set, so services have no certificates", config.CABundlePath)
	default:
		return unissued(c, identities)
	}

	return nil
}

// stepsOf returns due Secrets as steps of a report.
func stepsOf(due []secrets.Due) (steps report.Steps) {
	for _, d := range due {
		steps = append(steps, report.Event{
			Action: "issue", Kind: string(d.Kind), Name: d.Subject(), Service: d.Service.String(), Reasons: []string{d.Reason},
		})
	}
	return steps
}

// tellSecrets reports the Secrets of each service that were made, and the number of kept ones.
// byLedger says that the ledger alone tells of the kept ones: it does not know of a Secret's loss.
func tellSecrets(r *report.Run, kept int, byLedger bool) {
	steps := r.Plan.Steps
	for len(steps) > 0 { // those of a service follow each other
		n := slices.IndexFunc(steps, func(s report.Event) bool { return s.Service != steps[0].Service })
		if n < 0 {
			n = len(steps)
		}
		r.Lastly("%s: %s", steps[0].Service, strings.Join(r.Plan.Texts(steps[:n]), ", "))
		steps = steps[n:]
	}

	if counts := r.Plan.Counts(); len(counts) > 0 {
		r.Lastly("%s", strings.Join(counts, ", "))
		return
	}

	text := "nothing is due: " + report.Plural(kept, "Secret") + " kept"
	if byLedger {
		text += ", as the ledger says; if the cluster lacks one: --all"
	}
	r.Lastly("%s", text)
}

// unissued returns the error of a configuration that makes no Secrets. It names those that users
// must make.
func unissued(c config.Config, identities []secrets.Identity) error {
	errs := []error{errors.New("no issuer and no token key are set, so these Secrets are yours to make")}
	for _, id := range identities {
		if c.Certificates() {
			errs = append(errs, errors.New(secrets.Describe(id, secrets.Certificate)))
		}
		if c.CA.TokenKey != "" {
			errs = append(errs, errors.New(secrets.Describe(id, secrets.Token)))
		}
	}

	return &advisedError{
		error: errors.Join(errs...), status: exit.Usage,
		hint: "CA.keyPath or CA.addr lets this command issue certificates, and CA.tokenKeyPath tokens; with CA.issuerRef cert-manager issues certificates",
	}
}
