package dashboard

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
)

const certsPath = "/api/certs"

// certEntry is a certificate in a listing: an object, or its id alone.
type certEntry Certificate

// UnmarshalJSON decodes either form.
func (e *certEntry) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte(`"`)) {
		return json.Unmarshal(b, &e.ID)
	}
	return json.Unmarshal(b, (*Certificate)(e))
}

// certForm is the form of the listing of certificates. An entry without an id is an error: no
// Dashboard sends one, and nothing could use it.
var certForm = form[Certificate]{
	// A Dashboard lists ids in certs and details in cert_basics, a gateway both in certs.
	lists: []string{"certs", "cert_basics"},
	read: func(v *incoming, _ Certificate) (Certificate, int, error) {
		var e certEntry
		if err := v.decode(&e); err != nil {
			return Certificate{}, 0, err
		}
		if e.ID == "" {
			return Certificate{}, 0, errors.New("an entry of the listing has no id")
		}
		return Certificate(e), mapSize + sizeOf(e.ID, e.IssuerCN, e.SubjectCN) + sizeOf(e.DNSNames...), nil
	},
	id: func(c Certificate) string { return c.ID },
}

// Certificates lists every certificate of the organisation. It returns an error if the listing is
// visibly incomplete.
//
// Errors: ErrNoGateway when the Dashboard does not reach the gateway that keeps them, ErrPartial
// when the listing counts more than it shows.
//
// If the detailed listing fails, Certificates reads the plain one: Dashboards before 4.1 have no
// detailed listing, and an entry that the store cannot read breaks it for the whole organisation:
// one with an Ed25519 key ("Tyk Dashboard API, certificates, upload"), or one that Redis has lost
// alone. Its certificates are Unread.
func (c *Client) Certificates(ctx context.Context) ([]Certificate, error) {
	detailed, err := c.certificates(ctx, map[string]string{"p": "-1", "mode": "detailed"})
	if err == nil || ctx.Err() != nil || errors.Is(err, ErrUnauthorized) || notListening(err) {
		return detailed, err
	}
	plain, plainErr := c.certificates(ctx, map[string]string{"p": "-1"})
	if plainErr != nil {
		return nil, err
	}
	for i := range plain {
		plain[i].Unread = true
	}

	return plain, nil
}

func (c *Client) certificates(ctx context.Context, query map[string]string) ([]Certificate, error) {
	return list(ctx, c, call{op: "listing certificates", path: certsPath, query: query}, certForm)
}

// useForm is the form of the listing of APIs that name a certificate.
var useForm = form[CertificateUse]{
	lists: []string{"apis"},
	read: func(v *incoming, _ CertificateUse) (u CertificateUse, kept int, err error) {
		if err := v.decode(&u); err != nil {
			return u, 0, err
		}
		if u.APIID == "" && u.Name == "" {
			return u, 0, errors.New("an entry of the listing has neither an api_id nor a name")
		}
		return u, mapSize + sizeOf(u.APIID, u.Name) + sizeOf(u.Usage...), nil
	},
	id: func(u CertificateUse) string { return u.APIID },
}

// CertificateAPIs lists the APIs that name a certificate. Dashboards support it since 5.11. It is
// not documented whether the listing includes APIs that the key may not see.
//
// Errors: ErrUnsupported when the Dashboard does not support it, ErrNotFound when it has no such
// certificate, ErrPartial when the listing counts more than it shows.
func (c *Client) CertificateAPIs(ctx context.Context, id string) ([]CertificateUse, error) {
	r, err := callOf("listing the APIs of certificate", http.MethodGet, certsPath, id)
	if err != nil {
		return nil, err
	}

	r.path += "/apis"
	r.query, r.uses = map[string]string{"p": "-1"}, true

	return list(ctx, c, r, useForm)
}

// Certificate reads one certificate of the store, without its key.
//
// Errors: ErrNotFound when no certificate has that id.
func (c *Client) Certificate(ctx context.Context, id string) (Certificate, error) {
	r, err := callOf("reading certificate", http.MethodGet, certsPath, id)
	if err != nil {
		return Certificate{}, err
	}

	var e struct {
		answer
		Certificate

		// Read alone, a certificate has these in place of issuer_cn and subject_cn.
		Issuer  struct{ CommonName string }
		Subject struct{ CommonName string }
	}
	if err := c.do(ctx, r, &e); err != nil {
		return Certificate{}, err
	}
	if e.NotAfter.IsZero() {
		return Certificate{}, r.misread("no certificate")
	}

	found := e.Certificate
	found.ID = id
	found.IssuerCN = cmp.Or(found.IssuerCN, e.Issuer.CommonName)
	found.SubjectCN = cmp.Or(found.SubjectCN, e.Subject.CommonName)

	return found, nil
}

// UploadCertificate stores a certificate with its chain and private key, in PEM, leaf first, and
// returns its id. It is not repeated when the answer is lost: check first whether the certificate
// exists.
//
// Errors: ErrExists, together with the id, when the leaf is stored already. Then the stored bundle
// stays, even if its key or chain differ. UploadCertificate refuses Ed25519 keys: Tyk would store
// one, and then fail every detailed listing of the organisation.
func (c *Client) UploadCertificate(ctx context.Context, pem []byte) (id string, err error) {
	r := call{op: "uploading certificate", method: http.MethodPost, path: certsPath}
	wanted, err := uploadID(c.config.Org, pem)
	if err != nil {
		return "", r.failed(0, err.Error(), nil)
	}

	if r.body, r.contentType, err = upload(pem); err != nil {
		return "", err
	}

	var a answer
	err = c.do(ctx, r, &a)
	var refused *Error
	switch {
	case errors.As(err, &refused) && errors.Is(err, ErrExists):
		return foundID(wanted, refused.Message), err
	case err != nil:
		return "", err
	case a.ID == "":
		return wanted, nil
	}

	return a.ID, nil
}

// DeleteCertificate deletes a certificate by its id; deleting an absent one succeeds. The Dashboard
// does not check whether an API still uses it.
func (c *Client) DeleteCertificate(ctx context.Context, id string) error {
	return c.remove(ctx, "deleting certificate", certsPath, id)
}

// remove deletes one object; deleting an absent one succeeds.
func (c *Client) remove(ctx context.Context, op, base, id string) error {
	r, err := callOf(op, http.MethodDelete, base, id)
	if err != nil {
		return err
	}
	if err := c.do(ctx, r, &answer{}); !errors.Is(err, ErrNotFound) {
		return err
	}

	return nil
}

// upload returns the form of POST /api/certs. The Dashboard takes the first file and ignores the
// name of its field; tyk-sync and the operator call it "cert".
func upload(pem []byte) (body []byte, contentType string, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	file, err := w.CreateFormFile("cert", "cert.pem")
	if err == nil {
		_, err = file.Write(pem)
	}
	err = errors.Join(err, w.Close())

	return b.Bytes(), w.FormDataContentType(), err
}

var hexRun = regexp.MustCompile(`[a-f0-9]{10,}`)

// foundID returns the id in a message that says that a certificate exists. It is the computed one,
// unless the configured organisation is missing or wrong.
func foundID(wanted, message string) string {
	found := hexRun.FindString(message)
	if strings.Contains(wanted, found) {
		return wanted // also if the message is truncated or has no id
	}
	return found
}
