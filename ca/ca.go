// Package ca makes keys and has certificates for them signed: by a CFSSL server, or by a key on
// disk. It keeps the ledger of what was issued (MongoDB, or a file), and says when a certificate
// can no longer be used.
//
//	hosts ──Issue──> key, CSR ──Signer──> certificate ──is it what was asked for?──> Bundle ──(uploaded elsewhere)
//	                            │
//	                            ├── Client: a CFSSL, by authsign
//	                            └── Local: a CA's key on disk
//
//	Record ──> MongoLedger, or FileLedger with --local
//
// A private key leaves this package only in a Bundle, whose key prints as [redacted]. The package
// never writes a key anywhere but a local CA's own, never uploads anything, never prints or logs,
// and never puts a key, an API key or a connection string into an error.
//
// # Who can do what
//
// The CA's key makes certificates for any name that pods trust. The key of CFSSL's API, the auth
// key, has CFSSL make them: who has it is as good as the CA for as long as the key is not changed.
// A certificate's private key makes its owner that service, and no other. The connection string of
// MongoDB opens the ledger, in which there is no key, but for those that tyk-k8s left there.
//
//	who                   could                           what is done                                shown by
//
//	listens to CFSSL's    read the auth key               it is not sent: it signs the request        TestTheAuthKeyIsNotSent
//	wire
//	                      repeat a request                its certificate is for a key they lack      TestIssueWantsItsOwnKey
//	                      change an answer                it has to be what was asked for, by our CA  TestIssueChecksTheAnswer, TestTLS
//	answers as CFSSL      be another CA                   certPath pins it, bundlePath says whom      TestPinnedAuthority, TestTrust,
//	                                                      pods trust; check warns if it is not pinned tykmesh.TestScripts/check
//	                      sign more names, a CA, other    refused; common signing profiles pass       TestIssueChecksTheAnswer, TestProfiles
//	                      uses, for over ten years
//	                      fill the memory, lead           limits; redirects are not followed          TestRefusals, FuzzAnswer
//	                      elsewhere
//	                      lead the hand at a terminal     its words are one short printable line      TestRefusals, FuzzAnswer
//	is a pod in the       ask CFSSL for a certificate     every way in asks for the auth key, a       TestOpenEndpoints, catest.TestOnlyTheKeyOpens,
//	cluster                                               NetworkPolicy names who may; check tries    pki.TestNamespaces
//	has the auth key      be any service                  nothing but a new key: ca init, apply       -
//	has the CA's key      be the mesh                     nothing but a new CA: ca rotate             pki.TestRotation
//	reads the ledger      learn names and serial numbers  no key is written, none of tyk-k8s is read  TestStoredDocument, TestLegacyRecords
//	writes to the ledger  have another certificate used   a record must be of the certificate it      mesh.TestForgedRecord
//	                                                      names
//	                      have certificates deleted       only such as no API carries                 mesh.TestForeignUse,
//	                                                                                                  mesh.TestPruneLeavesWhatServes
//	                      lose records                    certificates are issued again, no more      mesh.TestReissue
//	                      stop a run, fill the memory     what is no record is named; limits          TestForeignDocument, TestRecordsAreBounded,
//	                                                                                                  FuzzStored
//	reads logs of CI      have what is printed            nothing secret is: errors, values, traces   TestSecretsArePrintedNowhere,
//	                                                                                                  TestNothingIsLogged, TestConnectionStrings,
//	                                                                                                  TestMongoRefusals, TestMongoEchoesThePassword,
//	                                                                                                  TestErrorsAboutKeyFiles
//	writes manifests      have odd names signed           names are checked before anything is asked  TestIssueRefusesBeforeItAsks
//	                      be a service of their choice    its name is in the manifest: review those   -
//	reads the runner's    read keys                       files and folders are for the owner alone   TestLocalCAIsMadeOnce, TestFileLedgerIsShared
//	disk
//	names a file without  fill the memory                 files are read up to a limit                TestFilesAreReadUpToTheirLimit
//	end
package ca

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/cloudflare/cfssl/csr"

	"github.com/tykmesh/tykmesh/ca/internal/quiet"
)

// Signer signs certificate requests: a *Client or a *Local.
type Signer interface {
	// Chain is the certificate of the CA that signs, and after it those above it, which go with
	// what it signs.
	Chain(ctx context.Context) ([]*x509.Certificate, error)
	// Sign has csrPEM signed for exactly hosts and returns the certificate in PEM.
	Sign(ctx context.Context, hosts []string, csrPEM []byte) (leafPEM []byte, err error)
}

// Request says what is wanted of a new certificate.
type Request struct {
	// Hosts are the DNS names of the certificate. The first is its common name too; of a host
	// longer than 64 bytes only the first label is (RFC 5280, appendix A.1, ub-common-name).
	Hosts []string
	// Names are the rest of the subject, as the CA.defaultNames of a tyk-k8s configuration has
	// them.
	Names []csr.Name
	Key   KeyRequest
	// Trust is what pods trust, which must be what signs.
	Trust Trust
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Bundle is a certificate with its private key: a secret.
type Bundle struct {
	Leaf        *x509.Certificate
	Certificate []byte // the leaf in PEM
	Chain       []byte // the certificate of the CA in PEM, and of those above it
	Key         PrivateKey
}

// PEM returns the certificate, the CA's and the private key, in the order that the Dashboard's
// certificate store is given them (Tyk Dashboard API, certificates). It is a secret.
func (b Bundle) PEM() []byte {
	return slices.Concat(b.Certificate, b.Chain, b.Key)
}

// StoreID returns the id that the Dashboard's certificate store gives a certificate of an
// organisation: the organisation's id and the SHA-256 of the certificate's DER in hex (Tyk
// Dashboard API, certificates). So it is known before the upload.
func StoreID(org string, leaf *x509.Certificate) string {
	sum := sha256.Sum256(leaf.Raw)
	return org + hex.EncodeToString(sum[:])
}

// Issue makes a key, has s sign a certificate for it and checks what comes back, because a CFSSL
// server answers a request for an unknown profile with its default one and never looks at names.
// Issue ends with ctx, even while a large key is made.
//
// Errors: a host or a key request that cannot be served (before anything is sent), those of s,
// ErrUntrusted, ErrNotAsAsked and ErrForeignCA; the context's.
func Issue(ctx context.Context, s Signer, r Request) (Bundle, error) {
	quiet.CFSSL()
	if err := CheckHosts(r.Hosts); err != nil {
		return Bundle{}, err
	}
	if err := r.Key.Check(); err != nil {
		return Bundle{}, err
	}

	chain, err := s.Chain(ctx) // first: a large key takes seconds to make
	if err != nil {
		return Bundle{}, err
	}

	now := clock(r.Now)
	if err := r.Trust.Check(chain, now()); err != nil {
		return Bundle{}, err
	}

	key, keyPEM, err := r.Key.Generate(ctx)
	if err != nil {
		return Bundle{}, err
	}

	csrPEM, err := csr.Generate(key, &csr.CertificateRequest{CN: commonName(r.Hosts[0]), Names: r.Names, Hosts: r.Hosts})
	if err != nil {
		return Bundle{}, fmt.Errorf("making a certificate request for %s: %w", r.Hosts[0], err)
	}

	leafPEM, err := s.Sign(ctx, r.Hosts, csrPEM)
	if err != nil {
		return Bundle{}, err
	}

	leaf, err := parseCertificate(leafPEM)
	if err != nil {
		return Bundle{}, fmt.Errorf("reading the certificate for %s: %w", r.Hosts[0], err)
	}
	if err := acceptable(leaf, r.Hosts, key.Public(), chain[0], now()); err != nil {
		return Bundle{}, err
	}

	return Bundle{Leaf: leaf, Certificate: encodeCertificate(leaf), Chain: EncodeCertificates(chain...), Key: keyPEM}, nil
}

// clock is now, or the system's.
func clock(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}
