package dashboardtest

import (
	"slices"

	"github.com/tykmesh/tykmesh/dashboard"
)

// lag is the view that listings have of an eventually consistent store.
type lag struct {
	requests int              // so far
	visible  []*dashboard.API // in listings now
	later    []view           // in listings later, oldest first
}

// view is the state of the APIs after a write.
type view struct {
	from int // the first request that sees them
	apis []*dashboard.API
}

// wrote records the state after a write, for later listings.
func (l *lag) wrote(s *Server) {
	if s.options.Lag > 0 {
		l.later = append(l.later, view{l.requests + s.options.Lag + 1, slices.Clone(s.apis)})
	}
}

// shown returns the APIs that a listing shows, oldest first.
func (s *Server) shown() []*dashboard.API {
	if s.options.Lag == 0 {
		return s.apis
	}
	l := &s.lag
	for len(l.later) > 0 && l.later[0].from <= l.requests {
		l.visible, l.later = l.later[0].apis, l.later[1:]
	}

	return l.visible
}

// Settle makes listings show all writes so far, as they would after some time.
func (s *Server) Settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
}

func (s *Server) settle() {
	if s.options.Lag > 0 {
		s.lag.visible, s.lag.later = slices.Clone(s.apis), nil
	}
}
