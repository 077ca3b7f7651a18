package pki

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"github.com/cloudflare/cfssl/csr"
	"golang.org/x/sync/errgroup"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/internal/quiet"
)

// CA is a certificate authority that signs for the mesh.
type CA struct {
	Certificate *x509.Certificate
	Key         ca.PrivateKey
	Above       []*x509.Certificate // the CAs that signed it, up to the root; empty if it is the root itself
}

// Root returns the root, which pods trust.
func (a CA) Root() *x509.Certificate {
	return slices.Concat([]*x509.Certificate{a.Certificate}, a.Above)[len(a.Above)]
}

// KeyRequest returns the kind of its key.
func (a CA) KeyRequest() ca.KeyRequest { return kindOf(a.Certificate.PublicKey) }

// chain returns the certificates that are sent along with an issued one, so that a pod that trusts
// the root alone can verify it. The root is left out, because only a pod that has it could use it.
func (a CA) chain() []*x509.Certificate {
	all := slices.Concat([]*x509.Certificate{a.Certificate}, a.Above)
	return all[:max(1, len(all)-1)]
}

func (a CA) files() []File {
	return append(a.signing(), File{ChainFile, public, ca.EncodeCertificates(a.chain()...)}, File{BundleFile, public, ca.EncodeCertificates(a.Root())})
}

// signing returns the files that CFSSL signs with.
func (a CA) signing() []File {
	return []File{{CertFile, public, ca.EncodeCertificates(a.Certificate)}, {KeyFile, secret, a.Key}}
}

func kindOf(key crypto.PublicKey) ca.KeyRequest {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return ca.KeyRequest{Algo: ca.RSA, Size: k.N.BitLen()}
	case *ecdsa.PublicKey:
		return ca.KeyRequest{Algo: ca.ECDSA, Size: k.Curve.Params().BitSize}
	case ed25519.PublicKey:
		return ca.KeyRequest{Algo: "ed25519"}
	}

	return ca.KeyRequest{Algo: fmt.Sprintf("%T", key)}
}

// How many CAs may stand between one and a leaf.
//
//	root (2) ──> issuing CA (0) ──> leaf      an intermediate CA that signs leafs alone
//	root (2) ──> next root ──> its issuing CA ──> leaf
//	CA (1) ──> leaf
//	CA (1) ──> next CA ──> leaf
//
// The second line of each is for a rotation: the old root signs the next one too, for pods that do
// not trust the next one yet.
const (
	pathIssuing    = 0
	pathSelfSigned = 1
	pathRoot       = 2
)

// member is a CA in the making.
type member struct {
	cert   *x509.Certificate
	signer crypto.Signer
	key    ca.PrivateKey
	csr    []byte
}

// newCA makes the CA that the options describe under a root, or else self-signed, and the files
// that only a new CA has. An intermediate CA gets a new root.
func newCA(ctx context.Context, o Options, root *member) (CA, []File, error) {
	keys, err := newKeys(ctx, o)
	if err != nil {
		return CA{}, nil, err
	}

	var rootFiles []File
	if o.Intermediate {
		made, err := o.certify(keys[1], pathRoot, nil)
		if err != nil {
			return CA{}, nil, err
		}

		root = &made
		rootFiles = []File{{rootCSR, public, made.csr}, {RootFile, public, ca.EncodeCertificates(made.cert)}, {RootKeyFile, secret, made.key}}
	}

	pathLen, above := pathSelfSigned, []*x509.Certificate(nil)
	if root != nil {
		pathLen, above = pathIssuing, []*x509.Certificate{root.cert}
	}

	made, err := o.certify(keys[0], pathLen, root)

	return CA{made.cert, made.key, above}, append([]File{{requestCSR, public, made.csr}}, rootFiles...), err
}

// newKeys makes the keys of the CA and of its root at the same time, because a large key takes
// seconds.
func newKeys(ctx context.Context, o Options) ([]member, error) {
	quiet.CFSSL()
	members := make([]member, 1)
	if o.Intermediate {
		members = make([]member, 2)
	}

	group, ctx := errgroup.WithContext(ctx)
	for i := range members {
		group.Go(func() (err error) {
			members[i].signer, members[i].key, err = o.Request.Key.Generate(ctx)
			return err
		})
	}

	return members, group.Wait()
}

// certify makes the certificate of a key, signed by another CA, which it does not outlive, or by
// itself.
func (o Options) certify(m member, pathLen int, by *member) (member, error) {
	name, expiry := o.Request.CommonName, o.Request.Expiry
	if pathLen == pathRoot { // it outlives the CA, so that it can sign the next one too
		name, expiry = name+rootSuffix, 2*expiry
	}

	name, err := ca.UniqueName(name, m.signer.Public())
	if err != nil {
		return m, err
	}

	request := &csr.CertificateRequest{
		CN:    name,
		Names: o.Request.Names,
		CA:    &csr.CAConfig{PathLength: pathLen, PathLenZero: pathLen == 0},
	}
	if m.csr, err = csr.Generate(m.signer, request); err != nil {
		return m, fmt.Errorf("making the certificate request of %q: %w", name, err)
	}

	subject, err := request.Name()
	if err != nil {
		return m, fmt.Errorf("making the name of %q: %w", name, err)
	}

	begin := o.Now.Add(-ca.Backdate).UTC().Truncate(time.Second)
	template := &x509.Certificate{
		Subject:               subject,
		NotBefore:             begin,
		NotAfter:              begin.Add(expiry),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLen:            pathLen,
		MaxPathLenZero:        pathLen == 0,
	}

	parent, signer := template, m.signer
	if by != nil {
		parent, signer = by.cert, by.signer
		template.NotAfter = earlier(template.NotAfter, parent.NotAfter)
	}

	der, err := x509.CreateCertificate(rand.Reader, template, parent, m.signer.Public(), signer)
	if err == nil {
		m.cert, err = x509.ParseCertificate(der)
	}

	if err != nil {
		return m, fmt.Errorf("making the certificate of %q: %w", name, err)
	}

	return m, nil
}
