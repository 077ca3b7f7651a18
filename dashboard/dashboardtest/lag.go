package dashboardtest

import (
	"slices"

	"github.com/tykmesh/tykmesh/dashboard"
)

// lag is what listings show of an eventually consistent store.
type lag struct {
	requests int              // so far
	visible  []*dashboard.API // what listings show
	later    []view           // what they will show, oldest first
}

// view is the APIs as a write left them.
type view struct {
	from int // the first request that sees them
	apis []*dashboard.API
}

// wrote keeps what a request has just written for later.
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

// Settle makes listings show all that was written so far, as time does.
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
