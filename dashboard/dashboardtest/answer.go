package dashboardtest

import (
	"encoding/json"
	"net/http"
	"strings"
)

// envelope is any answer except a listing or an object.
type envelope map[string]any

// json writes an answer.
func (s *Server) json(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

// say writes an envelope in this Dashboard's case.
func (s *Server) say(w http.ResponseWriter, status int, e envelope) {
	if s.options.LowerCaseKeys {
		lower := envelope{}
		for key, value := range e {
			lower[strings.ToLower(key)] = value
		}
		e = lower
	}

	s.json(w, status, e)
}

func (s *Server) done(w http.ResponseWriter, message string) {
	s.say(w, http.StatusOK, envelope{"Status": "OK", "Message": message, "Meta": nil})
}

func (s *Server) refuse(w http.ResponseWriter, status int, message string, errors ...string) {
	e := envelope{"Status": "Error", "Message": message, "Meta": nil}
	if len(errors) > 0 {
		e["Errors"] = errors
	}
	s.say(w, status, e)
}
