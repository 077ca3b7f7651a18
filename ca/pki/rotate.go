package pki

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/cloudflare/cfssl/csr"

	"github.com/tykmesh/tykmesh/ca"
)

// Step is one of a change of the CA. Each leaves a state in which whoever trusts the old CA, both, or the new one after step 2, accepts every
// certificate that is in use, so that nothing has to happen at the same time.
//
//	         CFSSL signs with   sent along         pods are to trust
//	before   old                old                old
//	Trust    old                old                old and new
//	Sign     new                new, signed by old old and new
//	Settle   new                new                new
//
// An intermediate CA under a root that stays changes in one step, Sign alone: pods trust the root.
type Step int

// The steps in their order. Settle is also the state before the first.
const (
	Settle Step = iota
	Trust
	Sign
)

// What a change of the CA keeps in its folder.
const (
	nextFolder   = "next"      // the CA to come, between Trust and Sign
	formerFolder = "former"    // the CAs that were, with their keys
	crossFile    = "cross.pem" // the root to come, signed by the present one
)

// Rotation is how far the change of a folder's CA has come.
type Rotation struct {
	Taken   Step      // the last step that was taken
	Present Authority // CFSSL signs with it
	Next    Authority // after Trust: the one to come
	Former  []*x509.Certificate

	dir   string
	cross *x509.Certificate // the next root signed by the present one; nil where that may not sign a CA
}

// ReadRotation reads how far the change of the CA in a folder has come. A step that was broken off while it was written is finished first.
//
// Errors: as Bring; a folder of a CA that is not complete.
func ReadRotation(dir string, now time.Time) (Rotation, error) {
	if err := finishChange(dir); err != nil {
		return Rotation{}, err
	}
	present, err := readAuthority(dir, now)
	if err != nil {
		return Rotation{}, err
	}
	r := Rotation{Present: present, dir: dir}
	if err := r.readNext(now); err != nil {
		return Rotation{}, err
	}
	return r, r.readFormer()
}

func (r *Rotation) readNext(now time.Time) (err error) {
	dir := filepath.Join(r.dir, nextFolder)
	if _, err := os.Stat(filepath.Join(dir, CertFile)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if r.Next, err = readAuthority(dir, now); err != nil {
		return err
	}
	r.Taken = Trust
	cross, err := readCertificates(filepath.Join(dir, crossFile))
	switch {
	case err == nil:
		r.cross = cross[0]
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return nil
}

// readFormer finds the CAs that were and are still trusted.
func (r *Rotation) readFormer() error {
	bundle, err := readCertificates(filepath.Join(r.dir, BundleFile))
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(r.dir, formerFolder, "*.pem"))
	if err != nil {
		return err
	}
	for _, name := range files {
		certs, err := readCertificates(name)
		if err != nil {
			continue // a key
		}
		for _, c := range certs {
			if slices.ContainsFunc(bundle, c.Equal) {
				r.Former = append(r.Former, c)
			}
		}
	}
	if len(r.Former) > 0 && r.Taken == Settle {
		r.Taken = Sign
	}
	return nil
}

// Intermediate says whether the CA is under a root.
func (r Rotation) Intermediate() bool { return len(r.Present.Above) > 0 }

// Trust is step 1: it makes the CA to come, and pods are to trust it too. rootKey is that of the present root where that is not the CA itself; the
// root changes with the CA then.
//
// Errors: a change that has begun already, those of Make, a bundle that cannot be read.
func (r Rotation) Trust(ctx context.Context, o Options, rootKey crypto.Signer) (Change, error) {
	o.Intermediate = r.Intermediate()
	if err := o.Check(); err != nil {
		return Change{}, err
	}
	next, files, err := newAuthority(ctx, o)
	if err != nil {
		return Change{}, err
	}
	signer := rootKey
	if !o.Intermediate {
		if signer, err = r.key(); err != nil {
			return Change{}, err
		}
	}
	files = append(files, File{CertFile, public, encode(next.Certificate)}, File{KeyFile, secret, next.Key})
	if cross := crossSign(next, r.Present.Root(), signer, o.Now); cross != nil {
		files = append(files, File{crossFile, public, encode(cross)})
	}
	files = slices.DeleteFunc(files, func(f File) bool { return f.Name == RequestFile })
	var change Change
	for _, f := range files {
		f.Name = path.Join(nextFolder, f.Name)
		change.Files = append(change.Files, f)
	}
	return change, errors.Join(r.ignore(&change), r.rebundle(&change, func(bundle []byte) []byte {
		return slices.Concat(bytes.TrimRight(bundle, "\n"), []byte("\n"), encode(next.Root()))
	}))
}

// Sign is step 2: CFSSL is to sign with the CA to come. What it signs goes with that CA's certificate as the former one signed it, for pods that do
// not trust the new one yet.
//
// Errors: there is no CA to come; files that cannot be read.
func (r Rotation) Sign() (Change, error) {
	change, err := r.replace(r.Next, filepath.Join(r.dir, nextFolder))
	change.Remove = []string{nextFolder}
	return change, err
}

// Reissue changes an intermediate CA under the root that pods trust, in one step.
//
// Errors: those of Make; files that cannot be read.
func (r Rotation) Reissue(ctx context.Context, o Options, rootKey crypto.Signer) (Change, error) {
	if err := o.Check(); err != nil {
		return Change{}, err
	}
	o.Intermediate = false // no root is made
	members, err := newKeys(ctx, o)
	if err != nil {
		return Change{}, err
	}
	root := member{cert: r.Present.Root(), signer: rootKey}
	m, err := o.certify(members[0], o.Request.CommonName, min(o.Request.Expiry, root.cert.NotAfter.Sub(o.Now)), pathIssuing, &root)
	if err != nil {
		return Change{}, err
	}
	change, err := r.replace(Authority{m.cert, m.key, []*x509.Certificate{root.cert}}, "")
	change.Files = append(change.Files, File{requestCSR, public, m.csr})
	return change, errors.Join(err, r.ignore(&change))
}

// Settle is step 3: pods are to trust the new CA alone.
//
// Errors: files that cannot be read.
func (r Rotation) Settle() (Change, error) {
	change := Change{Files: []File{{ChainFile, public, encode(r.Present.chain()...)}}}
	return change, r.rebundle(&change, func(bundle []byte) []byte { return without(bundle, r.Former) })
}

// replace puts another CA in the place of the present one, which is kept. from is the folder that holds it; "" where it is in none.
func (r Rotation) replace(next Authority, from string) (Change, error) {
	chain := next.chain()
	if r.cross != nil { // in the place of the root's own certificate, which only those have any use for who trust it
		chain = append(slices.DeleteFunc(slices.Clone(chain), next.Root().Equal), r.cross)
	}
	change := Change{Files: []File{
		{CertFile, public, encode(next.Certificate)},
		{KeyFile, secret, next.Key},
		{ChainFile, public, encode(chain...)},
	}}
	sum := sha256.Sum256(r.Present.Certificate.Raw)
	for _, f := range []File{{CertFile, public, nil}, {KeyFile, secret, nil}, {RootFile, public, nil}, {RootKeyFile, secret, nil}} {
		text, err := os.ReadFile(f.in(r.dir))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return change, err
		}
		change.Files = append(change.Files, File{fmt.Sprintf("%s/%x-%s", formerFolder, sum[:4], f.Name), f.Mode, text})
	}
	if from != "" {
		for _, f := range []File{{requestCSR, public, nil}, {rootCSR, public, nil}, {RootFile, public, nil}, {RootKeyFile, secret, nil}} {
			text, err := os.ReadFile(f.in(from))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return change, err
			}
			change.Files = append(change.Files, File{f.Name, f.Mode, text})
		}
	}
	return change, r.reserve(&change, next)
}

// key is the present CA's.
func (r Rotation) key() (crypto.Signer, error) { return ca.ReadKey(filepath.Join(r.dir, KeyFile)) }

// ReadRootKey reads the key of the present CA's root, from a file or else from the CA's folder.
//
// Errors: it is not there, or the key of something else.
func (r Rotation) ReadRootKey(file string) (crypto.Signer, error) {
	if file == "" {
		file = filepath.Join(r.dir, RootKeyFile)
	}
	key, err := ca.ReadKey(file)
	if err != nil {
		return nil, err
	}
	if !ca.SameKey(r.Present.Root().PublicKey, key.Public()) {
		return nil, fmt.Errorf("%s: not the key of the root %q", file, r.Present.Root().Subject.CommonName)
	}
	return key, nil
}

// Request asks for a CA like the present one: that of the folder's csr_ca.json, or else of the certificate.
//
// Errors: a csr_ca.json that is broken.
func (r Rotation) Request() (Request, error) {
	request, err := ReadRequest(r.dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return request, err
	}
	c := r.Present.Certificate
	request = Request{
		CommonName: baseName(c.Subject.CommonName), Key: r.Present.KeyRequest(), Expiry: c.NotAfter.Sub(c.NotBefore).Round(time.Hour),
	}
	first := func(values []string) string { return append(values, "")[0] }
	name := csr.Name{
		C: first(c.Subject.Country), ST: first(c.Subject.Province), L: first(c.Subject.Locality),
		O: first(c.Subject.Organization), OU: first(c.Subject.OrganizationalUnit),
	}
	if name.C+name.ST+name.L+name.O+name.OU != "" {
		request.Names = []csr.Name{name}
	}
	return request, nil
}

// baseName is a CA's name without what ca.UniqueName has added, or as much of it as there is room for.
func baseName(name string) string {
	name = ca.BaseName(name)
	return name[:min(len(name), maxCommonName-uniqueSuffix-len(rootSuffix))]
}

// crossSign has a root sign the one that follows it, so that those who trust the former accept the latter. It is nil where the former root may not
// sign a CA that has one below it (RFC 5280, section 4.2.1.9).
func crossSign(next Authority, root *x509.Certificate, key crypto.Signer, now time.Time) *x509.Certificate {
	of := next.Root()
	template := &x509.Certificate{
		Subject: of.Subject, RawSubject: of.RawSubject, SubjectKeyId: of.SubjectKeyId,
		NotBefore: of.NotBefore, NotAfter: earlier(of.NotAfter, root.NotAfter),
		KeyUsage: of.KeyUsage, BasicConstraintsValid: true, IsCA: true, MaxPathLen: len(next.Above), MaxPathLenZero: len(next.Above) == 0,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, root, of.PublicKey, key)
	if err != nil {
		return nil
	}
	cross, err := x509.ParseCertificate(der)
	if err != nil {
		return nil
	}
	accepted := Authority{next.Certificate, nil, append(slices.Clone(next.Above[:max(0, len(next.Above)-1)]), cross, root)}
	if len(next.Above) == 0 {
		accepted = Authority{cross, nil, []*x509.Certificate{root}}
	}
	if accepted.verify("", now) != nil || !allows(root, len(accepted.Above)-1) {
		return nil
	}
	return cross
}

// allows says whether so many CAs may stand below a root before what they sign.
func allows(root *x509.Certificate, below int) bool {
	return root.MaxPathLen < 0 || root.MaxPathLen == 0 && !root.MaxPathLenZero || root.MaxPathLen >= below+1
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
