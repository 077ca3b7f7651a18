package dashboardtest

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"io"
	"math"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// Fault is a failure of one request or of several.
//
// To fail each request of a run once, count the requests of a good run with len(s.Requests()), and
// start a new server for each k with Fault{Request: k, ...}.
type Fault struct {
	// Method and Path select requests; "" selects all. Path may contain * for one segment:
	// "/api/apis/*".
	Method, Path string

	// Request is the number of the selected request that fails, counted from 1 since the call of
	// Fail; 0 means the first.
	Request int

	// Times is the number of successive requests that fail; 0 means one, -1 all.
	Times int

	// After lets the request take effect; only its answer is lost.
	After bool

	// Answer replaces the answer: Cut, Endless, Huge, Bomb, Hang, Truncated, Reply, Refusal,
	// Redirect, or any other handler.
	Answer http.HandlerFunc
}

// planned is a fault, and the number of its requests so far.
type planned struct {
	Fault
	seen int
}

// Fail adds faults. The first one that applies to a request wins.
func (s *Server) Fail(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range faults {
		f.Request = cmp.Or(f.Request, 1)
		f.Times = cmp.Or(f.Times, 1)
		s.faults = append(s.faults, &planned{Fault: f})
	}
}

// Heal removes all faults.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// hit counts a request for every fault and returns the one that applies to it, or nil.
func (s *Server) hit(r *http.Request) *planned {
	var struck *planned
	for _, f := range s.faults {
		if !f.selects(r) {
			continue
		}
		f.seen++

		due := f.seen >= f.Request && (f.Times < 0 || f.seen < f.Request+f.Times)
		if due && struck == nil {
			struck = f
		}
	}

	return struck
}

func (f *planned) selects(r *http.Request) bool {
	if f.Method != "" && f.Method != r.Method {
		return false
	}
	if f.Path == "" {
		return true
	}
	ok, err := path.Match(f.Path, r.URL.Path)
	if err != nil {
		panic("dashboardtest: fault with the path " + f.Path + ": " + err.Error())
	}

	return ok
}

// Cut ends the connection without an answer.
func Cut(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// Hang never answers. It returns when the client gives up, which net/http notices only after the
// body has been read.
func Hang(_ http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// Endless answers 200 with JSON that does not end.
func Endless(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	pour(w, r, math.MaxInt64)
}

// gibibyte is the size of an answer that no client should read to its end.
const gibibyte = 1 << 30

// Huge answers 200 with JSON of 1 GiB, and announces the length.
func Huge(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(gibibyte))
	pour(w, r, gibibyte)
}

// Bomb answers 200 with 1 GiB in gzip, which is about 1 MiB on the wire.
func Bomb(w http.ResponseWriter, _ *http.Request) {
	const mebibyte = 1 << 20
	var member bytes.Buffer // a gzip file may have several members (RFC 1952, section 2.2)
	packed := gzip.NewWriter(&member)
	packed.Write(bytes.Repeat([]byte("["), mebibyte))
	packed.Close()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Encoding", "gzip")
	for range gibibyte / mebibyte {
		if _, err := w.Write(member.Bytes()); err != nil {
			return
		}
	}
}

// pour writes the first size bytes of an endless listing, or stops when the client disconnects.
func pour(w io.Writer, r *http.Request, size int64) {
	chunk := []byte(strings.Repeat(`{"api_definition":{"id":"5f"}},`, 2000))
	n, err := w.Write([]byte(`{"apis":[`))
	for left := size - int64(n); left > 0 && err == nil && r.Context().Err() == nil; left -= int64(n) {
		n, err = w.Write(chunk[:min(left, int64(len(chunk)))])
	}
}

// Truncated promises more than it sends, and cuts the connection.
func Truncated(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", "1000")
	w.Write([]byte(`{"apis":[{"api_def`))
	http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// Reply answers with a status, a content type and a body.
func Reply(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		w.Write([]byte(body))
	}
}

// Refusal answers with a status, which may be 200, and the Dashboard's envelope for a failure.
func Refusal(status int, message string) http.HandlerFunc {
	return Reply(status, "application/json", `{"Status":"Error","Message":`+strconv.Quote(message)+`,"Meta":null}`)
}

// Redirect answers 307 with another address.
func Redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, to, http.StatusTemporaryRedirect)
	}
}
