package catest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
)

// Moment is the time of a fault.
type Moment int

// A fault happens before the request takes effect, or after.
const (
	Before Moment = iota
	After
)

// Fault makes one request fail.
type Fault struct {
	Nth      int    // the number of the request, from 1, among those to Endpoint
	Endpoint string // Authsign, Info, or "" for any
	When     Moment

	Cut    bool             // close the connection without an answer
	Answer http.HandlerFunc // else call this; it may panic with http.ErrAbortHandler, which is also a cut
	Status int              // else answer with this status,
	Body   string
	Header http.Header // and these headers
}

// Request is one line of the request log.
type Request struct {
	Endpoint string
	Hosts    string // in requests to authsign, separated by commas
	Status   int    // 0 if the connection was cut
}

// String returns text like "authsign echo.default 200".
func (r Request) String() string {
	return strings.Join(strings.Fields(fmt.Sprintf("%s %s %d", r.Endpoint, r.Hosts, r.Status)), " ")
}

// Requests returns the log, in the order of the requests.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Fail adds a fault, which counts later requests.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
}

// observed logs requests and applies the faults.
func (s *Server) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}

		r.Body = io.NopCloser(bytes.NewReader(body))
		endpoint := strings.TrimPrefix(r.URL.Path, prefix)
		line, fault := s.arrived(Request{Endpoint: endpoint, Hosts: hostsOf(body)})

		answer := httptest.NewRecorder()
		if fault == nil || fault.When == After {
			next.ServeHTTP(answer, r)
		}

		if fault != nil {
			if fault.Cut {
				panic(http.ErrAbortHandler) // makes net/http close the connection without an answer
			}
			answer = fault.answer(r)
		}

		s.answered(line, answer.Code)
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}

		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes()) // fails if the client is gone, which does not matter
	})
}

// arrived adds a request to the log, and returns its fault, or nil. answered takes the line's
// number.
func (s *Server) arrived(r Request) (line int, hit *Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
	for i := range s.faults {
		f := &s.faults[i]
		if f.Endpoint != "" && f.Endpoint != r.Endpoint {
			continue
		}
		if f.Nth--; f.Nth == 0 && hit == nil {
			hit = new(*f)
		}
	}

	return len(s.requests) - 1, hit
}

func (s *Server) answered(line, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[line].Status = status
}

func (f *Fault) answer(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	if f.Answer != nil {
		f.Answer(w, r)
		return w
	}

	for name, values := range f.Header {
		w.Header()[name] = values
	}

	w.WriteHeader(f.Status)
	w.WriteString(f.Body)

	return w
}

// hostsOf returns the hosts of a request to authsign: JSON inside JSON.
func hostsOf(body []byte) string {
	var outer struct{ Request []byte }
	var inner struct{ Hostname string }
	if json.Unmarshal(body, &outer) != nil || json.Unmarshal(outer.Request, &inner) != nil {
		return ""
	}
	return inner.Hostname
}
