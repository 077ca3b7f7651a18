package dashboard

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strconv"
)

const (
	maxPages    = 10_000
	maxReadings = 3 // of a listing that changes while it is read
)

// listing is the answer to a listing of APIs or certificates, or one page of it.
type listing struct {
	answer
	Pages      *int
	APIs       []apiEntry  `json:"apis"`
	Certs      []certEntry `json:"certs"`       // ids; a gateway's own detailed listing uses this name too
	CertBasics []certEntry `json:"cert_basics"` // mode=detailed
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
	for i := 1; i <= n; i++ {
		r.query = maps.Clone(r.query)
		r.query["p"] = strconv.Itoa(i)
		r.query["sort"] = "created_at"
		l, pages, err := c.page(ctx, r)
		if err != nil {
			return nil, err
		}
		all = append(all, l)
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
