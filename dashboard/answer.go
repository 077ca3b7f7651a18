package dashboard

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// answer is what the Dashboard's answers have in common. encoding/json matches
// keys without regard to case, which is needed: some calls capitalise them and
// some do not.
type answer struct {
	Status  string
	Message string
	Errors  []string
	Meta    any
	ID      string
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

// lenient reads what it can of an answer that reports a failure, and says
// whether it was a JSON object at all. A field of an unexpected type is no
// reason to lose the others.
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

// existing matches what is said when something is taken. The texts are not
// documented and differ between versions: "same ID" is Dashboard 5's, "id
// already exists" the gateway's for certificates, "seems to exist" tyk-sync's,
// "duplicate key" MongoDB's. A schema's "items must be unique" is none of them.
var existing = regexp.MustCompile(`(?i)\bsame id\b|already (exists?|in use|used|taken)|exists already|seems to exist|duplicate key`)

// classify gives a refusal its sentinel:
//
//	401                                            ErrUnauthorized
//	POST or PUT: 409, or a text that says "exists" ErrExists, under any status
//	403                                            ErrUnauthorized
//	one object: 404 with a JSON body, or 400       ErrNotFound
//	  "Could not retrieve API detail"
//
// A 404 that is no JSON is a wrong URL or a proxy, and proves nothing absent.
func classify(r call, status int, isJSON bool, message string) error {
	writes := r.method == http.MethodPost || r.method == http.MethodPut
	switch {
	case status == http.StatusUnauthorized:
		return ErrUnauthorized
	case writes && (status == http.StatusConflict || existing.MatchString(message)):
		return ErrExists
	case status == http.StatusForbidden:
		return ErrUnauthorized
	case r.item && isJSON && status == http.StatusNotFound:
		return ErrNotFound
	case r.item && status == http.StatusBadRequest && strings.Contains(squeeze(message), "couldnotretrieveapidetail"):
		return ErrNotFound
	}
	return nil
}

// squeeze drops case and spaces, in which the wordings of versions differ.
func squeeze(s string) string {
	return strings.ToLower(strings.Join(strings.Fields(s), ""))
}
