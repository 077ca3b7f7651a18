package dashboard

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// answer is what the Dashboard's answers have in common. encoding/json matches keys without regard
// to case, which is needed: some calls capitalise them and some do not.
type answer struct {
	Status  string
	Message string
	Errors  []string
	Meta    any
	ID      string
}

// readField reads a field that answers have in common, or passes over it.
func (a *answer) readField(v *incoming, name string) error {
	switch strings.ToLower(name) {
	case "status":
		return v.decode(&a.Status)
	case "message":
		return v.decode(&a.Message)
	case "errors":
		return v.decode(&a.Errors)
	}

	return v.skip()
}

// answered is an answer, or a struct that embeds one beside its own fields.
type answered interface{ base() *answer }

func (a *answer) base() *answer { return a }

func (a *answer) message() string {
	parts := a.Errors
	if a.Message != "" {
		parts = append([]string{a.Message}, parts...)
	}

	if len(parts) == 0 {
		return "no message"
	}

	return strings.Join(parts, "; ")
}

// lenient reads what it can of an answer that reports a failure, and says whether it was a JSON
// object at all. A field of an unexpected type is no reason to lose the others.
func lenient(body []byte, a *answer) bool {
	err := json.Unmarshal(body, a)
	var mismatch *json.UnmarshalTypeError
	return err == nil && string(body) != "null" || errors.As(err, &mismatch) && mismatch.Field != ""
}

// foreign describes an answer that is no Dashboard's: a proxy's page, a redirect.
func foreign(got *reply, key string) string {
	status := got.status
	if to, err := url.Parse(got.header.Get("Location")); err == nil && status/100 == 3 && to.Host != "" {
		return "redirects to " + to.Scheme + "://" + to.Host + ", which is not followed"
	}
	// Twice as much is searched for the key as is kept, so that none is cut in two.
	page := strings.ReplaceAll(string(got.body[:min(len(got.body), 2*maxPage)]), key, redacted)
	page = markup.ReplaceAllString(page[:min(len(page), maxPage)], " ")

	return "not a Dashboard's answer (" + http.StatusText(status) + "): " + page
}

// maxPage is how much of a page is looked at for something to show of it.
const maxPage = 4096

var markup = regexp.MustCompile(`(?s)<(style|script).*?</(style|script)>|<[^>]*>`)

// existing matches what is said when something is taken. The texts are not documented and differ
// between versions: "same ID" is Dashboard 5's, "id already exists" the gateway's for certificates,
// "seems to exist" tyk-sync's, "duplicate key" MongoDB's. A schema's "items must be unique" is none
// of them.
var existing = regexp.MustCompile(`(?i)\bsame id\b|already (exists?|in use|used|taken)|exists already|seems to exist|duplicate key|(path|slug) (is in use|is taken|must be unique)`)

// licence matches the words of a licence that allows no more.
var licence = regexp.MustCompile(`(?i)\blicen[cs]e`)

// certificateAbsent matches the words for a certificate that is not there.
var certificateAbsent = regexp.MustCompile(`(?i)certificate.*not found|could not retrieve certificate`)

// classify gives a refusal its sentinel. The first line that applies counts:
//
//	401, about one object                               ErrNotVisible
//	401                                                 ErrUnauthorized
//	POST or PUT: 409, or a text that says "exists",     ErrExists
//	  under any status
//	403, with words about a licence                     ErrLicence
//	403                                                 ErrUnauthorized
//	certificates: 400 "Could not retrieve certs."       ErrNoGateway
//	uses of a certificate: 404 or 400 with a JSON body  ErrNotFound
//	  whose words say that the certificate is not there
//	uses of a certificate: 404 or 405, but no page      ErrUnsupported
//	one object: 404 with a JSON body, or 400            ErrNotFound
//	  "Could not retrieve API detail"
//
// A 404 that is no JSON is a wrong URL or a proxy, and proves nothing absent. A 401 about one
// object may mean that the key is unknown, that the object belongs to others, or, before 5.14.0,
// that there is no such object.
func classify(r call, got *reply, isJSON bool, message string) error {
	writes := r.method == http.MethodPost || r.method == http.MethodPut
	switch {
	case got.status == http.StatusUnauthorized && r.item:
		return ErrNotVisible
	case got.status == http.StatusUnauthorized:
		return ErrUnauthorized
	case writes && (got.status == http.StatusConflict || existing.MatchString(message)):
		return ErrExists
	case got.status == http.StatusForbidden && licence.MatchString(strings.ReplaceAll(message, r.path, "")):
		return ErrLicence
	case got.status == http.StatusForbidden:
		return ErrUnauthorized
	case lostGateway(r, got.status, message):
		return ErrNoGateway
	case r.uses:
		return classifyUses(got, isJSON, message)
	case r.item && absent(got.status, isJSON, message):
		return ErrNotFound
	}

	return nil
}

// lostGateway reports whether the Dashboard says that it cannot ask its gateway.
func lostGateway(r call, status int, message string) bool {
	return status == http.StatusBadRequest && strings.HasPrefix(r.path, certsPath) && strings.Contains(squeeze(message), "couldnotretrievecerts")
}

// absent reports whether the Dashboard itself says that there is no such object.
func absent(status int, isJSON bool, message string) bool {
	return status == http.StatusNotFound && isJSON ||
		status == http.StatusBadRequest && strings.Contains(squeeze(message), "couldnotretrieveapidetail")
}

// classifyUses does the part of classify about the uses of a certificate.
func classifyUses(got *reply, isJSON bool, message string) error {
	missing := got.status == http.StatusNotFound
	switch {
	case isJSON && (missing || got.status == http.StatusBadRequest) && certificateAbsent.MatchString(message):
		return ErrNotFound
	case (missing || got.status == http.StatusMethodNotAllowed) && !isPage(got):
		return ErrUnsupported
	}

	return nil
}

// isPage reports whether an answer is a page for people to read.
func isPage(got *reply) bool {
	return strings.Contains(got.header.Get("Content-Type"), "html") || bytes.HasPrefix(bytes.TrimSpace(got.body), []byte("<"))
}

// squeeze drops case and spaces, in which the wordings of versions differ.
func squeeze(s string) string {
	return strings.ToLower(strings.Join(strings.Fields(s), ""))
}
