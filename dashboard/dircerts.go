package dashboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Certificates lists every certificate, in the order of their ids.
//
// Errors: a file without a certificate, or with another certificate than its name says.
func (d *Dir) Certificates(ctx context.Context) (all []Certificate, err error) {
	defer during("listing certificates", &err)
	return readAll(ctx, d.certs(), ".pem", d.readCertificate)
}

// CertificateAPIs returns ErrUnsupported: the listing of a directory is complete, so it shows the
// users of all certificates at once.
func (d *Dir) CertificateAPIs(context.Context, string) ([]CertificateUse, error) {
	return nil, fmt.Errorf("listing the APIs of a certificate: %w", ErrUnsupported)
}

// Certificate reads one certificate.
//
// Errors: ErrNotFound when no certificate has that id.
func (d *Dir) Certificate(_ context.Context, id string) (c Certificate, err error) {
	defer during(fmt.Sprintf("reading certificate %q", id), &err)
	if !isID(id) {
		return Certificate{}, errors.New("not an id")
	}
	if c, err = d.readCertificate(id); errors.Is(err, fs.ErrNotExist) {
		return Certificate{}, ErrNotFound
	}

	return c, err
}

// UploadCertificate writes a certificate with its chain and private key, in PEM, leaf first, and
// returns its id.
//
// Errors: ErrExists, together with the id, when the leaf is stored already; those of CheckBundle.
func (d *Dir) UploadCertificate(ctx context.Context, pem []byte) (id string, err error) {
	defer during("storing certificate", &err)
	if err := cmp.Or(ctx.Err(), CheckBundle(pem, time.Now())); err != nil {
		return "", err
	}
	if id, err = uploadID(d.org, pem); err != nil {
		return "", err
	}
	if err := os.MkdirAll(d.certs(), 0o700); err != nil {
		return "", err
	}

	err = writeNew(d.pem(id), pem, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return id, fmt.Errorf("%s %w", id, ErrExists)
	}
	if err != nil {
		return "", err
	}

	return id, nil
}

// DeleteCertificate deletes a certificate by its id; deleting an absent one succeeds.
func (d *Dir) DeleteCertificate(_ context.Context, id string) (err error) {
	defer during("deleting certificate", &err)
	if !isID(id) {
		return fmt.Errorf("%q is not an id", id)
	}
	return removeFile(d.pem(id))
}

func (d *Dir) certs() string { return filepath.Join(d.path, "certs") }

func (d *Dir) pem(id string) string { return filepath.Join(d.certs(), id+".pem") }

// readCertificate reads certs/<id>.pem. The id must end in the certificate's hash; its organisation
// may be another one.
func (d *Dir) readCertificate(id string) (Certificate, error) {
	b, err := readFile(d.pem(id))
	if err != nil {
		return Certificate{}, err
	}

	c, err := ParseCertificate("", b)
	if err != nil {
		return Certificate{}, fmt.Errorf("%s: %w", d.pem(id), err)
	}
	if !strings.HasSuffix(id, c.ID) {
		return Certificate{}, fmt.Errorf("%s: the file contains the certificate %s", d.pem(id), c.ID)
	}

	c.ID = id

	return c, nil
}
