package dashboard

import (
	"context"
	"crypto/subtle"
	"net/http"
)

// user is a user in a listing, as far as it counts. The keys of others are read with it, and kept
// nowhere.
type user struct {
	AccessKey   string            `json:"access_key"`
	Permissions map[string]string `json:"user_permissions"`
}

// administrator reports whether a user is one: IsAdmin says so, or there are no
// permissions at all ("Tyk Dashboard, user permissions").
func (u user) administrator() bool {
	switch u.Permissions["IsAdmin"] {
	case "admin", "true":
		return true
	}
	return len(u.Permissions) == 0
}

// Administrator reports whether the key is proved to be an administrator's, who sees every API
// whoever owns it. No is no proof of the contrary: who may not list users is no administrator, but
// a Dashboard may hide keys from one (forbid_admin_view_access_token).
//
// Errors: whatever kept the users from being listed, ErrUnauthorized among it.
func (c *Client) Administrator(ctx context.Context) (bool, error) {
	var listed struct {
		answer
		Users []user `json:"users"`
	}
	r := call{op: "listing users", method: http.MethodGet, path: "/api/users", query: map[string]string{"p": "-2"}, limit: itemLimit}
	if err := c.do(ctx, r, &listed); err != nil {
		return false, err
	}
	if listed.Users == nil {
		return false, &Error{Op: r.op, Method: r.method, Path: r.path, Status: http.StatusOK, Message: "not a Dashboard's answer: no users", kind: errForeign}
	}

	for _, u := range listed.Users {
		if subtle.ConstantTimeCompare([]byte(u.AccessKey), []byte(c.key)) == 1 {
			return u.administrator(), nil
		}
	}

	return false, nil
}

// Administrator reports whether a directory shows everything, which it does.
func (d *Dir) Administrator(context.Context) (bool, error) { return true, nil }
