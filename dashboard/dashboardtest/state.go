package dashboardtest

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/dashboard"
)

// Request is one logged request.
type Request struct {
	Method string
	Path   string
	Query  string // as sent
	Status int    // of the answer; 0 if the connection was cut or is still open

	// Name is the path with stable names in place of ids: the slug of an API, the common name of a
	// certificate, or "absent". Example: "/api/apis/{echo-inbound}".
	Name string
}

// String returns the request as a log line: "GET /api/apis?p=-2 -> 200".
func (r Request) String() string {
	query, status := "", "cut"
	if r.Query != "" {
		query = "?" + r.Query
	}

	if r.Status != 0 {
		status = fmt.Sprint(r.Status)
	}

	return r.Method + " " + r.Name + query + " -> " + status
}

// Requests returns the requests so far, in their order.
func (s *Server) Requests() []Request {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	var out []Request
	for _, r := range s.requests {
		out = append(out, *r)
	}
	return out
}

// Log returns the requests as text, a line each. Concurrent clients may change the order of the
// lines.
func (s *Server) Log() string {
	var b strings.Builder
	for _, r := range s.Requests() {
		fmt.Fprintln(&b, r)
	}
	return b.String()
}

// ClearLog empties the log.
func (s *Server) ClearLog() {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	s.requests = nil
}

// APIs returns copies of the stored APIs, oldest first.
func (s *Server) APIs() []dashboard.API {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []dashboard.API
	for _, a := range s.apis {
		out = append(out, dashboard.API{Definition: a.Definition.Clone(), Envelope: maps.Clone(a.Envelope)})
	}
	return out
}

// PutAPI stores an API without any check, and returns its database id. It replaces a stored API
// with the same id.
func (s *Server) PutAPI(a dashboard.API) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stored := &dashboard.API{Definition: a.Definition.Clone(), Envelope: maps.Clone(unsent)}
	maps.Copy(stored.Envelope, a.Envelope)
	s.finish(stored)
	defer s.settle()
	for _, old := range s.apis {
		if id := a.Definition.ID(); id != "" && id == old.Definition.ID() {
			s.replace(old, stored)
			return id
		}
	}

	s.keep(stored)

	return stored.Definition.ID()
}

// GiveAPI replaces the owners of an API, named by its database id.
func (s *Server) GiveAPI(id string, users, groups []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, old := range s.apis {
		if old.Definition.ID() == id {
			given := &dashboard.API{Definition: old.Definition, Envelope: maps.Clone(old.Envelope)}
			setOwners(given, users, groups)
			s.replace(old, given)
		}
	}

	s.settle()
}

// DropAPI deletes an API by its database id.
func (s *Server) DropAPI(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apis = slices.DeleteFunc(s.apis, func(a *dashboard.API) bool { return a.Definition.ID() == id })
	s.settle()
}

// Certificates returns the stored certificates, oldest first.
func (s *Server) Certificates() []dashboard.Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []dashboard.Certificate
	for _, c := range s.certs {
		out = append(out, c.Certificate)
	}
	return out
}

// PEM returns the uploaded bundle of a certificate; nil if no certificate has that id.
func (s *Server) PEM(id string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.certificate(id); c != nil {
		return slices.Clone(c.pem)
	}
	return nil
}

// PutCertificate stores a certificate, even one that an upload would refuse, and returns its id. It
// panics if the bundle contains no certificate.
func (s *Server) PutCertificate(pem []byte) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()

	c, err := s.parse(pem)
	if c == nil {
		panic("dashboardtest: " + err.Error())
	}

	if s.certificate(c.ID) == nil {
		s.certs = append(s.certs, c)
	}

	return c.ID
}

// DropCertificate deletes a certificate by its id.
func (s *Server) DropCertificate(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.certs = slices.DeleteFunc(s.certs, func(c *certificate) bool { return c.ID == id })
}

// LoseCertificate loses a certificate and keeps its id in listings, as a gateway does whose Redis
// has evicted it.
func (s *Server) LoseCertificate(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.certificate(id); c != nil {
		c.broken = true
	}
}

// arrive logs a request and returns its fault, or nil.
func (s *Server) arrive(r *http.Request) (entry *Request, fault *planned) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entry = &Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Name: s.name(r.URL.Path)}
	s.logMu.Lock()
	defer s.logMu.Unlock()
	s.requests = append(s.requests, entry)
	return entry, s.hit(r)
}

func (s *Server) answered(entry *Request, status int) {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	entry.Status = status
}

// name returns a path with a stable name in place of its id.
func (s *Server) name(path string) string {
	for _, base := range []string{"/api/apis/", "/api/certs/"} {
		id, ok := strings.CutPrefix(path, base)
		if !ok {
			continue
		}

		id, rest, below := strings.Cut(id, "/")
		if below {
			rest = "/" + rest
		}

		if a := s.find(s.apis, id); a != nil {
			return base + "{" + cmp.Or(a.Definition.Slug(), a.Definition.Name()) + "}" + rest
		}
		if c := s.certificate(id); c != nil {
			return base + "{" + c.SubjectCN + "}" + rest
		}

		return base + "{absent}" + rest
	}

	return path
}

// recorder notes the status of an answer before the client receives it.
type recorder struct {
	http.ResponseWriter
	note    func(status int)
	started bool
}

func (r *recorder) WriteHeader(status int) {
	if !r.started {
		r.started = true
		r.note(status)
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if !r.started {
		r.WriteHeader(http.StatusOK)
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController flush.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
