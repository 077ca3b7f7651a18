package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/check"
	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/dashboard"
)

// probeLocal checks whether the directory of --local is readable and writable.
func probeLocal(ctx context.Context, c config.Config, o options) (results []check.Result) {
	try := func(part string, f func() (string, error)) {
		detail, err := f()
		if err != nil {
			results = append(results, failedCheck(part, err)...)
			return
		}
		results = append(results, check.Result{Part: part, Status: check.OK, Detail: detail})
	}

	try("directory", func() (string, error) { return writableDirectory(o.local) })
	dir, err := dashboard.OpenDir(o.local, c.Tyk.Org)
	if err != nil {
		return append(results, failedCheck(check.PartAPIs, err)...)
	}

	try(check.PartAPIs, func() (string, error) {
		apis, err := dir.APIs(ctx)
		return fmt.Sprintf("there are %d", len(apis)), err
	})
	if !c.Injector.EnableMeshTLS {
		return results
	}

	try(check.PartCertificates, func() (string, error) {
		stored, err := dir.Certificates(ctx)
		return fmt.Sprintf("there are %d", len(stored)), err
	})
	try(check.PartCA, func() (string, error) {
		folder := filepath.Join(o.local, localCADir)
		if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
			return "will be created on first use", nil
		}
		signer, err := ca.PreviewLocal(folder, c.CA.DefaultNames)
		if err != nil {
			return "", err
		}
		chain, err := signer.Chain(ctx)

		return fmt.Sprintf("%q", chain[0].Subject.CommonName), err
	})

	try(check.PartRecords, func() (string, error) {
		ledger, err := ca.OpenFileLedger(ctx, filepath.Join(o.local, localLedgerFile))
		if err != nil {
			return "", err
		}
		defer ledger.Close(ctx)
		records, err := ledger.Records(ctx)
		return fmt.Sprintf("there are %d", len(records)), err
	})

	return results
}

// writableDirectory creates a file and deletes it: in the directory or, if it does not exist, in
// its nearest parent.
func writableDirectory(dir string) (detail string, err error) {
	there := dir
	for {
		_, err := os.Stat(there)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) || there == filepath.Dir(there) {
			return "", err
		}

		there = filepath.Dir(there)
	}

	f, err := os.CreateTemp(there, ".tykmesh-check-*")
	if err != nil {
		return "", err
	}
	if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		return "", err
	}
	if there != dir {
		return "can be created", nil
	}

	return "writable", nil
}
