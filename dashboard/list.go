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

// sofar is the state of reading a listing.
type sofar[T any] struct {
	count, kept int
	last        T
}

// listing is the answer to a listing, or one page of it.
type listing[T any] struct {
	answer
	form[T]

	before, now sofar[T] // this page
	most        int      // bytes of memory that a listing may keep

	counted *int // the number of pages, if the listing has one
	entries []T  // nil if the listing has no list
}

// read reads a listing entry by entry, so that at most one of them is held as text.
func (l *listing[T]) read(v *incoming) error {
	// Forget the entries of a previous attempt that failed half-way.
	*l = listing[T]{form: l.form, before: l.before, now: l.before, most: l.most}
	return v.object(func(name string) error {
		name = strings.ToLower(name)
		if slices.Contains(l.lists, name) {
			some, err := v.array(func() error { return l.readEntry(v) })
			if some && l.entries == nil {
				l.entries = []T{}
			}
			return err
		}

		if name == "pages" {
			return v.decode(&l.counted)
		}

		return l.readField(v, name)
	})
}

func (l *listing[T]) readEntry(v *incoming) error {
	if l.now.count++; l.now.count > maxEntries {
		return fmt.Errorf("more than %d entries", maxEntries)
	}

	e, kept, err := l.form.read(v, l.now.last)
	if err != nil {
		return err
	}
	if l.now.kept += kept; l.now.kept > l.most {
		return fmt.Errorf("more entries than %d MiB can hold", l.most>>20)
	}

	l.now.last = e
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
	case l.entries == nil:
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
	first, err := page(ctx, c, r, f, sofar[T]{})
	if err != nil {
		return nil, err
	}

	pages, err := first.pages()
	if pages <= 1 || err != nil {
		return once(first.entries, f.id), err
	}

	for range maxReadings {
		all, counted, err := readPages(ctx, c, r, f, pages)
		if err != nil {
			return nil, err
		}
		if shown := len(first.entries); counted == pages && len(all) < shown {
			return nil, partial(r, fmt.Sprintf("it shows %d at once, and %d in pages", shown, len(all)))
		}
		if counted == pages {
			return once(all, f.id), nil
		}

		pages = counted
	}

	return nil, r.failed(0, "the listing changed each time it was read", nil)
}

// partial returns the error for a listing that contradicts itself.
func partial(r call, how string) error {
	return r.failed(http.StatusOK, "the listing is incomplete: "+how, ErrPartial)
}

// readPages reads pages 1 to n. It stops after a page that states another number of pages.
func readPages[T any](ctx context.Context, c *Client, r call, f form[T], n int) (all []T, counted int, err error) {
	var at sofar[T]
	size := 0
	for i := 1; i <= n; i++ {
		r.query = maps.Clone(r.query)
		r.query["p"] = strconv.Itoa(i)
		r.query["sort"] = "created_at"
		l, err := page(ctx, c, r, f, at)
		if err != nil {
			return nil, 0, err
		}
		if counted, err := l.pages(); counted != n || err != nil {
			return nil, counted, err
		}

		at, all = l.now, append(all, l.entries...)
		if i == 1 {
			size = len(l.entries)
		}

		if got := len(l.entries); got != size && (i < n || got > size) || got == 0 && n > 1 {
			return nil, 0, partial(r, fmt.Sprintf("it counts %d pages, the first with %d entries, and page %d has %d", n, size, i, got))
		}
	}

	return all, n, nil
}

// page reads one page of a listing, and makes sure that it is one.
func page[T any](ctx context.Context, c *Client, r call, f form[T], before sofar[T]) (*listing[T], error) {
	l := &listing[T]{form: f, before: before, most: int(keptPerByte * c.listLimit)}
	if err := c.do(ctx, r, l); err != nil {
		return nil, err
	}
	if _, err := l.pages(); err != nil {
		return nil, r.misread(err.Error())
	}

	return l, nil
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
