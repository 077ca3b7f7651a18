package pki

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cloudflare/cfssl/csr"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/internal/file"
)

// Step is one of a change of the CA. Each leaves a state in which whoever trusts the old CA, both,
// or the new one after step 2, accepts every certificate that is in use, so that nothing has to
// happen at the same time.
//
//	         CFSSL signs with   sent along           pods are to trust   the folder has
//	None     old                old                  old
//	Trust    old                old                  old and new         next
//	Sign     new                new, signed by old   old and new         former, one of which bundle.pem names
//	Settle   new                new                  new                 former
//
// An intermediate CA under a root that stays changes in one step, from None to Settle: pods trust
// the root. Whoever removes former is back at None.
type Step int

// The steps in their order.
const (
	None Step = iota
	Trust
	Sign
	Settle
)

// What a change of the CA keeps in its folder.
const (
	nextFolder   = "next"      // the CA to come, between Trust and Sign
	FormerFolder = "former"    // the CA that was, with its keys
	crossFile    = "cross.pem" // the root to come, signed by the present one
)

// Rotation is how far the change of a folder's CA has come.
type Rotation struct {
	Taken   Step      // the last step that was taken
	Present Authority // CFSSL signs with it; it may have expired
	Next    Authority // after Trust: the one to come
	Former  []*x509.Certificate
	Bundle  ca.Trust            // what pods are to trust
	ByHand  map[string][]string // by manifest: what people have to see to because it does not, each as a clause

	dir   string
	seen  [sha256.Size]byte // the folder's state
	cross *x509.Certificate // the next root signed by the present one; nil where that may not sign a CA
}

// ReadRotation reads how far the change of the CA in a folder has come. A step that was broken off
// while it was written is finished first.
//
// Errors: as Bring, but that the CA may have expired; a folder of a CA that is not complete;
// *UnfinishedError if ca init was broken off there; *BusyError.
func ReadRotation(dir string, now time.Time) (r Rotation, err error) {
	r.dir = dir
	unlock, err := lock(dir)
	if err != nil {
		return r, err
	}

	defer unlock()
	if begun(dir) {
		return r, &UnfinishedError{dir, "init"}
	}
	if err := finish(dir, disk{}); err != nil {
		return r, err
	}
	if r.seen, err = state(dir); err != nil {
		return r, err
	}

	for _, read := range []func(time.Time) error{r.readPresent, r.readNext, r.readFormer, r.readManifests} {
		if err := read(now); err != nil {
			return r, err
		}
	}

	return r, nil
}

// state tells before a step from after it: each changes one of these files.
func state(dir string) (sum [sha256.Size]byte, err error) {
	cert, err := file.Read(filepath.Join(dir, CertFile))
	if err != nil {
		return sum, err
	}
	bundle, err := file.Read(filepath.Join(dir, BundleFile))
	return sha256.Sum256(slices.Concat(cert, bundle)), err
}

// readPresent reads the CA that signs. One that has expired is one that has to be changed all the
// more.
func (r *Rotation) readPresent(now time.Time) (err error) {
	if certs, err := readCertificates(filepath.Join(r.dir, CertFile)); err == nil {
		now = earlier(now, certs[0].NotAfter)
	}

	if r.Present, err = readAuthority(r.dir, now); err != nil {
		return err
	}
	r.Bundle, err = readCertificates(filepath.Join(r.dir, BundleFile))
	return err
}

func (r *Rotation) readNext(now time.Time) (err error) {
	dir := filepath.Join(r.dir, nextFolder)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
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

// readFormer reads the CA that was. Its keys may have been destroyed.
func (r *Rotation) readFormer(time.Time) error {
	dir := filepath.Join(r.dir, FormerFolder)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}

	for _, name := range []string{CertFile, RootFile} {
		certs, err := readCertificates(filepath.Join(dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		r.Former = append(r.Former, certs...)
	}

	switch {
	case r.Taken != None:
	case slices.ContainsFunc(r.Former, r.trusted):
		r.Taken = Sign
	default:
		r.Taken = Settle
	}

	return nil
}

func (r Rotation) trusted(c *x509.Certificate) bool { return slices.ContainsFunc(r.Bundle, c.Equal) }

// Intermediate reports whether the CA is under a root.
func (r Rotation) Intermediate() bool { return len(r.Present.Above) > 0 }

// Reissued reports whether the former CA was under the root that the present one is under.
func (r Rotation) Reissued() bool {
	return slices.ContainsFunc(r.Former, func(c *x509.Certificate) bool { return c.CheckSignatureFrom(r.Present.Root()) == nil })
}

// CrossSigned says, after Trust, whether pods will accept what the CA to come signs although they
// do not trust it yet.
func (r Rotation) CrossSigned() bool { return r.cross != nil }

// Expired reports whether the CA that signs has expired.
func (r Rotation) Expired(now time.Time) bool { return now.After(r.Present.Certificate.NotAfter) }

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

// Request asks for a CA like the present one: that of the folder's csr_ca.json, or else of the
// certificate.
//
// Errors: a csr_ca.json that is broken; without one, a CA of which there cannot be another.
func (r Rotation) Request() (Request, error) {
	request, err := ReadRequest(r.dir)
	file := filepath.Join(r.dir, RequestFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		file += " is not there, and the certificate does not do"
		request = r.likePresent()
	case err != nil:
		return request, err
	}

	if name := baseName(r.Present.Certificate.Subject.CommonName); request.CommonName != name && request.CommonName != "" {
		return request, fmt.Errorf("%s: the CA must go on to be called %q: where there is no ledger, certificates of a former CA are known by that", file, name)
	}
	if err := request.check(r.Intermediate()); err != nil {
		return request, fmt.Errorf("%s: %w", file, err)
	}

	return request, nil
}

// likePresent asks for what the present CA's certificate says.
func (r Rotation) likePresent() Request {
	c := r.Present.Certificate
	first := func(values []string) string { return append(values, "")[0] }
	name := csr.Name{
		C: first(c.Subject.Country), ST: first(c.Subject.Province), L: first(c.Subject.Locality),
		O: first(c.Subject.Organization), OU: first(c.Subject.OrganizationalUnit),
	}

	request := Request{
		CommonName: baseName(c.Subject.CommonName),
		Key:        r.Present.KeyRequest(),
		Expiry:     min(max(c.NotAfter.Sub(c.NotBefore).Round(time.Hour), minExpiry), maxExpiry),
	}
	if name.C+name.ST+name.L+name.O+name.OU != "" {
		request.Names = []csr.Name{name}
	}

	return request
}

// baseName returns a CA's name without what ca.UniqueName has added, or as much of it as there is
// room for.
func baseName(name string) string {
	name = ca.BaseName(name)
	name = name[:min(len(name), maxCommonName-uniqueSuffix-len(rootSuffix))]
	return strings.TrimSpace(strings.ToValidUTF8(name, ""))
}
