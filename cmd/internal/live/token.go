package live

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// readToken reads the token of a service.
func (r *reading) readToken(svc *Service) {
	name := svc.mounted(func(m mounts) string { return m.token }).token
	if name == "" {
		return
	}

	t := &svc.Token
	t.Secret = name
	found, state := r.find(svc, name, "services that name their callers refuse its calls", issueLacking)
	if t.State = state; found == nil {
		return
	}

	subject := standalone.Service{Namespace: svc.Namespace, App: svc.App}.Subject()
	remedy := func(command string) string {
		if !found.managed {
			return fmt.Sprintf("make it again, key %s: a JWT (ES256) with sub %s, iat and exp", standalone.TokenFile, subject)
		}
		return command
	}
	next := remedy(issueLacking)

	c, err := found.token(r.tokenKeys)
	if err != nil {
		t.State = Unreadable
		r.note(Error, svc, "Secret "+name, err.Error(), next)
		return
	}

	t.Subject, t.Issued, t.Expires = c.Subject, second(c.Issued), second(c.Expires)
	if t.Subject != subject {
		r.note(Error, svc, "Secret "+name, fmt.Sprintf("its token is that of %q, and not of %s", t.Subject, subject), next)
	}
	if !c.verified {
		r.note(Error, svc, "Secret "+name, "its token is signed with another key: services that name their callers refuse its calls", next)
	}

	left := t.Expires.Sub(r.now)
	switch {
	case c.Expires == 0:
		r.note(Warning, svc, "Secret "+name, "its token never expires", next)
	case left < 0:
		r.note(Error, svc, "Secret "+name, "its token expired on "+day(t.Expires), next)
	case c.Issued > 0 && (ca.Terms{Now: r.now}).Due(t.Issued, t.Expires):
		r.note(Warning, svc, "Secret "+name, "its token expires in "+ca.Days(left), remedy(issueDue))
	}
}

// claims are the parts of a token that say whose it is, and how long it lasts, in seconds since
// 1970 (RFC 7519, section 4.1).
type claims struct {
	Subject string `json:"sub"`
	Issued  int64  `json:"iat"`
	Expires int64  `json:"exp"`

	verified bool // by a key of the mesh, or the mesh has no key
}

// second returns the time of a claim; zero where a token does not have it.
func second(claim int64) time.Time {
	if claim == 0 {
		return time.Time{}
	}
	return time.Unix(claim, 0).UTC()
}

// token returns the claims of the token in a Secret (RFC 7515, section 3.1).
func (s *secret) token(keys []*ecdsa.PublicKey) (c claims, err error) {
	text, err := s.value(standalone.TokenFile)
	if err != nil {
		return c, err
	}

	defer clear(text)
	token := bytes.TrimSpace(text)
	end := max(0, bytes.LastIndexByte(token, '.'))
	_, payload, two := bytes.Cut(token[:end], []byte("."))

	decoded, err := base64.RawURLEncoding.DecodeString(string(payload))
	if !two || err != nil || json.Unmarshal(decoded, &c) != nil {
		return c, fmt.Errorf("the value of %s is not a token", standalone.TokenFile)
	}

	signature, _ := base64.RawURLEncoding.DecodeString(string(token[end+1:])) // an invalid one verifies nothing
	c.verified = len(keys) == 0 || slices.ContainsFunc(keys, func(key *ecdsa.PublicKey) bool { return isSigned(key, token[:end], signature) })

	return c, nil
}

// isSigned reports whether a signature is that of a text by a key, with ES256 (RFC 7518, section
// 3.4).
func isSigned(key *ecdsa.PublicKey, text, signature []byte) bool {
	const size = 32 // bytes of each of two numbers
	if len(signature) != 2*size {
		return false
	}

	digest := sha256.Sum256(text)
	a, b := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])

	return ecdsa.Verify(key, digest[:], a, b)
}

// keysOfTokens returns the keys with which services verify the tokens of their callers: one, but
// while the key of the mesh changes.
func (c *cluster) keysOfTokens() (keys []*ecdsa.PublicKey) {
	seen := make(map[string]bool)
	for _, w := range c.workloads {
		var in inbound
		found := c.configs[object{w.service.Namespace, w.mounts.config}]
		if found == nil || json.Unmarshal([]byte(found.files[inboundKey]), &in) != nil || seen[in.TokenKey] {
			continue
		}

		seen[in.TokenKey] = true
		if key := in.tokenKey(); key != nil {
			keys = append(keys, key)
		}
	}

	return keys
}

// tokenKey returns the key that verifies the tokens of callers; nil without a key for ES256.
func (in inbound) tokenKey() *ecdsa.PublicKey {
	text, _ := base64.StdEncoding.DecodeString(in.TokenKey)
	block, _ := pem.Decode(text)
	if block == nil {
		return nil
	}

	parsed, _ := x509.ParsePKIXPublicKey(block.Bytes)
	key, _ := parsed.(*ecdsa.PublicKey)

	return key
}
