package check

import (
	"context"
	"fmt"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/dashboard"
)

// Directory takes the place of the servers.
type Directory struct {
	Path, Org  string
	TLS        bool
	CA, Ledger string // below Path
	Names      []ca.Name
}

// Local checks whether a directory is readable and writable.
func Local(ctx context.Context, d Directory) []Result {
	var l list
	l.try("directory", func() (string, error) { return files.TryDirectory(d.Path) })
	dir, err := dashboard.OpenDir(d.Path, d.Org)
	if err != nil {
		l.fail(PartAPIs, err)
		return l.results
	}

	l.try(PartAPIs, func() (string, error) {
		apis, err := dir.APIs(ctx)
		return fmt.Sprintf("there are %d", len(apis)), err
	})
	if !d.TLS {
		return l.results
	}

	l.try(PartCertificates, func() (string, error) {
		stored, err := dir.Certificates(ctx)
		return fmt.Sprintf("there are %d", len(stored)), err
	})
	l.try(PartCA, func() (string, error) {
		if !files.Exists(d.CA) {
			return "will be created on first use", nil
		}
		signer, err := ca.PreviewLocal(d.CA, d.Names)
		if err != nil {
			return "", err
		}
		chain, err := signer.Chain(ctx)

		return fmt.Sprintf("%q", chain[0].Subject.CommonName), err
	})

	l.try(PartRecords, func() (string, error) {
		ledger, err := ca.OpenFileLedger(ctx, d.Ledger)
		if err != nil {
			return "", err
		}
		defer ledger.Close(ctx)
		records, err := ledger.Records(ctx)
		return fmt.Sprintf("there are %d", len(records)), err
	})

	return l.results
}
