package pki

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cloudflare/cfssl/csr"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/internal/file"
)

// Step is a step of a rotation, which replaces the CA by a new one. After each step every
// certificate in use is accepted by every pod that trusts the old CA, by every pod that trusts
// both, and after step 2 also by every pod that trusts the new CA. So nothing has to happen at the
// same time.
//
//	            CFSSL signs with   sent along           pods trust    also in the directory
//	StepNone    old                old                  old
//	StepTrust   old                old                  old and new   next
//	StepSign    new                new, signed by old   old and new   previous, in bundle.pem
//	StepSettle  new                new                  new           previous
//
// An intermediate CA whose root stays is replaced in one step, from StepNone to StepSettle, because
// pods trust the root. When the user deletes the previous CA, the directory is back at StepNone.
type Step int

// The steps in their order.
const (
	StepNone Step = iota
	StepTrust
	StepSign
	StepSettle
)

// What a rotation keeps in the directory.
const (
	nextDir     = "next"      // the next CA, between StepTrust and StepSign
	PreviousDir = "former"    // the previous CA, with its keys; all versions use this name
	crossFile   = "cross.pem" // the next root, signed by the current one
)

// Rotation holds the state of the rotation of a directory's CA.
type Rotation struct {
	Taken    Step // the last step taken
	Current  CA   // CFSSL signs with it; it may have expired
	Next     CA   // after StepTrust
	Previous []*x509.Certificate
	Bundle   ca.TrustBundle // the CAs that pods trust

	dir       string
	seen      [sha256.Size]byte // the directory's state
	cross     *x509.Certificate // the next root signed by the current one; nil if that may not sign a CA
	files     values            // as the directory's files say
	manifests map[string]manifest
}

// ReadRotation reads the state of the rotation of a directory's CA. First it completes a step that
// was interrupted while it was written.
//
// Errors: as Bring, except that the CA may have expired; a directory whose CA is incomplete;
// *UnfinishedError if ca init was interrupted there; *BusyError.
func ReadRotation(dir string, now time.Time) (r Rotation, err error) {
	r.dir = dir
	unlock, err := lock(dir)
	if err != nil {
		return r, err
	}

	defer unlock()
	if exists(filepath.Join(dir, initDir)) {
		return r, &UnfinishedError{dir, "init"}
	}
	if err := finish(dir, disk{}); err != nil {
		return r, err
	}
	if r.seen, err = state(dir); err != nil {
		return r, err
	}

	for _, read := range []func(time.Time) error{r.readCurrent, r.readNext, r.readPrevious, r.readManifests} {
		if err := read(now); err != nil {
			return r, err
		}
	}

	return r, nil
}

// state returns a hash that differs before and after a step: each step changes one of these files.
func state(dir string) (sum [sha256.Size]byte, err error) {
	cert, err := file.Read(filepath.Join(dir, CertFile))
	if err != nil {
		return sum, err
	}
	bundle, err := file.Read(filepath.Join(dir, BundleFile))
	return sha256.Sum256(slices.Concat(cert, bundle)), err
}

// readCurrent reads the CA that signs. It may have expired: then a rotation is urgent.
func (r *Rotation) readCurrent(now time.Time) (err error) {
	if certs, err := readCertificates(filepath.Join(r.dir, CertFile)); err == nil {
		now = earlier(now, certs[0].NotAfter)
	}

	if r.Current, err = readCA(r.dir, now); err != nil {
		return err
	}
	r.Bundle, err = readCertificates(filepath.Join(r.dir, BundleFile))
	return err
}

func (r *Rotation) readNext(now time.Time) (err error) {
	dir := filepath.Join(r.dir, nextDir)
	if !exists(dir) {
		return nil
	}
	if r.Next, err = readCA(dir, now); err != nil {
		return err
	}

	r.Taken = StepTrust

	cross, err := readExisting(dir, crossFile)
	if len(cross) > 0 {
		r.cross = cross[0]
	}

	return err
}

// readPrevious reads the previous CA. Its keys may have been destroyed.
func (r *Rotation) readPrevious(time.Time) (err error) {
	dir := filepath.Join(r.dir, PreviousDir)
	if !exists(dir) {
		return nil
	}

	if r.Previous, err = readExisting(dir, CertFile, RootFile); err != nil {
		return err
	}

	switch {
	case r.Taken != StepNone:
	case slices.ContainsFunc(r.Previous, r.trusted):
		r.Taken = StepSign
	default:
		r.Taken = StepSettle
	}

	return nil
}

func (r Rotation) trusted(c *x509.Certificate) bool { return slices.ContainsFunc(r.Bundle, c.Equal) }

// Intermediate reports whether the CA is under a root.
func (r Rotation) Intermediate() bool { return len(r.Current.Above) > 0 }

// reissued reports whether the previous CA was under the same root as the current one.
func (r Rotation) reissued() bool {
	return slices.ContainsFunc(r.Previous, func(c *x509.Certificate) bool { return c.CheckSignatureFrom(r.Current.Root()) == nil })
}

// LastStep returns the number of the last step taken, or 0. A CA whose root stays is
// replaced in step 1 alone.
func (r Rotation) LastStep() int {
	if r.Taken == StepSettle && r.reissued() {
		return int(StepTrust)
	}
	return int(r.Taken)
}

func (r Rotation) expired(now time.Time) bool { return now.After(r.Current.Certificate.NotAfter) }

// CheckCurrent returns an error if the configured CA is not the one that signs here: then the
// configuration cannot tell which certificates are of a previous CA.
func (r Rotation) CheckCurrent(configured *x509.Certificate) error {
	if configured == nil || !ca.SameCA(configured, r.Current.Certificate) {
		return fmt.Errorf("the CA of the configuration (CA.certPath, or else CFSSL's) is not the CA of %s, so tykmesh cannot tell which certificates are in use: "+
			"let CA.certPath name %s of that directory", r.dir, ChainFile)
	}
	return nil
}

// SignedByPrevious reports whether an issuer's common name is that of the previous CA.
func (r Rotation) SignedByPrevious(issuer string) bool {
	return slices.ContainsFunc(r.Previous, func(c *x509.Certificate) bool { return c.Subject.CommonName == issuer })
}

// ReadRootKey reads the key of the current CA's root, from a file or else from the CA's directory.
//
// Errors: the file does not exist, or holds another key.
func (r Rotation) ReadRootKey(file string) (crypto.Signer, error) {
	switch {
	case file == "" && r.Intermediate():
		file = filepath.Join(r.dir, RootKeyFile)
	case file == "":
		file = filepath.Join(r.dir, KeyFile)
	}

	key, err := ca.ReadKey(file)
	if err != nil {
		return nil, err
	}
	if !ca.SameKey(r.Current.Root().PublicKey, key.Public()) {
		return nil, fmt.Errorf("%s: not the key of the root %q", file, r.Current.Root().Subject.CommonName)
	}

	return key, nil
}

// Request returns the request for the next CA: that of the directory's csr_ca.json, or else one for
// a CA like the current one.
//
// Errors: a broken csr_ca.json; without csr_ca.json, a CA that cannot be made again.
func (r Rotation) Request() (Request, error) {
	request, err := ReadRequest(r.dir)
	file := filepath.Join(r.dir, RequestFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		file += " does not exist, and the current certificate cannot take its place"
		request = r.likeCurrent()
	case err != nil:
		return request, err
	}

	if name := baseName(r.Current.Certificate.Subject.CommonName); request.CommonName != name && request.CommonName != "" {
		return request, fmt.Errorf("%s: the common name must stay %q: without a ledger, tykmesh knows the previous CA's certificates by it", file, name)
	}
	if err := request.check(r.Intermediate()); err != nil {
		return request, fmt.Errorf("%s: %w", file, err)
	}

	return request, nil
}

// likeCurrent returns a request for a CA like the current one.
func (r Rotation) likeCurrent() Request {
	c := r.Current.Certificate
	request := Request{
		CommonName: baseName(c.Subject.CommonName),
		Key:        r.Current.KeyRequest(),
		Expiry:     min(max(c.NotAfter.Sub(c.NotBefore).Round(time.Hour), minExpiry), maxExpiry),
	}
	if name := nameOf(c.Subject); len(assigned(name)) > 0 {
		request.Names = []csr.Name{name}
	}

	return request
}

// baseName returns a CA's name without the suffix of ca.UniqueName, cut to the length that fits.
func baseName(name string) string {
	name = ca.BaseName(name)
	name = name[:min(len(name), maxCommonName-uniqueSuffix-len(rootSuffix))]
	return strings.TrimSpace(strings.ToValidUTF8(name, ""))
}
