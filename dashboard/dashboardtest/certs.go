package dashboardtest

import (
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/dashboard"
)

// certificate is one entry of the store.
type certificate struct {
	dashboard.Certificate
	pem []byte

	// broken certificates have an Ed25519 key, or are lost. The store cannot read one, and fails
	// every detailed listing until it is deleted.
	broken bool
}

func (s *Server) listCertificates(w http.ResponseWriter, r *http.Request, _ Rights) {
	part, pages := paged(s, r, s.certs, len(s.certs))
	if r.URL.Query().Get("mode") != "detailed" || s.options.NoDetailedCertificates {
		var ids []string // null if empty
		for _, c := range part {
			ids = append(ids, c.ID)
		}
		s.json(w, http.StatusOK, map[string]any{"certs": ids, "pages": pages})
		return
	}

	basics := []map[string]any{}
	for _, c := range part {
		if c.broken {
			panic(http.ErrAbortHandler)
		}
		basics = append(basics, map[string]any{
			"id": c.ID, "issuer_cn": c.IssuerCN, "subject_cn": c.SubjectCN, "dns_names": c.DNSNames,
			"has_private": c.HasPrivate, "not_before": c.NotBefore, "not_after": c.NotAfter, "is_ca": c.IsCA,
		})
	}

	s.json(w, http.StatusOK, map[string]any{"cert_basics": basics, "pages": pages})
}

const noCertificate = "Could not retrieve certificate details. Certificate with given SHA256 fingerprint not found"

func (s *Server) readCertificate(w http.ResponseWriter, r *http.Request, _ Rights) {
	id := r.PathValue("id")
	if !s.owns(w, id) {
		return
	}

	c := s.certificate(id)
	if c == nil || c.broken {
		s.refuse(w, http.StatusNotFound, noCertificate)
		return
	}

	body := map[string]any{
		"id": c.ID, "fingerprint": strings.TrimPrefix(c.ID, s.Org), "has_private": c.HasPrivate,
		"issuer": map[string]any{"CommonName": c.IssuerCN}, "subject": map[string]any{"CommonName": c.SubjectCN},
		"not_before": c.NotBefore, "not_after": c.NotAfter, "is_ca": c.IsCA,
	}
	if len(c.DNSNames) > 0 {
		body["dns_names"] = c.DNSNames
	}

	s.json(w, http.StatusOK, body)
}

func (s *Server) uploadCertificate(w http.ResponseWriter, r *http.Request, _ Rights) {
	bundle, err := firstFile(r)
	if err != nil {
		s.refuse(w, http.StatusInternalServerError, "Failed to read response body, body empty.")
		return
	}

	c, err := s.parse(bundle)
	if err != nil {
		s.refuse(w, http.StatusBadRequest, "Could not create certificate. "+err.Error())
		return
	}

	if s.certificate(c.ID) != nil {
		s.refuse(w, s.options.CertificateExists, "Could not create certificate. Certificate with "+c.ID+" id already exists")
		return
	}

	s.certs = append(s.certs, c)
	s.json(w, http.StatusOK, map[string]any{"id": c.ID, "status": "ok", "message": "Certificate added"})
}

// firstFile returns the first file of a form, and ignores the name of its field.
func firstFile(r *http.Request) ([]byte, error) {
	form, err := r.MultipartReader()
	if err != nil {
		return nil, err
	}

	for {
		part, err := form.NextPart()
		if err != nil {
			return nil, err
		}
		if part.FileName() != "" {
			return io.ReadAll(io.LimitReader(part, maxBody))
		}
	}
}

func (s *Server) parse(bundle []byte) (*certificate, error) {
	facts, err := dashboard.ParseCertificate(s.Org, bundle)
	if err != nil {
		return nil, err
	}
	c := &certificate{Certificate: facts, pem: bundle, broken: ed25519(bundle)}
	return c, dashboard.CheckBundle(bundle, s.options.Now())
}

func ed25519(bundle []byte) bool {
	block, _ := pem.Decode(bundle)
	if block == nil {
		return false
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	return err == nil && leaf.PublicKeyAlgorithm == x509.Ed25519
}

// deleteCertificate gives the same answer for absent certificates, as the gateway behind the
// Dashboard does.
func (s *Server) deleteCertificate(w http.ResponseWriter, r *http.Request, _ Rights) {
	id := r.PathValue("id")
	if !s.owns(w, id) {
		return
	}
	s.certs = slices.DeleteFunc(s.certs, func(c *certificate) bool { return c.ID == id })
	s.json(w, http.StatusOK, map[string]any{"status": "ok", "message": "removed"})
}

// listUses lists the APIs that name a certificate and that the user may see.
func (s *Server) listUses(w http.ResponseWriter, r *http.Request, by Rights) {
	id := r.PathValue("id")
	if !s.owns(w, id) {
		return
	}

	if s.certificate(id) == nil {
		s.refuse(w, http.StatusNotFound, noCertificate)
		return
	}

	uses := []map[string]any{}
	for _, a := range s.shown() {
		d, kind := a.Definition, "classic"
		usage := d.CertificateUsage(id)
		if len(usage) == 0 || !s.options.ShowsForeignUses && !s.sees(by, a) {
			continue
		}
		if d.IsOAS() {
			kind = "oas"
		}

		uses = append(uses, map[string]any{"api_id": d.APIID(), "name": d.Name(), "usage_type": usage, "tyk_api_type": kind})
	}

	part, pages := paged(s, r, uses, len(uses))
	s.json(w, http.StatusOK, map[string]any{"cert_id": id, "apis": part, "pages": pages})
}

// owns reports whether an id begins with the organisation's id. If not, it refuses the request.
func (s *Server) owns(w http.ResponseWriter, id string) bool {
	if strings.HasPrefix(id, s.Org) {
		return true
	}
	s.refuse(w, http.StatusBadRequest, "Attempted access to non-owned certificate.")
	return false
}

func (s *Server) certificate(id string) *certificate {
	for _, c := range s.certs {
		if c.ID == id {
			return c
		}
	}
	return nil
}
