// Package dashboardtest is a Tyk Dashboard for tests: an HTTP server with state, authentication,
// paging, the envelopes and error shapes of the real one, the ways in which Dashboards differ from
// each other, faults on request, and a log of requests.
//
//	s := dashboardtest.New(dashboardtest.Options{UniqueSlugs: true})
//	defer s.Close()
//	s.Fail(dashboardtest.Fault{Request: 3, After: true, Answer: dashboardtest.Cut})
//	// ... point a client at s.URL with s.Secret ...
//	t.Log(s.Log(), s.APIs())
//
// Options fix what kind of Dashboard it is, Fail plans what goes wrong, the Put and Drop methods
// change the state behind the back of clients, and APIs, Certificates, Requests and Log are
// snapshots. All of it may be used while requests are under way.
//
// It follows "Tyk Dashboard API" as far as its clients could notice. It never serves an API, never
// talks to a gateway, and its ids are counted up, so that the same requests in the same order give
// the same answers.
package dashboardtest

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/tykmesh/tykmesh/dashboard"
)

// The key and the organisation of a server whose Options name none.
const (
	DefaultSecret = "dash-secret"
	DefaultOrg    = "5d64a47fed63100001b2f2ac"
)

// Access is what a key may do with one kind of object.
type Access int

// The zero value is full access.
const (
	Write Access = iota
	Read
	None
)

// Rights are the permissions of a key, and with Options.Ownership the user behind it.
type Rights struct {
	APIs, Certificates Access

	Admin  bool     // the user sees and changes every API
	User   string   // the id of the user, as user_owners of an API names it
	Groups []string // the ids of the user's groups, as user_group_owners names them
}

// Options say what kind of Dashboard it is. The zero value is a current one that accepts everything
// that it should.
type Options struct {
	Addr string // where to listen; "" is a free port on 127.0.0.1
	TLS  bool   // with a certificate that no system trusts; Certificate returns it

	Secret string            // the key; DefaultSecret if empty
	Rights Rights            // of that key
	Keys   map[string]Rights // further keys
	Org    string            // DefaultOrg if empty

	PageSize int              // 10 if zero
	Latency  time.Duration    // of each request
	Now      func() time.Time // says which certificates have expired; time.Now if nil

	// Ways in which Dashboards differ.

	AlwaysPages            bool // pages although everything was asked for
	AssignsAPIID           bool // create drops the given api_id and makes its own; update keeps the given one
	KeepsAPIID             bool // update drops the given api_id too
	NoIDInCreate           bool // the answer to a create has no "ID"
	OnlyDatabaseIDs        bool // {id} in a path is not looked up as api_id
	UnknownIs404           bool // reading an unknown API answers 404, not 400
	LowerCaseKeys          bool // "status" and "message" for "Status" and "Message"
	AddsDefaults           bool // definitions come back with fields that nobody sent
	NoDetailedCertificates bool // mode=detailed is ignored
	NoCertificateAPIs      bool // GET /api/certs/{id}/apis is not there (before 5.11)
	CertificateExists      int  // the status for a certificate that is there; 404 if zero, gateways say 403
	UniqueSlugs            bool // two APIs cannot share a slug
	UniqueListenPaths      bool // two APIs cannot share listen path and domain
	IgnoresDomains         bool // two APIs cannot share a listen path, whatever their domains
	NoDomainPatterns       bool // a domain cannot hold { }
	OASAPIs                int  // so many OpenAPI definitions are there, and listed beside the others: oas-1, oas-2, ...

	// Who sees which API.

	Ownership        bool // a user sees the APIs without an owner, and those that the user or one of the user's groups owns (enable_ownership)
	UnknownIs401     bool // with Ownership: a user who is no admin gets 401 for an id that no API has (before 5.14.0, 5.13.1 and 5.8.15)
	OwnedByWriter    bool // the groups of a key, or without groups its user, become the owners of each API that it writes (an OPA rule)
	HidesKeys        bool // GET /api/users shows nobody's key (forbid_admin_view_access_token)
	ShowsForeignUses bool // with Ownership: GET /api/certs/{id}/apis shows the APIs that the key may not see, too

	// What a listing of APIs leaves out.

	Truncates int  // a listing shows its first so many APIs and leaves out the others
	CountsAll bool // with Truncates: "pages" counts the APIs that are left out, too
	Lag       int  // a write shows in listings after so many further requests; changes by Put and Drop methods show at once
	LagsByID  bool // with Lag: a write shows to a read by id no sooner

	// What becomes of an API that it stores (rewrite.go).

	AddsSlashes     bool                 // a listen path gets a slash at its end
	ListenPathIsID  bool                 // the listen path is /<api_id>/ (force_api_defaults of old)
	Forces          string               // fields that it sets, "proxy.strip_listen_path=true active=true" (force_api_defaults, an OPA rule)
	Drops           string               // fields that it does not keep, "config_data slug expiration"
	DropsUnknown    bool                 // nested fields that the schema of 2.9.0 does not have are not kept
	DropsCategories bool                 // the #words of a name are not kept
	Rewrite         func(*dashboard.API) // any other change

	// What it refuses.

	MaxAPIs      int    // the licence allows so many APIs; one more is refused with 403
	ClashMessage string // of a clash of slugs or listen paths; "" is a text for each
	ClashStatus  int    // of such a clash; 400 if zero
}

// Server is a Dashboard that runs. Its methods are safe for concurrent use.
type Server struct {
	URL    string
	Secret string
	Org    string

	http     *httptest.Server
	calls    *http.ServeMux
	options  Options
	rewrites []rewrite

	mu     sync.Mutex
	count  int // of ids given out
	apis   []*dashboard.API
	texts  map[*dashboard.API][]byte // as they are listed
	lag    lag
	certs  []*certificate
	faults []*planned

	logMu    sync.Mutex // apart from mu, which is held while an answer is written
	requests []*Request
}

// New starts a Dashboard. It panics if it cannot listen, as httptest does.
func New(o Options) *Server {
	if o.Secret == "" {
		o.Secret = DefaultSecret
	}

	if o.Org == "" {
		o.Org = DefaultOrg
	}

	if o.PageSize == 0 {
		o.PageSize = 10
	}

	if o.CertificateExists == 0 {
		o.CertificateExists = http.StatusNotFound
	}

	if o.ClashStatus == 0 {
		o.ClashStatus = http.StatusBadRequest
	}

	if o.Now == nil {
		o.Now = time.Now
	}

	s := &Server{Secret: o.Secret, Org: o.Org, options: o, texts: make(map[*dashboard.API][]byte)}
	s.rewrites = rewritesOf(&o)
	for i := range o.OASAPIs {
		s.PutAPI(oas(fmt.Sprint("oas-", i+1)))
	}

	s.calls = s.routes()
	s.http = httptest.NewUnstartedServer(s)
	if o.Addr != "" {
		l, err := net.Listen("tcp", o.Addr)
		if err != nil {
			panic("dashboardtest: " + err.Error())
		}
		s.http.Listener.Close()
		s.http.Listener = l
	}

	if o.TLS {
		s.http.StartTLS()
	} else {
		s.http.Start()
	}

	s.URL = s.http.URL

	return s
}

// oas returns an OpenAPI definition in its classic form, as listings have it. This endpoint does
// not change such an API (updateAPI).
func oas(slug string) dashboard.API {
	return dashboard.API{Definition: dashboard.Definition{
		"name": slug, "slug": slug, "api_id": "of-" + slug, "is_oas": true, "active": true,
		"proxy": map[string]any{"listen_path": "/" + slug + "/", "target_url": "http://" + slug + ".example.com"},
	}}
}

// Close stops the server; requests that hang are cut.
func (s *Server) Close() {
	_ = s.http.Listener.Close() // first, so that nobody whose connection is cut finds it open
	s.http.CloseClientConnections()
	s.http.Close()
}

// Certificate returns the server's own TLS certificate in DER, with Options.TLS.
func (s *Server) Certificate() []byte { return s.http.Certificate().Raw }

// Client returns a client of the server, with its key.
func (s *Server) Client() (*dashboard.Client, error) {
	return dashboard.New(dashboard.Config{URL: s.URL, Secret: s.Secret, Org: s.Org, Backoff: time.Millisecond})
}

// ServeHTTP answers one request: it is logged, held up, failed if that is planned, and else
// handled.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	entry, fault := s.arrive(r)
	seen := &recorder{ResponseWriter: w, note: func(status int) { s.answered(entry, status) }}
	if !s.wait(r) {
		return
	}

	switch {
	case fault == nil:
		s.handle(seen, r)
	case fault.After:
		s.unheard(r)
		fault.Answer(seen, r)
	default:
		fault.Answer(seen, r)
	}
}

// unheard handles a request whose answer nobody gets, not even a cut.
func (s *Server) unheard(r *http.Request) {
	defer func() {
		if p := recover(); p != nil && p != any(http.ErrAbortHandler) {
			panic(p)
		}
	}()
	s.handle(httptest.NewRecorder(), r)
}

func (s *Server) wait(r *http.Request) bool {
	if s.options.Latency == 0 {
		return true
	}
	t := time.NewTimer(s.options.Latency)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// handle hands a request to its call, one at a time.
func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lag.requests++
	s.calls.ServeHTTP(w, r)
}

// handler answers a request of a user who has these rights.
type handler func(w http.ResponseWriter, r *http.Request, by Rights)

func (s *Server) routes() *http.ServeMux {
	apis := func(h handler) http.HandlerFunc {
		return s.allowed(h, func(r Rights) Access { return r.APIs })
	}
	certs := func(h handler) http.HandlerFunc {
		return s.allowed(h, func(r Rights) Access { return r.Certificates })
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", s.alive)
	mux.HandleFunc("GET /health", s.alive)
	mux.HandleFunc("GET /api/apis", apis(s.listAPIs))
	mux.HandleFunc("POST /api/apis", apis(s.createAPI))
	mux.HandleFunc("GET /api/apis/{id}", apis(s.readAPI))
	mux.HandleFunc("PUT /api/apis/{id}", apis(s.updateAPI))
	mux.HandleFunc("DELETE /api/apis/{id}", apis(s.deleteAPI))
	mux.HandleFunc("GET /api/certs", certs(s.listCertificates))
	mux.HandleFunc("POST /api/certs", certs(s.uploadCertificate))
	mux.HandleFunc("GET /api/certs/{id}", certs(s.readCertificate))
	mux.HandleFunc("DELETE /api/certs/{id}", certs(s.deleteCertificate))
	mux.HandleFunc("GET /api/users", s.listUsers)
	if !s.options.NoCertificateAPIs {
		mux.HandleFunc("GET /api/certs/{id}/apis", certs(s.listUses))
	}

	return mux
}

// alive is for probes, which have no key.
func (s *Server) alive(w http.ResponseWriter, _ *http.Request) {
	s.json(w, http.StatusOK, map[string]any{"status": "pass"})
}

// allowed checks the key and what it may do. The key is sent bare, without a scheme.
func (s *Server) allowed(h handler, part func(Rights) Access) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("Authorization")
		rights, known := s.options.Keys[key]
		if key == s.Secret {
			rights, known = s.options.Rights, true
		}

		switch access := part(rights); {
		case !known:
			s.refuse(w, http.StatusUnauthorized, "Not authorised")
		case access == None || access == Read && r.Method != http.MethodGet:
			s.refuse(w, http.StatusForbidden, "access denied: You do not have permission to access "+r.URL.Path)
		default:
			h(w, r, rights)
		}
	}
}
