package dashboard

import (
	"context"
	"crypto/subtle"
	"net/http"
)

// user is a user in a listing. The listing also contains the keys of other users, which are not
// kept.
type user struct {
	AccessKey   string            `json:"access_key"`
	Permissions map[string]string `json:"user_permissions"`
}

// administrator reports whether a user is one: the permission IsAdmin says so, or there are no
// permissions at all ("Tyk Dashboard, user permissions").
func (u user) administrator() bool {
	switch u.Permissions["IsAdmin"] {
	case "admin", "true":
		return true
	}
	return len(u.Permissions) == 0
}

// Administrator reports whether the key is known to be an administrator's, who sees every API,
// whatever its owner. False proves nothing: a Dashboard may hide the keys from an administrator
// (forbid_admin_view_access_token).
//
// Errors: those of listing the users. ErrUnauthorized means that the user is no administrator.
func (c *Client) Administrator(ctx context.Context) (bool, error) {
	var listed struct {
		answer
		Users []user `json:"users"`
	}
	r := call{op: "listing users", method: http.MethodGet, path: "/api/users", query: map[string]string{"p": "-2"}}
	if err := c.do(ctx, r, &listed); err != nil {
		return false, err
	}
	if listed.Users == nil {
		return false, r.misread("no users")
	}

	for _, u := range listed.Users {
		if subtle.ConstantTimeCompare([]byte(u.AccessKey), []byte(c.config.Secret)) == 1 {
			return u.administrator(), nil
		}
	}

	return false, nil
}

// Administrator reports true: a directory shows everything.
func (d *Dir) Administrator(context.Context) (bool, error) { return true, nil }
