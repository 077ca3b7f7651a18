package pki

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/internal/file"
)

// Trust is step 1: it makes the CA to come, and pods are to trust it too. rootKey is that of the
// present root where that is not the CA itself; the root changes with the CA then.
//
// Errors: a request that cannot be, the context's, a file that cannot be read.
func (r Rotation) Trust(ctx context.Context, request Request, rootKey crypto.Signer, now time.Time) (Change, error) {
	if err := request.check(r.Intermediate()); err != nil {
		return Change{}, err
	}

	next, files, err := newAuthority(ctx, Options{Request: request, Intermediate: r.Intermediate(), Now: now})
	if err != nil {
		return Change{}, err
	}

	if !r.Intermediate() {
		if rootKey, err = ca.ReadKey(filepath.Join(r.dir, KeyFile)); err != nil {
			return Change{}, err
		}
	}

	files = append(files, next.signing()...)
	if cross := crossSign(next, r.Present.Root(), rootKey, now); cross != nil {
		files = append(files, File{crossFile, public, ca.EncodeCertificates(cross)})
	}

	change := r.change()
	for _, f := range files {
		if f.Name == RequestFile {
			continue // the folder's stays
		}
		f.Name = path.Join(nextFolder, f.Name)
		change.Files = append(change.Files, f)
	}

	return change, errors.Join(r.ignore(&change), r.rebundle(&change, func(bundle []byte) []byte {
		return slices.Concat(bytes.TrimRight(bundle, "\n"), []byte("\n"), ca.EncodeCertificates(next.Root()))
	}))
}

// Sign is step 2: CFSSL is to sign with the CA to come. What it signs goes with that CA's
// certificate as the former one signed it, for pods that do not trust the new one yet.
//
// Errors: files that cannot be read.
func (r Rotation) Sign() (Change, error) {
	change, chain := r.change(), r.Next.chain()
	change.Remove = []string{nextFolder}
	if r.cross != nil { // in the place of the root's own certificate, which only those have any use for who trust it
		chain = append(slices.DeleteFunc(chain, r.Next.Root().Equal), r.cross)
	}

	err := r.replace(&change, r.Next, chain)
	if r.Intermediate() {
		change.Files = append(change.Files, File{path.Join(FormerFolder, RootFile), public, ca.EncodeCertificates(r.Present.Root())})
		err = errors.Join(err, r.copy(&change, File{Name: RootKeyFile, Mode: secret}, ".", FormerFolder))
	}

	for _, f := range []File{{requestCSR, public, nil}, {rootCSR, public, nil}, {RootFile, public, nil}, {RootKeyFile, secret, nil}} {
		err = errors.Join(err, r.copy(&change, f, nextFolder, "."))
	}

	return change, err
}

// Reissue changes an intermediate CA under the root that pods trust, in one step. It is valid no
// longer than that root.
//
// Errors: a request that cannot be, the context's, files that cannot be read.
func (r Rotation) Reissue(ctx context.Context, request Request, rootKey crypto.Signer, now time.Time) (Change, error) {
	if err := request.check(true); err != nil {
		return Change{}, err
	}

	o := Options{Request: request, Now: now}
	members, err := newKeys(ctx, o)
	if err != nil {
		return Change{}, err
	}

	root := member{cert: r.Present.Root(), signer: rootKey}
	m, err := o.certify(members[0], request.CommonName, min(request.Expiry, root.cert.NotAfter.Sub(now)), pathIssuing, &root)
	if err != nil {
		return Change{}, err
	}

	next := Authority{m.cert, m.key, []*x509.Certificate{root.cert}}
	change := r.change(File{requestCSR, public, m.csr})

	return change, errors.Join(r.replace(&change, next, next.chain()), r.ignore(&change))
}

// Settle is step 3: pods are to trust the new CA alone.
//
// Errors: files that cannot be read.
func (r Rotation) Settle() (Change, error) {
	change := r.change(File{ChainFile, public, ca.EncodeCertificates(r.Present.chain()...)})
	return change, r.rebundle(&change, func(bundle []byte) []byte { return without(bundle, r.Former) })
}

// change returns one of the folder as it was read.
func (r Rotation) change(files ...File) Change { return Change{Files: files, seen: r.seen} }

// replace puts another CA in the place of the present one, which is kept.
func (r Rotation) replace(change *Change, next Authority, chain []*x509.Certificate) error {
	for _, f := range r.Present.signing() {
		f.Name = path.Join(FormerFolder, f.Name)
		change.Files = append(change.Files, f)
	}
	change.Files = append(change.Files, next.signing()...)
	change.Files = append(change.Files, File{ChainFile, public, ca.EncodeCertificates(chain...)})
	return r.reserve(change, next)
}

// copy has a file of one folder in another too, if it is there.
func (r Rotation) copy(change *Change, f File, from, to string) (err error) {
	name := f.Name
	f.Text, err = file.Read(filepath.Join(r.dir, from, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	f.Name = path.Join(to, name)
	change.Files = append(change.Files, f)

	return err
}

// crossSign has a root sign the one that follows it, so that those who trust the former accept the
// latter. It is nil where the former root may not sign a CA that has one below it (RFC 5280,
// section 4.2.1.9), or signs nothing any more.
func crossSign(next Authority, root *x509.Certificate, key crypto.Signer, now time.Time) *x509.Certificate {
	of, below := next.Root(), len(next.Above)
	template := &x509.Certificate{
		RawSubject: of.RawSubject,
		NotBefore:  of.NotBefore, NotAfter: earlier(of.NotAfter, root.NotAfter),
		KeyUsage: of.KeyUsage, BasicConstraintsValid: true, IsCA: true, MaxPathLen: below, MaxPathLenZero: below == 0,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, root, of.PublicKey, key)
	if err != nil {
		return nil
	}

	cross, err := x509.ParseCertificate(der)
	if err != nil || !allows(root, below+1) {
		return nil
	}

	// The same way, but that it goes on to the former root.
	way := slices.Concat([]*x509.Certificate{next.Certificate}, next.Above)
	way = append(way[:below], cross, root)
	if (Authority{Certificate: way[0], Above: way[1:]}).verify("", now) != nil {
		return nil
	}

	return cross
}

// allows reports whether so many CAs may stand below a root, one below the other.
func allows(root *x509.Certificate, cas int) bool {
	return root.MaxPathLen < 0 || root.MaxPathLen == 0 && !root.MaxPathLenZero || root.MaxPathLen >= cas
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
