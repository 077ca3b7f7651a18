// Package ca makes keys and has certificates for them signed: by an issuer such as CFSSL, or by a
// key on disk. It keeps the ledger of issued certificates (MongoDB, or a file), and decides when a
// certificate must be replaced.
//
//	hosts ──Issue──> key, CSR ──Signer──> certificate ──as requested?──> Bundle ──> store
//	                            │
//	                            ├── Client: a CFSSL, by authsign
//	                            └── Local: a CA's key on disk
//
//	Record ──> Ledger: MongoLedger, or FileLedger with --local
//
// [Open] and [OpenLedger] choose among the kinds of issuers and ledgers, and [Hints] has the advice
// for their errors. A new kind is a file of its own and a row in open.go; callers know none by
// name.
//
// A private key leaves this package only in a Bundle, whose key prints as [redacted], as a Token
// does. The package writes no key except a local CA's own and that of tokens, never uploads
// anything, and never prints or logs. Its errors contain no key, no token, no API key and no
// connection string.
//
// # Who can do what
//
// The CA's key makes certificates for any name that pods trust. The auth key of CFSSL's API has
// CFSSL make them: until it is changed, it is as powerful as the CA's key. A certificate's private
// key is the identity of one service. In a mesh without a Dashboard, a token tells callees the name
// of their caller, and the token key signs tokens for all services. MongoDB's connection string
// opens the ledger, which contains no keys except those that tyk-k8s stored.
//
// Each attacker, the attacks, the defence, and the tests that show it:
//
//   - Listens on the network: reads the auth key. It is not sent; it signs the request.
//     TestTheAuthKeyIsNotSent.
//   - Listens on the network: repeats a request. The certificate is for a key that the attacker
//     lacks. TestIssueWantsItsOwnKey.
//   - Listens on the network: changes an answer. The certificate must match the request and be
//     signed by the mesh's CA. TestIssueChecksTheAnswer, TestTLS.
//   - Answers as CFSSL: signs with another CA. certPath pins the CA and bundlePath the CAs that
//     pods trust; check warns if none is pinned. TestPinnedAuthority, TestTrust,
//     tykmesh.TestScripts/check.
//   - Answers as CFSSL: signs more names, a CA, other usages, or for more than ten years. This is
//     refused; common signing profiles pass. TestIssueChecksTheAnswer, TestProfiles.
//   - Answers as CFSSL: fills the memory or redirects. Answers are limited; redirects are not
//     followed. TestRefusals, FuzzAnswer.
//   - Answers as CFSSL: sends control characters to a terminal. Its messages are shortened to one
//     printable line. TestRefusals, FuzzAnswer.
//   - Is a pod in the cluster: asks CFSSL for a certificate. Every endpoint wants the auth key, a
//     NetworkPolicy names the clients, and check tries the others. TestOpenEndpoints,
//     catest.TestOnlyTheKeyOpens, pki.TestNamespaces.
//   - Has the auth key: acts as any service. The defence is a new key: ca init, then apply.
//   - Has the token key, and a certificate of the mesh: calls as any service. The defence is a new
//     key, which ends all tokens. TestTokens, TestTokenKeyIsMadeOnce.
//   - Has a token, and a certificate of the mesh: calls as that service until the token expires. A
//     token prints as [redacted], and is in its Secret alone. TestTokensPrintAsRedacted,
//     TestTokenRecord, tykmesh.TestScripts/certs-secrets.
//   - Has the CA's key: acts as the mesh. The defence is a new CA: ca rotate. pki.TestRotation.
//   - Reads the ledger: learns names and serial numbers. No key is written, and those of tyk-k8s
//     are not read. TestStoredDocument, TestLegacyRecords.
//   - Writes to the ledger: has another certificate used. A record must match the certificate
//     that it names. apply.TestForgedRecord.
//   - Writes to the ledger: has certificates deleted. Only certificates that no API uses are
//     deleted. apply.TestForeignUse, apply.TestPruneLeavesWhatServes.
//   - Writes to the ledger: loses records. Certificates are issued again. apply.TestReissue.
//   - Writes to the ledger: stops a run, or fills the memory. An invalid record is named;
//     listings are limited. TestForeignDocument, TestRecordsAreBounded, FuzzStored.
//   - Reads CI logs: gets their contents. Errors, values and traces contain no secrets.
//     TestSecretsArePrintedNowhere, TestNothingIsLogged, TestConnectionStrings,
//     TestMongoRefusals, TestMongoEchoesThePassword, TestErrorsAboutKeyFiles.
//   - Writes manifests: has strange names signed. Names are checked before any request.
//     TestIssueRefusesBeforeItAsks.
//   - Writes manifests: acts as a service of their choice. Its name is in the manifest: review
//     those.
//   - Reads the runner's disk: reads keys. Only the owner can read files and directories.
//     TestLocalCAIsMadeOnce, TestFileLedgerIsShared.
//   - Names an endless file: fills the memory. Files are read up to a limit.
//     TestFilesAreReadUpToTheirLimit.
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
	// String names the signer in messages: "CFSSL at https://cfssl:8888".
	String() string
	// Chain returns the certificate of the CA that signs, followed by those above it, which go into
	// bundles.
	Chain(ctx context.Context) ([]*x509.Certificate, error)
	// Sign signs a request for exactly these hosts and returns the certificate in PEM.
	Sign(ctx context.Context, hosts []string, csrPEM []byte) (leafPEM []byte, err error)
}

// Request describes a new certificate.
type Request struct {
	// Hosts are the DNS names of the certificate. The first is also its common name; of a host
	// longer than 64 bytes only the first label is (RFC 5280, appendix A.1, ub-common-name).
	Hosts []string
	// Names are the rest of the subject, as in CA.defaultNames of tyk-k8s's configuration.
	Names []Name
	Key   KeyRequest
	// Trust is the CAs that pods trust. They must trust the signer.
	Trust TrustBundle
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

// PEM returns the certificate, the CA's and the private key, in the order of the Dashboard's
// certificate store (Tyk Dashboard API, certificates). It is a secret.
func (b Bundle) PEM() []byte {
	return slices.Concat(b.Certificate, b.Chain, b.Key)
}

// KeyFirst returns the private key, the certificate and the CA's: the order of cert-manager's
// tls-combined.pem, in which gateways read a file (measured). It is a secret.
func (b Bundle) KeyFirst() PrivateKey {
	return slices.Concat(b.Key, b.Certificate, b.Chain)
}

// StoreID returns the id that the Dashboard's certificate store will give a certificate of an
// organisation: the organisation's id and the SHA-256 of the certificate's DER in hex (Tyk
// Dashboard API, certificates).
func StoreID(org string, leaf *x509.Certificate) string {
	sum := sha256.Sum256(leaf.Raw)
	return org + hex.EncodeToString(sum[:])
}

// Issue makes a key, has s sign a certificate for it, and checks the result: CFSSL uses its default
// profile for an unknown one, and never checks names. Issue ends with ctx, even while a large key
// is made.
//
// Errors: an invalid host or key request (before anything is sent), those of s, ErrUntrusted,
// ErrNotAsAsked and ErrForeignCA; the context's.
func Issue(ctx context.Context, s Signer, r Request) (Bundle, error) {
	quiet.CFSSL()
	if err := CheckHosts(r.Hosts); err != nil {
		return Bundle{}, err
	}
	if err := r.Key.Check(); err != nil {
		return Bundle{}, err
	}

	chain, err := s.Chain(ctx) // before the key, which may take seconds
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

// clock returns now, or time.Now for nil.
func clock(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}
