// Package dashboardtest is a Tyk Dashboard for tests. It is an HTTP server with state,
// authentication, paging, and the real Dashboard's answers and errors. Options choose among the
// behaviours of different Dashboards; faults can be injected; requests are logged.
//
//	s := dashboardtest.New(dashboardtest.Options{UniqueSlugs: true})
//	defer s.Close()
//	s.Fail(dashboardtest.Fault{Request: 3, After: true, Answer: dashboardtest.Cut})
//	// ... point a client at s.URL with s.Secret ...
//	t.Log(s.Log(), s.APIs())
//
// The Put and Drop methods change the state without a request. APIs, Certificates, Requests and Log
// return snapshots. All methods may be called during requests.
//
// The server follows "Tyk Dashboard API" as far as clients can notice. It never serves an API and
// never talks to a gateway. Its ids are consecutive, so that the same requests in the same order
// give the same answers.
package dashboardtest

import (
	"cmp"
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

// Access is the permission of a key for one kind of object.
type Access int

// The zero value is full access.
const (
	Write Access = iota
	Read
	None
)

// Rights are the permissions of a key, and its user (for Options.Ownership).
type Rights struct {
	APIs, Certificates Access

	Admin  bool     // the user sees and changes every API
	User   string   // the id of the user, as user_owners of an API names it
	Groups []string // the ids of the user's groups, as user_group_owners names them
}

// Options describe a kind of Dashboard. The zero value is a current one that accepts everything
// that it should.
type Options struct {
	Addr string // to listen on; "" is a free port on 127.0.0.1
	TLS  bool   // with a certificate that no system trusts; Certificate returns it

	Secret string            // the key; DefaultSecret if empty
	Rights Rights            // of that key
	Keys   map[string]Rights // further keys
	Org    string            // DefaultOrg if empty

	PageSize int              // 10 if zero
	Latency  time.Duration    // of each request
	Now      func() time.Time // decides which certificates have expired; time.Now if nil

	// Differences between Dashboards.

	AlwaysPages            bool // pages even if everything was asked for
	AssignsAPIID           bool // create ignores the given api_id and assigns one; update keeps the given one
	KeepsAPIID             bool // update ignores the given api_id, too
	NoIDInCreate           bool // the answer to a create has no "ID"
	OnlyDatabaseIDs        bool // {id} in a path cannot be an api_id
	UnknownIs404           bool // reading an unknown API answers 404, not 400
	LowerCaseKeys          bool // "status" and "message" for "Status" and "Message"
	AddsDefaults           bool // definitions gain default fields
	NoDetailedCertificates bool // mode=detailed is ignored
	NoCertificateAPIs      bool // GET /api/certs/{id}/apis does not exist (before 5.11)
	CertificateExists      int  // the status for a duplicate certificate; 404 if zero, gateways say 403
	UniqueSlugs            bool // two APIs cannot share a slug
	UniqueListenPaths      bool // two APIs cannot share listen path and domain
	IgnoresDomains         bool // two APIs cannot share a listen path, whatever their domains
	NoDomainPatterns       bool // a domain cannot contain { }
	OASAPIs                int  // the number of OpenAPI definitions, listed beside the others: oas-1, oas-2, ...

	// Visibility of APIs.

	Ownership        bool // users see APIs without an owner, and those that they or their groups own (enable_ownership)
	UnknownIs401     bool // with Ownership: users who are no admins get 401 for an unknown id (before 5.14.0, 5.13.1 and 5.8.15)
	OwnedByWriter    bool // the groups of a key, or without groups its user, come to own each API that it writes (an OPA rule)
	HidesKeys        bool // GET /api/users shows no keys (forbid_admin_view_access_token)
	ShowsForeignUses bool // with Ownership: GET /api/certs/{id}/apis also shows APIs that the key may not see

	// Incomplete listings of APIs.

	Truncates int  // a listing shows only its first APIs, this many
	CountsAll bool // with Truncates: "pages" counts all APIs
	Lag       int  // a write shows in listings after this many further requests; Put and Drop methods show at once
	LagsByID  bool // with Lag: a read by id lags, too

	// Changes of stored APIs (rewrite.go).

	AddsSlashes     bool                 // a listen path gets a slash at its end
	ListenPathIsID  bool                 // the listen path is /<api_id>/ (force_api_defaults of old)
	Forces          string               // fields that are set, "proxy.strip_listen_path=true active=true" (force_api_defaults, an OPA rule)
	Drops           string               // fields that are lost, "config_data slug expiration"
	DropsUnknown    bool                 // nested fields outside of the schema of 2.9.0 are lost
	DropsCategories bool                 // the #words of a name are lost
	Rewrite         func(*dashboard.API) // any other change

	// Refusals.

	MaxAPIs      int    // the licence's limit; one more API is refused with 403
	ClashMessage string // for duplicate slugs or listen paths; "" is a default message for each
	ClashStatus  int    // for these; 400 if zero
}

// Server is a running Dashboard. Its methods are safe for concurrent use.
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
	texts  map[*dashboard.API][]byte // their entries in listings
	lag    lag
	certs  []*certificate
	faults []*planned

	logMu    sync.Mutex // apart from mu, which is held while an answer is written
	requests []*Request
}

// New starts a Dashboard. It panics if it cannot listen, as httptest does.
func New(o Options) *Server {
	o.Secret = cmp.Or(o.Secret, DefaultSecret)
	o.Org = cmp.Or(o.Org, DefaultOrg)
	o.PageSize = cmp.Or(o.PageSize, 10)
	o.CertificateExists = cmp.Or(o.CertificateExists, http.StatusNotFound)
	o.ClashStatus = cmp.Or(o.ClashStatus, http.StatusBadRequest)
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

// oas returns an OpenAPI definition in its classic form, as listings contain it. updateAPI refuses
// to change such an API.
func oas(slug string) dashboard.API {
	return dashboard.API{Definition: dashboard.Definition{
		"name": slug, "slug": slug, "api_id": "of-" + slug, "is_oas": true, "active": true,
		"proxy": map[string]any{"listen_path": "/" + slug + "/", "target_url": "http://" + slug + ".example.com"},
	}}
}

// Close stops the server and cuts pending requests.
func (s *Server) Close() {
	_ = s.http.Listener.Close() // first, so that clients cannot reconnect after the cut
	s.http.CloseClientConnections()
	s.http.Close()
}

// Certificate returns the server's own TLS certificate in DER, with Options.TLS.
func (s *Server) Certificate() []byte { return s.http.Certificate().Raw }

// Client returns a client of the server, with its key.
func (s *Server) Client() (*dashboard.Client, error) {
	return dashboard.New(dashboard.Config{URL: s.URL, Secret: s.Secret, Org: s.Org, Backoff: time.Millisecond})
}

// ServeHTTP answers one request. It logs the request, waits for Options.Latency, and then applies a
// fault or handles the request.
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

// unheard handles a request and discards the answer.
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
	select {
	case <-time.After(s.options.Latency):
		return true
	case <-r.Context().Done():
		return false
	}
}

// handle handles requests one at a time.
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

// alive answers probes, which have no key.
func (s *Server) alive(w http.ResponseWriter, _ *http.Request) {
	s.json(w, http.StatusOK, map[string]any{"status": "pass"})
}

// allowed returns a handler that checks the key and its rights first. The key is sent without a
// scheme.
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
