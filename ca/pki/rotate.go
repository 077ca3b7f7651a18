package pki

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/internal/file"
)

// Trust takes step 1: it makes the next CA, with a root of its own if the current one is under a
// root, and adds it to the CAs that pods trust. rootKey is the key of the current root.
//
// Errors: *EditedError for any manifest, because a later step would refuse it; an invalid request;
// the context's; a file that cannot be read.
func (r Rotation) Trust(ctx context.Context, request Request, rootKey crypto.Signer, now time.Time) (Change, error) {
	if err := errors.Join(request.check(r.Intermediate()), r.checkUnedited(KeysFile, TrustFile, ServerFile)); err != nil {
		return Change{}, err
	}

	next, files, err := newCA(ctx, Options{Request: request, Intermediate: r.Intermediate(), Now: now}, nil)
	if err != nil {
		return Change{}, err
	}

	change := r.change()
	change.add(nextDir, files...)
	change.add(nextDir, next.signing()...)
	if cross := crossSign(next, r.Current.Root(), rootKey, now); cross != nil {
		change.add(nextDir, File{crossFile, public, ca.EncodeCertificates(cross)})
	}

	return change, errors.Join(r.ignore(&change), r.rebundle(&change, func(bundle []byte) []byte {
		return slices.Concat(bytes.TrimRight(bundle, "\n"), []byte("\n"), ca.EncodeCertificates(next.Root()))
	}))
}

// Sign takes step 2: CFSSL signs with the next CA. The certificates that it signs are sent along
// with that CA's certificate as the current CA signed it, for pods that do not trust the next CA
// yet.
//
// Errors: *EditedError; files that cannot be read.
func (r Rotation) Sign() (Change, error) {
	change, chain := r.change(), r.Next.chain()
	change.Remove = []string{nextDir}
	if r.cross != nil { // replaces the root's own certificate: only pods that trust the root could use that
		chain = append(slices.DeleteFunc(chain, r.Next.Root().Equal), r.cross)
	}

	err := r.replace(&change, r.Next, chain)
	if r.Intermediate() {
		change.add(PreviousDir, File{RootFile, public, ca.EncodeCertificates(r.Current.Root())})
		err = errors.Join(err, r.copy(&change, File{Name: RootKeyFile, Mode: secret}, "", PreviousDir))
	}

	for _, f := range []File{{requestCSR, public, nil}, {rootCSR, public, nil}, {RootFile, public, nil}, {RootKeyFile, secret, nil}} {
		err = errors.Join(err, r.copy(&change, f, nextDir, ""))
	}

	return change, err
}

// Reissue replaces an intermediate CA under the root that pods trust, in one step. The new CA
// expires with that root at the latest.
//
// Errors: *EditedError; an invalid request; the context's; files that cannot be read.
func (r Rotation) Reissue(ctx context.Context, request Request, rootKey crypto.Signer, now time.Time) (Change, error) {
	if err := errors.Join(request.check(true), r.checkUnedited(KeysFile, ServerFile)); err != nil {
		return Change{}, err
	}

	root := &member{cert: r.Current.Root(), signer: rootKey}
	next, files, err := newCA(ctx, Options{Request: request, Now: now}, root)
	if err != nil {
		return Change{}, err
	}

	change := r.change(files...)

	return change, errors.Join(r.replace(&change, next, next.chain()), r.ignore(&change))
}

// Settle takes step 3: pods trust the new CA alone.
//
// Errors: *EditedError; files that cannot be read.
func (r Rotation) Settle() (Change, error) {
	change := r.change(File{ChainFile, public, ca.EncodeCertificates(r.Current.chain()...)})
	return change, r.rebundle(&change, func(bundle []byte) []byte { return without(bundle, r.Previous) })
}

// change returns a change of the directory as it was read.
func (r Rotation) change(files ...File) Change { return Change{Files: files, seen: r.seen} }

// replace replaces the current CA by another one, keeps the current one as the previous, and makes
// the manifests of CFSSL anew.
func (r Rotation) replace(change *Change, next CA, chain []*x509.Certificate) error {
	change.add(PreviousDir, r.Current.signing()...)
	change.add("", next.signing()...)
	change.add("", File{ChainFile, public, ca.EncodeCertificates(chain...)})

	return errors.Join(
		r.remake(change, KeysFile, func(v *values) { v.Key = string(next.Key) }),
		r.remake(change, ServerFile, func(v *values) {
			v.Cert, v.Hash = string(ca.EncodeCertificates(next.Certificate)), servedHash(next, []byte(r.files.Config))
		}),
	)
}

// copy adds a copy of a file to a change, from one directory to another, if the file exists.
func (r Rotation) copy(change *Change, f File, from, to string) (err error) {
	f.Text, err = file.Read(f.in(filepath.Join(r.dir, from)))
	if err == nil {
		change.add(to, f)
	}
	return gone(err)
}

// crossSign returns the next root's certificate, signed by the current root, so that pods that
// trust the current root accept the next one. It returns nil if the current root has expired, or
// may not sign a CA that has another CA below it (RFC 5280, section 4.2.1.9).
func crossSign(next CA, root *x509.Certificate, key crypto.Signer, now time.Time) *x509.Certificate {
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

	// The path from the next CA to its root, prolonged to the current root.
	way := slices.Concat([]*x509.Certificate{next.Certificate}, next.Above)
	way = append(way[:below], cross, root)
	if (CA{Certificate: way[0], Above: way[1:]}).verify("", now) != nil {
		return nil
	}

	return cross
}

// allows reports whether a root may have this many CAs below it, each below the one before.
func allows(root *x509.Certificate, cas int) bool {
	return root.MaxPathLen < 0 || root.MaxPathLen == 0 && !root.MaxPathLenZero || root.MaxPathLen >= cas
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
