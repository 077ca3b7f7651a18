package dashboard

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const (
	maxPages    = 10_000
	maxEntries  = 100_000 // of a listing
	maxReadings = 3       // of a listing that changes meanwhile
)

// form describes how to read one kind of listing.
type form[T any] struct {
	lists []string // the fields that hold entries, in lower case

	// read reads an entry, which may share memory with the last one. kept is the approximate size
	// of the rest in bytes.
	read func(v *incoming, last T) (e T, kept int, err error)

	// id identifies duplicates. Entries whose id is "" are never duplicates.
	id func(T) string
}

// listing is the answer to a listing, or its pages so far.
type listing[T any] struct {
	answer
	form[T]

	most    int  // bytes of memory that a listing may keep
	entries []T  // of all pages so far
	kept    int  // bytes of memory
	counted *int // the number of pages, if the last page has one
	some    bool // the last page has a list

	before struct{ entries, kept int } // before the last page
}

// read reads a listing entry by entry, so that at most one of them is held as text.
func (l *listing[T]) read(v *incoming) error {
	// Forget the entries of a previous attempt that failed half-way.
	l.entries, l.kept = l.entries[:l.before.entries], l.before.kept
	l.answer, l.counted, l.some = answer{}, nil, false
	return v.object(func(name string) error {
		switch name = strings.ToLower(name); {
		case slices.Contains(l.lists, name):
			some, err := v.each('[', func() error { return l.readEntry(v) })
			l.some = l.some || some
			return err
		case name == "pages":
			return v.decode(&l.counted)
		}

		return l.readField(v, name)
	})
}

func (l *listing[T]) readEntry(v *incoming) error {
	if len(l.entries) == maxEntries {
		return fmt.Errorf("more than %d entries", maxEntries)
	}

	var last T
	if n := len(l.entries); n > 0 {
		last = l.entries[n-1]
	}

	e, kept, err := l.form.read(v, last)
	if err != nil {
		return err
	}
	if l.kept += kept; l.kept > l.most {
		return fmt.Errorf("more entries than %d MiB can hold", l.most>>20)
	}

	l.entries = append(l.entries, e)

	return nil
}

// pages returns the number of pages, at least 1; a Dashboard that sent everything says 0 or 1. An
// empty list may be null. But an object with neither a list nor a number of pages is not a listing,
// and must not count as an empty one.
func (l *listing[T]) pages() (int, error) {
	switch {
	case l.counted != nil && *l.counted > maxPages:
		return 0, errors.New("a listing of " + strconv.Itoa(*l.counted) + " pages")
	case l.counted != nil:
		return max(*l.counted, 1), nil
	case !l.some:
		return 0, errors.New("not a listing")
	}

	return 1, nil
}

// list returns a complete listing, or an error. r asks for a page number of 0 or lower, which means
// everything at once ("Tyk Dashboard API, pagination").
//
// If the Dashboard pages nevertheless, list reads page by page, oldest entry first, so that new
// entries come last. A duplicate entry counts once. If the number of pages changes, list starts
// again.
//
// Errors: ErrPartial when the pages contain fewer entries than they count.
func list[T any](ctx context.Context, c *Client, r call, f form[T]) ([]T, error) {
	r.method, r.listing = http.MethodGet, true
	newListing := func() *listing[T] { return &listing[T]{form: f, most: int(keptPerByte * c.listLimit)} }
	first := newListing()
	pages, err := page(ctx, c, r, first)
	if err != nil {
		return nil, err
	}
	if pages == 1 {
		return once(first.entries, f.id), nil
	}

	for range maxReadings {
		all := newListing()
		counted, err := readPages(ctx, c, r, all, pages)
		if err != nil {
			return nil, err
		}
		if shown, paged := len(first.entries), len(all.entries); counted == pages && paged < shown {
			return nil, partial(r, fmt.Sprintf("it shows %d at once, and %d in pages", shown, paged))
		}
		if counted == pages {
			return once(all.entries, f.id), nil
		}

		pages = counted
	}

	return nil, r.failed(0, "the listing changed each time it was read", nil)
}

// partial returns the error for a listing that contradicts itself.
func partial(r call, how string) error {
	return r.failed(http.StatusOK, "the listing is incomplete: "+how, ErrPartial)
}

// readPages reads pages 1 to n. It stops after a page that states another number of pages, and
// returns that number.
func readPages[T any](ctx context.Context, c *Client, r call, all *listing[T], n int) (counted int, err error) {
	size := 0
	for i := 1; i <= n; i++ {
		r.query = maps.Clone(r.query)
		r.query["p"] = strconv.Itoa(i)
		r.query["sort"] = "created_at"
		if counted, err := page(ctx, c, r, all); counted != n || err != nil {
			return counted, err
		}

		got := len(all.entries) - all.before.entries
		if i == 1 {
			size = got
		}
		if got != size && (i < n || got > size) || got == 0 && n > 1 {
			return 0, partial(r, fmt.Sprintf("it counts %d pages, the first with %d entries, and page %d has %d", n, size, i, got))
		}
	}

	return n, nil
}

// page reads one more page into a listing, makes sure that it is one, and returns the number of
// pages that it states.
func page[T any](ctx context.Context, c *Client, r call, l *listing[T]) (pages int, err error) {
	l.before.entries, l.before.kept = len(l.entries), l.kept
	if err := c.do(ctx, r, l); err != nil {
		return 0, err
	}
	if pages, err = l.pages(); err != nil {
		return 0, r.misread(err.Error())
	}

	return pages, nil
}

// once returns the entries without duplicates.
func once[T any](entries []T, id func(T) string) []T {
	seen := make(map[string]bool, len(entries))
	return slices.DeleteFunc(entries, func(e T) bool {
		key := id(e)
		twice := seen[key]
		seen[key] = key != ""
		return twice
	})
}
