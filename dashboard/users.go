package dashboard

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
)

// user is a user in a listing, as far as it counts. The keys of others are read
// with it, and kept nowhere.
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

// Administrator reports whether the key is proved to be an administrator's, who
// sees every API whoever owns it. No is no proof of the contrary: who may not
// list users is no administrator, but a Dashboard may hide keys from one
// (forbid_admin_view_access_token).
func (c *Client) Administrator(ctx context.Context) (bool, error) {
	var listed struct {
		answer
		Users []user `json:"users"`
	}
	r := call{op: "listing users", method: http.MethodGet, path: "/api/users", query: map[string]string{"p": "-2"}, limit: itemLimit}
	err := c.do(ctx, r, &listed)
	var refused *Error
	switch {
	case errors.Is(err, ErrUnauthorized), errors.As(err, &refused) && refused.Status == http.StatusNotFound:
		return false, nil
	case err != nil:
		return false, err
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
