package dashboard

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// answer holds the fields that the Dashboard's answers have in common. encoding/json ignores the
// case of keys, which is needed: some calls capitalise them and some do not.
type answer struct {
	Status  string
	Message string
	Errors  []string
	Meta    any
	ID      string
}

// readField reads a field that answers have in common, and skips any other.
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
	parts := slices.DeleteFunc(append([]string{a.Message}, a.Errors...), func(s string) bool { return s == "" })
	return cmp.Or(strings.Join(parts, "; "), "no message")
}

// lenient reads an answer that reports a failure, and reports whether it is a JSON object. A field
// of an unexpected type does not stop it from reading the others.
func lenient(body []byte, a *answer) bool {
	err := json.Unmarshal(body, a)
	var mismatch *json.UnmarshalTypeError
	return err == nil && string(body) != "null" || errors.As(err, &mismatch) && mismatch.Field != ""
}

// foreign describes an answer that does not come from a Dashboard: a proxy's page, a redirect.
func foreign(got *reply, key string) string {
	status := got.status
	if to, err := url.Parse(got.header.Get("Location")); err == nil && status/100 == 3 && to.Host != "" {
		return "redirects to " + to.Scheme + "://" + to.Host + ", which is not followed"
	}
	// Search twice maxPage for the key, so that no key is cut in two and missed.
	page := strings.ReplaceAll(string(got.body[:min(len(got.body), 2*maxPage)]), key, redacted)
	page = markup.ReplaceAllString(page[:min(len(page), maxPage)], " ")

	return "not a Dashboard's answer (" + http.StatusText(status) + "): " + page
}

// maxPage bounds the part of a page from which foreign takes its excerpt, in bytes.
const maxPage = 4096

var markup = regexp.MustCompile(`(?s)<(style|script).*?</(style|script)>|<[^>]*>`)

// existing matches messages about a duplicate. They are not documented and differ between versions:
// "same ID" is from Dashboard 5, "id already exists" from the gateway (certificates), "seems to
// exist" from tyk-sync, "duplicate key" from MongoDB. The schema's "items must be unique" must not
// match.
var existing = regexp.MustCompile(`(?i)\bsame id\b|already (exists?|in use|used|taken)|exists already|seems to exist|duplicate key|(path|slug) (is in use|is taken|must be unique)`)

// licence matches messages about the limits of a licence.
var licence = regexp.MustCompile(`(?i)\blicen[cs]e`)

// certificateAbsent matches messages about a certificate that does not exist.
var certificateAbsent = regexp.MustCompile(`(?i)certificate.*not found|could not retrieve certificate`)

// classify returns the sentinel of a refusal, or nil. The first line that applies decides:
//
//	401, about one object                                ErrNotVisible
//	401                                                  ErrUnauthorized
//	POST or PUT: 409, or a message that says "exists",   ErrExists
//	  with any status
//	403, and the message mentions a licence              ErrLicence
//	403                                                  ErrUnauthorized
//	certificates: 400 "Could not retrieve certs."        ErrNoGateway
//	uses of a certificate: 404 or 400 with a JSON body   ErrNotFound
//	  that says that the certificate does not exist
//	uses of a certificate: 404 or 405, but no HTML page  ErrUnsupported
//	one object: 404 with a JSON body, or 400             ErrNotFound
//	  "Could not retrieve API detail"
//
// A 404 without JSON comes from a wrong URL or a proxy, and does not prove that the object is
// absent. A 401 about one object may mean that the key is unknown, that the object belongs to other
// users or, before Dashboard 5.14.0, that it does not exist.
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

// lostGateway reports whether the Dashboard says that it cannot reach its gateway.
func lostGateway(r call, status int, message string) bool {
	return status == http.StatusBadRequest && strings.HasPrefix(r.path, certsPath) && strings.Contains(squeeze(message), "couldnotretrievecerts")
}

// absent reports whether the Dashboard itself, not a proxy, says that there is no such object.
func absent(status int, isJSON bool, message string) bool {
	return status == http.StatusNotFound && isJSON ||
		status == http.StatusBadRequest && strings.Contains(squeeze(message), "couldnotretrieveapidetail")
}

// classifyUses returns the sentinel of a refused request for the uses of a certificate.
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

// isPage reports whether an answer is an HTML page.
func isPage(got *reply) bool {
	return strings.Contains(got.header.Get("Content-Type"), "html") || bytes.HasPrefix(bytes.TrimSpace(got.body), []byte("<"))
}

// squeeze returns a text in lower case and without spaces: versions differ in both.
func squeeze(s string) string {
	return strings.ToLower(strings.Join(strings.Fields(s), ""))
}
