package secrets

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// Secret is a Secret that was made.
type Secret struct {
	Due
	value  ca.PrivateKey
	record ca.Record
}

// Maker makes Secrets.
type Maker struct {
	// Issue makes a key and a certificate for hosts; it is called at the same time.
	Issue    func(ctx context.Context, hosts []string) (ca.Bundle, error)
	TokenKey *ca.TokenKey
	Parallel int // how many certificates are issued at once; below 1: 1
	Now      func() time.Time
	Progress func(made, total int) // is called after each Secret, one at a time; nil for none
}

// Make makes the Secrets that are due, in their order. Tokens live as long as the certificates of
// their services: the new one, else the stored one, else the recorded one.
//
// Errors: of all Secrets, joined in their order.
func (m Maker) Make(ctx context.Context, due []Due, records []ca.Record, stored Stored) ([]Secret, error) {
	all, errs := make([]Secret, len(due)), make([]error, len(due))
	done := make(chan int, len(due))
	go func() {
		var g errgroup.Group
		g.SetLimit(max(1, m.Parallel))
		for i, d := range due {
			if d.Kind == Certificate {
				g.Go(func() error {
					all[i], errs[i] = m.certificate(ctx, d)
					done <- i
					return nil
				})
			}
		}

		_ = g.Wait()
		close(done)
	}()

	made := 0
	for range done {
		made++
		m.progress(made, len(due))
	}

	lives := lives(records, stored, all)
	public, err := m.public()
	if err != nil {
		return nil, err
	}

	for i, d := range due {
		if d.Kind == Token {
			all[i], errs[i] = m.token(d, lives[d.Service], public)
			made++
			m.progress(made, len(due))
		}
	}

	return all, errors.Join(errs...)
}

func (m Maker) progress(made, total int) {
	if m.Progress != nil {
		m.Progress(made, total)
	}
}

// certificate issues a certificate.
func (m Maker) certificate(ctx context.Context, d Due) (Secret, error) {
	b, err := m.Issue(ctx, d.Hosts)
	if err != nil {
		return Secret{}, fmt.Errorf("issuing certificate %s: %w", d.Subject(), err)
	}
	r := ca.NewRecord(ca.RoleWorkload, d.Namespace, d.App, "", b, m.Now())
	r.State = ca.Active // no other step follows

	return Secret{d, b.KeyFirst(), r}, nil
}

// token signs a token.
func (m Maker) token(d Due, life time.Duration, public []byte) (Secret, error) {
	if life <= 0 {
		life = ca.TokenLife
	}

	now := m.Now()
	t, err := m.TokenKey.Sign(d.Subject(), life, now)
	if err != nil {
		return Secret{}, fmt.Errorf("signing token %s: %w", d.Subject(), err)
	}

	return Secret{d, t.Text, ca.NewTokenRecord(d.Namespace, d.App, t, public, now)}, nil
}

// public returns the public key of tokens; nil without tokens.
func (m Maker) public() ([]byte, error) {
	if m.TokenKey == nil {
		return nil, nil
	}
	return m.TokenKey.Public()
}

// lives returns by service how long a certificate is valid: the new one, the stored one, or the
// recorded one.
func lives(records []ca.Record, stored Stored, made []Secret) map[inject.Service]time.Duration {
	out := make(map[inject.Service]time.Duration)
	note := func(r ca.Record) {
		if r.Role == ca.RoleWorkload {
			out[serviceOf(r)] = r.Expires.Sub(r.NotBefore)
		}
	}

	for _, r := range records {
		note(r)
	}

	stored.lives(note)
	for _, s := range made {
		note(s.record)
	}

	return out
}

// name returns the name of the Secret.
func (d Due) name() string {
	if d.Kind == Token {
		return standalone.TokenSecretName(standalone.Service(d.Service))
	}
	return standalone.SecretName(standalone.Service(d.Service))
}

// key returns the key under which the content stands in the Secret.
func (d Due) key() string {
	if d.Kind == Token {
		return standalone.TokenFile
	}
	return standalone.CertificateFile
}

// Write writes the manifests of Secrets for kubectl apply, all at once: a reader gets all or none.
func Write(w io.Writer, all []Secret) error {
	if len(all) == 0 {
		return nil
	}

	var text strings.Builder
	for _, s := range all {
		text.WriteString("---\n")
		text.WriteString(manifest.Block(s.object()))
	}

	_, err := io.WriteString(w, text.String())

	return err
}

// WriteJSON writes the manifests as Write does, each as JSON.
func WriteJSON(w io.Writer, all []Secret) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetIndent("", "  ")
	for _, s := range all {
		if err := enc.Encode(s.object()); err != nil {
			return err
		}
	}

	_, err := w.Write(text.Bytes())

	return err
}

// object returns the manifest of a Secret. It always names its namespace: that of kubectl's context
// may be another.
func (s Secret) object() manifest.Map {
	return manifest.Map{
		{Key: "apiVersion", Value: "v1"},
		{Key: "kind", Value: "Secret"},
		{Key: "metadata", Value: manifest.Map{
			{Key: "name", Value: s.name()},
			{Key: "namespace", Value: s.Namespace},
			{Key: "labels", Value: manifest.Map{{Key: managedBy, Value: manager}}},
		}},
		{Key: "type", Value: "Opaque"},
		{Key: "data", Value: manifest.Map{{Key: s.key(), Value: base64.StdEncoding.EncodeToString(s.value)}}},
	}
}

// Ledger is the part of ca.Ledger that Record needs.
type Ledger interface {
	Write(ctx context.Context, changes []ca.Change) []error
}

// Record records Secrets that were written. A record that another run has written meanwhile stays:
// it is of a Secret that is as good.
//
// Errors: of all records, joined; a message that several share comes once.
func Record(ctx context.Context, l Ledger, all []Secret) error {
	changes := make([]ca.Change, len(all))
	for i, s := range all {
		changes[i] = ca.Change{Record: s.record, IsNew: s.held == nil}
		if s.held != nil {
			changes[i].Old = s.held.Fingerprint
		}
	}

	var errs []error
	said := make(map[string]bool)
	for _, err := range l.Write(ctx, changes) {
		if err == nil || errors.Is(err, ca.ErrRecordExists) || errors.Is(err, ca.ErrRecordChanged) || said[err.Error()] {
			continue
		}
		said[err.Error()] = true
		errs = append(errs, err)
	}

	return errors.Join(errs...)
}
