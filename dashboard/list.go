package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
)

const (
	maxPages    = 10_000
	maxEntries  = 100_000 // of a listing: small ones take more room than their text, which has a limit of its own
	maxReadings = 3       // of a listing that changes while it is read
)

// listing is the answer to a listing of APIs or certificates, or one page of it.
type listing struct {
	answer
	Pages      *int
	APIs       []apiEntry  `json:"apis"`
	Certs      []certEntry `json:"certs"`       // ids; a gateway's own detailed listing uses this name too
	CertBasics []certEntry `json:"cert_basics"` // mode=detailed
}

// read reads a listing entry by entry, so that no more than one of them is held as text.
func (l *listing) read(dec *json.Decoder) error {
	*l = listing{} // an attempt before may have come half-way
	dec.UseNumber()
	if some, err := enter(dec, '{'); err != nil || !some {
		return err
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return clearer(err)
		}
		name, _ := key.(string)
		switch strings.ToLower(name) {
		case "apis":
			l.APIs, err = readEntries(dec, shareDefinition)
		case "certs":
			l.Certs, err = readEntries(dec, shareNothing)
		case "cert_basics":
			l.CertBasics, err = readEntries(dec, shareNothing)
		default:
			err = dec.Decode(l.field(name))
		}
		if err != nil {
			return clearer(err)
		}
	}
	if _, err := dec.Token(); err != nil {
		return clearer(err)
	}
	return atEnd(dec)
}

// field is where a field that is no list goes.
func (l *listing) field(name string) any {
	switch strings.ToLower(name) {
	case "pages":
		return &l.Pages
	case "status":
		return &l.Status
	case "message":
		return &l.Message
	case "errors":
		return &l.Errors
	}
	return new(json.RawMessage)
}

// The APIs of a listing are much alike: most of one is in the last one too.
func shareDefinition(e, last *apiEntry) { e.Definition.Share(last.Definition) }

func shareNothing(_, _ *certEntry) {}

// readEntries reads an array; nil for null. share is called with each entry and the one before it.
func readEntries[T any](dec *json.Decoder, share func(e, last *T)) ([]T, error) {
	some, err := enter(dec, '[')
	if err != nil || !some {
		return nil, err
	}
	entries := []T{}
	for dec.More() {
		if len(entries) == maxEntries {
			return nil, fmt.Errorf("more than %d entries", maxEntries)
		}
		var e T
		if err := dec.Decode(&e); err != nil {
			return nil, err
		}
		if n := len(entries); n > 0 {
			share(&e, &entries[n-1])
		}
		entries = append(entries, e)
	}
	_, err = dec.Token()
	return entries, err
}

// enter reads the delimiter that begins an object or an array; false for null.
func enter(dec *json.Decoder, delimiter json.Delim) (some bool, err error) {
	switch t, err := dec.Token(); {
	case err != nil:
		return false, clearer(err)
	case t == delimiter:
		return true, nil
	case t == nil:
		return false, nil
	}
	return false, fmt.Errorf("want %s at byte %d", delimiter, dec.InputOffset())
}

// pages is how many pages there are; a Dashboard that sent everything says 0 or
// 1. An empty list may be null, but an object with neither a list nor a number
// of pages is no listing, and must not pass for an empty one.
func (l *listing) pages() (int, error) {
	switch {
	case l.Pages != nil && *l.Pages > maxPages:
		return 0, errors.New("a listing of " + strconv.Itoa(*l.Pages) + " pages")
	case l.Pages != nil:
		return *l.Pages, nil
	case l.APIs == nil && l.Certs == nil && l.CertBasics == nil:
		return 0, errors.New("not a listing")
	}
	return 1, nil
}

// list reads a complete listing, or fails. r names the page number that asks
// for everything at once: 0 or lower ("Tyk Dashboard API, pagination").
//
// A Dashboard that pages all the same is read page by page, oldest first, so
// that what is created meanwhile comes after what was read already; callers
// drop what appears twice. When the number of pages changes it starts anew.
func (c *Client) list(ctx context.Context, r call) ([]listing, error) {
	r.method, r.limit = http.MethodGet, c.listLimit
	first, pages, err := c.page(ctx, r)
	if err != nil {
		return nil, err
	}
	if pages <= 1 {
		return []listing{first}, nil
	}
	for range maxReadings {
		all, err := c.readPages(ctx, r, pages)
		if err != nil || len(all) == pages {
			return all, err
		}
		pages = *all[len(all)-1].Pages
	}
	return nil, &Error{Op: r.op, Method: r.method, Path: r.path, Message: "the listing changed each time it was read"}
}

// readPages reads pages 1 to n. It stops after a page that counts otherwise.
func (c *Client) readPages(ctx context.Context, r call, n int) ([]listing, error) {
	var all []listing
	entries := 0
	for i := 1; i <= n; i++ {
		r.query = maps.Clone(r.query)
		r.query["p"] = strconv.Itoa(i)
		r.query["sort"] = "created_at"
		l, pages, err := c.page(ctx, r)
		if err != nil {
			return nil, err
		}
		all = append(all, l)
		if entries += len(l.APIs) + len(l.Certs) + len(l.CertBasics); entries > maxEntries {
			return nil, &Error{Op: r.op, Method: r.method, Path: r.path, Message: fmt.Sprintf("more than %d entries", maxEntries)}
		}
		if pages != n {
			break
		}
	}
	return all, nil
}

func (c *Client) page(ctx context.Context, r call) (listing, int, error) {
	var l listing
	if err := c.do(ctx, r, &l); err != nil {
		return l, 0, err
	}
	n, err := l.pages()
	if err != nil {
		message := "not a Dashboard's answer: " + err.Error()
		return l, 0, &Error{Op: r.op, Method: r.method, Path: r.path, Status: http.StatusOK, Message: message, kind: errForeign}
	}
	return l, n, nil
}
