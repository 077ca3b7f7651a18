package dashboardtest

import (
	"maps"
	"net/http"
	"slices"
)

// listUsers answers with the users and their keys, if the user is an administrator.
func (s *Server) listUsers(w http.ResponseWriter, r *http.Request) {
	keys := maps.Clone(s.options.Keys)
	if keys == nil {
		keys = make(map[string]Rights)
	}

	keys[s.Secret] = s.options.Rights

	by, known := keys[r.Header.Get("Authorization")]
	switch {
	case !known:
		s.refuse(w, http.StatusUnauthorized, "Not authorised")
		return
	case !by.Admin:
		s.refuse(w, http.StatusForbidden, "access denied: You do not have permission to access "+r.URL.Path)
		return
	}

	users := []map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		permissions := map[string]string{"apis": "write", "certs": "write"}
		if keys[key].Admin {
			permissions = map[string]string{"IsAdmin": "admin", "ResetPassword": "admin"}
		}

		shown := key
		if s.options.HidesKeys {
			shown = ""
		}

		users = append(users, map[string]any{"access_key": shown, "org_id": s.Org, "active": true, "user_permissions": permissions})
	}

	s.json(w, http.StatusOK, map[string]any{"users": users, "pages": 1})
}
