package live

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// maxValue is the size of a Secret that Kubernetes allows (its documentation, Secrets, 1 MiB), in
// base64.
const maxValue = 1 << 20 / 3 * 4

// issuerKey returns the key that cert-manager writes (standalone.Mesh.SecretKey).
func issuerKey() string { return standalone.Mesh{Issuer: new(standalone.IssuerRef)}.SecretKey() }

// value returns the value of a Secret under a key.
//
// Errors: there is no such key, or no value that can be read. No error shows a part of the value.
func (s *secret) value(key string) ([]byte, error) {
	text, ok := s.data[key]
	switch {
	case !ok:
		return nil, fmt.Errorf("it has no key %s", key)
	case len(text) > maxValue:
		return nil, fmt.Errorf("the value of %s is longer than Kubernetes allows", key)
	}

	value, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("the value of %s is not in base64", key)
	}

	return value, nil
}

// find returns a Secret that the sidecars of a service mount, and its state. It notes one that is
// missing.
func (r *reading) find(svc *Service, name, fault, next string) (*secret, State) {
	found := r.secrets[object{svc.Namespace, name}]
	state := r.state("Secret", found != nil)
	switch {
	case state == Missing:
		r.note(Error, svc, "Secret "+name, "it is missing: "+fault, next)
	case found != nil && found.data == nil:
		r.note(Warning, svc, "Secret "+name, "the input has none of its data, and its content is unknown", "give the whole Secret to status")
		return nil, Unknown
	}

	return found, state
}

// readCertificate reads the certificate of a service.
func (r *reading) readCertificate(svc *Service, signers authorities) {
	m := svc.mounted(func(m mounts) string { return m.certificate })
	if m.certificate == "" {
		return
	}

	c := &svc.Certificate
	c.Secret, c.Key = m.certificate, m.key
	found, state := r.find(svc, c.Secret, "handshakes with its sidecars fail", c.remedy(svc, nil, issueLacking))
	if c.State = state; found == nil {
		return
	}

	chain, err := found.chain(c.Key)
	if err != nil {
		c.State = Unreadable
		r.note(Error, svc, "Secret "+c.Secret, err.Error(), c.remedy(svc, found, issueLacking))
		return
	}

	leaf := chain[0]
	c.NotBefore, c.NotAfter, c.Hosts, c.Issuer = leaf.NotBefore.UTC(), leaf.NotAfter.UTC(), leaf.DNSNames, leaf.Issuer.CommonName
	c.Fingerprint = fingerprint(leaf.Raw)
	for _, fault := range r.faults(svc, chain, signers) {
		r.note(fault.Severity, svc, "Secret "+c.Secret, fault.Message, c.remedy(svc, found, fault.Next))
	}
}

// fingerprint returns the SHA-256 of bytes in hexadecimal digits.
func fingerprint(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// mounted returns the mounts of the first workload that mounts something.
func (svc *Service) mounted(name func(mounts) string) mounts {
	i := slices.IndexFunc(svc.workloads, func(w *workload) bool { return name(w.mounts) != "" })
	if i < 0 {
		return mounts{}
	}
	return svc.workloads[i].mounts
}

// The commands that make Secrets.
const (
	issueDue     = "tykmesh certs secrets -f FILE | kubectl apply -f -"                                           // those that are due by the ledger
	issueLacking = "kubectl get deploy,sts,ds,svc,secret -A -o yaml | tykmesh certs secrets | kubectl apply -f -" // those that the cluster lacks
	issueAll     = "tykmesh certs secrets --all -f FILE | kubectl apply -f -"                                     // those that seem usable, too
)

// remedy returns the way to replace a certificate: a command that makes the Secret of tykmesh.
// cert-manager itself replaces those that have its key, and users those that they have made.
func (c *Certificate) remedy(svc *Service, found *secret, command string) string {
	switch {
	case c.Key == issuerKey():
		return fmt.Sprintf("kubectl describe certificate -n %s %s", svc.Namespace, c.Secret)
	case found != nil && !found.managed:
		hosts := standalone.Hosts(svc.Routes, svc.Namespace, svc.hosts)
		return fmt.Sprintf("make it again, key %s: private key, certificate and intermediate CAs in PEM, for %s", c.Key, strings.Join(hosts, ", "))
	}

	return command
}

// chain returns the certificates of a Secret, that of the service first. It needs a private key
// beside them, and does not parse it.
func (s *secret) chain(key string) (all []*x509.Certificate, err error) {
	text, err := s.value(key)
	if err != nil {
		return nil, err
	}

	defer clear(text)
	hasKey := false
	for block := range blocks(text) {
		switch {
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			hasKey = true
			clear(block.Bytes)
		case block.Type == "CERTIFICATE":
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("the certificate in %s cannot be read: %w", key, err)
			}
			all = append(all, c)
		}
	}

	switch {
	case len(all) == 0:
		return nil, fmt.Errorf("%s has no certificate in PEM form", key)
	case !hasKey:
		return nil, fmt.Errorf("%s has no private key beside the certificate", key)
	}

	return all, nil
}

// blocks iterates over the blocks of a text in PEM.
func blocks(text []byte) func(yield func(*pem.Block) bool) {
	return func(yield func(*pem.Block) bool) {
		for {
			block, rest := pem.Decode(text)
			if block == nil || !yield(block) {
				return
			}
			text = rest
		}
	}
}

// faults returns the faults of a service's certificate, which stands first in its chain. Their
// remedies are for a Secret that tykmesh made. tykmesh certs secrets sees most of them itself.
func (r *reading) faults(svc *Service, chain []*x509.Certificate, signers authorities) (all []Diagnostic) {
	leaf := chain[0]
	add := func(severity Severity, next, format string, args ...any) {
		all = append(all, Diagnostic{Severity: severity, Message: fmt.Sprintf(format, args...), Next: next})
	}

	switch left := leaf.NotAfter.Sub(r.now); {
	case left < 0:
		add(Error, issueLacking, "its certificate expired on %s", day(leaf.NotAfter))
	case r.now.Before(leaf.NotBefore):
		add(Error, issueAll, "its certificate is not valid before %s", leaf.NotBefore.UTC().Format(time.RFC3339))
	case ca.Terms{Now: r.now}.Due(leaf.NotBefore, leaf.NotAfter):
		add(Warning, issueDue, "its certificate expires in %s", ca.Days(left))
	}

	var routes []string // no caller asks for a certificate without TLS
	if svc.TLS == TLSServer || svc.TLS == TLSMutual {
		routes = svc.Routes
	}
	for _, host := range standalone.Hosts(routes, svc.Namespace, svc.hosts) {
		if leaf.VerifyHostname(host) != nil {
			svc.Certificate.Lacking = append(svc.Certificate.Lacking, host)
		}
	}
	if lacking := svc.Certificate.Lacking; len(lacking) > 0 {
		add(Error, issueLacking, "its certificate does not name %s: calls by that name fail", strings.Join(lacking, ", "))
	}

	if !serves(leaf, x509.ExtKeyUsageServerAuth) {
		add(Error, issueAll, "its certificate is not for servers: it lacks the usage server auth")
	}
	if svc.TLS == TLSMutual && !serves(leaf, x509.ExtKeyUsageClientAuth) {
		add(Error, issueAll, "its certificate is not for clients: it lacks the usage client auth, and the calls of its pods fail")
	}

	if err := r.verify(svc, chain, signers); err != nil {
		next := issueAll
		if svc.Certificate.Foreign {
			next = issueLacking
		}
		add(Error, next, "%v", err)
	}

	return all
}

// serves reports whether a certificate may be used in a way. One that names no usage may be used in
// all (RFC 5280, section 4.2.1.12).
func serves(c *x509.Certificate, usage x509.ExtKeyUsage) bool {
	return len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) == 0 || slices.Contains(c.ExtKeyUsage, usage) || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny)
}

// verify reports whether one of the CAs signed a certificate, at a time of its own validity.
func (r *reading) verify(svc *Service, chain []*x509.Certificate, signers authorities) error {
	if signers.pool == nil {
		return nil // not known
	}

	leaf, at := chain[0], r.now
	if at.After(leaf.NotAfter) {
		at = leaf.NotAfter
	}
	if at.Before(leaf.NotBefore) {
		at = leaf.NotBefore
	}

	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}

	_, err := leaf.Verify(x509.VerifyOptions{Roots: signers.pool, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(x509.UnknownAuthorityError)):
		svc.Certificate.Foreign = true
		return fmt.Errorf("its certificate is by %q, which is not among the CAs of %s", leaf.Issuer.CommonName, signers.of)
	}

	return fmt.Errorf("its certificate does not hold for the CAs of %s: %w", signers.of, err)
}

// day returns the date of a time.
func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
