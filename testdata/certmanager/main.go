// Command certmanager is cert-manager for the tests of tykmesh, as far as it needs no cluster. It
// reads Certificates from standard input, and prints the Secrets that cert-manager makes of them:
//
//	stdin ──decode strictly──> Certificate ──default, validate──> ──key, request, sign──> Secret
//
// Types, defaults, validation, certificate requests and signing are cert-manager's own. It signs as
// an issuer of the kind CA, whose Secret has the two files that the arguments name: certificate (and
// those of the CAs above it) and private key. Documents of other kinds are skipped. An error names
// the Certificate; then nothing is printed.
//
// It is a module of its own, so that users do not build its dependencies. Its path lies below that
// of cert-manager, whose validation is in internal packages: Go opens these to such paths.
package main

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	yamlutil "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	internal "github.com/cert-manager/cert-manager/internal/apis/certmanager"
	"github.com/cert-manager/cert-manager/internal/apis/certmanager/install"
	"github.com/cert-manager/cert-manager/internal/apis/certmanager/validation"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/cert-manager/cert-manager/pkg/util/pki"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: certmanager CERTIFICATE KEY < certificates.yaml > secrets.yaml")
		os.Exit(2)
	}
	secrets, err := run(os.Args[1], os.Args[2], os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_, _ = os.Stdout.Write(secrets)
}

// run returns the Secrets of the Certificates in a stream of documents, signed by the CA of two files.
func run(certificate, key string, stdin io.Reader) ([]byte, error) {
	scheme := runtime.NewScheme()
	install.Install(scheme)

	authority, err := readAuthority(certificate, key)
	if err != nil {
		return nil, err
	}

	var secrets bytes.Buffer
	var failed []error
	for documents := yamlutil.NewYAMLReader(bufio.NewReader(stdin)); ; {
		text, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return secrets.Bytes(), errors.Join(failed...)
		}
		if err != nil {
			return nil, err
		}

		secret, err := authority.issue(scheme, text)
		if err != nil {
			failed = append(failed, err)
		}
		secrets.Write(secret)
	}
}

// issue returns the Secret of a document, or "" if the document is no Certificate.
func (a authority) issue(scheme *runtime.Scheme, document []byte) ([]byte, error) {
	var kind metav1.PartialObjectMetadata
	if err := yaml.Unmarshal(document, &kind); err != nil {
		return nil, err
	}
	if kind.GroupVersionKind().Group != cmapi.SchemeGroupVersion.Group {
		return nil, nil
	}

	named := func(err error) error { return fmt.Errorf("%s %s/%s: %w", kind.Kind, kind.Namespace, kind.Name, err) }
	certificate, err := accepted(scheme, document)
	if err != nil {
		return nil, named(err)
	}

	data, err := a.sign(certificate)
	if err != nil {
		return nil, named(err)
	}

	secret, err := yaml.Marshal(corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Namespace: certificate.Namespace, Name: certificate.Spec.SecretName},
		Type:       corev1.SecretTypeTLS,
		Data:       data,
	})
	return append([]byte("---\n"), secret...), err
}

// accepted returns a Certificate with cert-manager's defaults, if its webhook accepts it.
func accepted(scheme *runtime.Scheme, document []byte) (*cmapi.Certificate, error) {
	object, _, err := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer().Decode(document, nil, nil)
	if err != nil {
		return nil, err
	}

	certificate, ok := object.(*cmapi.Certificate)
	if !ok {
		return nil, errors.New("only the kind Certificate is expected")
	}

	scheme.Default(certificate)
	var converted internal.Certificate
	if err := scheme.Convert(certificate, &converted, nil); err != nil {
		return nil, err
	}

	refused, warnings := validation.ValidateCertificate(nil, &converted)
	if len(warnings) > 0 {
		return nil, fmt.Errorf("warnings: %q", warnings)
	}
	return certificate, refused.ToAggregate()
}

// authority is a CA, with the CAs above it.
type authority struct {
	chain []*x509.Certificate
	key   crypto.Signer
}

// readAuthority returns the CA of two files, as cert-manager reads its Secret.
func readAuthority(certificate, key string) (a authority, err error) {
	chain, err := os.ReadFile(certificate)
	if err != nil {
		return a, err
	}
	if a.chain, err = pki.DecodeX509CertificateChainBytes(chain); err != nil {
		return a, fmt.Errorf("%s: %w", certificate, err)
	}

	private, err := os.ReadFile(key)
	if err != nil {
		return a, err
	}
	if a.key, err = pki.DecodePrivateKeyBytes(private); err != nil {
		return a, fmt.Errorf("%s: %w", key, err)
	}

	if !a.chain[0].IsCA { // as cert-manager's pkg/issuer/ca/setup.go
		return a, fmt.Errorf("%s: certificate is not a CA", certificate)
	}
	if matches, err := pki.PublicKeyMatchesCertificate(a.key.Public(), a.chain[0]); err != nil || !matches {
		return a, fmt.Errorf("%s is not the key of %s", key, certificate)
	}

	return a, nil
}

// sign returns the data of the Secret that holds a new key and certificate.
func (a authority) sign(c *cmapi.Certificate) (map[string][]byte, error) {
	key, err := pki.GeneratePrivateKeyForCertificate(c)
	if err != nil {
		return nil, err
	}

	private, err := pki.EncodePrivateKey(key, c.Spec.PrivateKey.Encoding)
	if err != nil {
		return nil, err
	}

	template, err := pki.CertificateTemplateFromCertificate(c)
	if err != nil {
		return nil, err
	}

	template.PublicKey = key.Public()
	signed, err := pki.SignCSRTemplate(a.chain, a.key, template)
	if err != nil {
		return nil, err
	}

	data := map[string][]byte{corev1.TLSCertKey: signed.ChainPEM, corev1.TLSPrivateKeyKey: private, cmmeta.TLSCAKey: signed.CAPEM}
	for _, format := range c.Spec.AdditionalOutputFormats {
		if format.Type != cmapi.CertificateOutputFormatCombinedPEM {
			return nil, fmt.Errorf("the output format %s is not expected", format.Type)
		}

		// As in cert-manager's internal/controller/certificates/secrets.go, OutputFormatCombinedPEM.
		data[cmapi.CertificateOutputFormatCombinedPEMKey] = bytes.Join([][]byte{private, signed.ChainPEM}, []byte("\n"))
	}

	return data, nil
}
