package dashboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
)

// AbsentID is the database id of no API: ids begin with a time (MongoDB ObjectID), and this one's
// is in 1970.
const AbsentID = "000000000000000000000000"

// Ownership is how far a Dashboard hides APIs from users who do not own them (Tyk Dashboard, API
// ownership).
type Ownership struct {
	Sign string // why APIs may be hidden; "" where nothing hints at it
	Mute bool   // 401 says nothing: an API that does not exist is answered with it, too
}

// OwnershipOf looks for signs of ownership in a listing, and in the answer for an API that does not
// exist.
//
// Errors: those of the request, but for ErrNotFound and ErrNotVisible, which are answers.
func OwnershipOf(ctx context.Context, apis interface {
	API(ctx context.Context, id string) (API, error)
}, listed []API,
) (o Ownership, err error) {
	for _, api := range listed {
		if api.Owned() {
			o.Sign = fmt.Sprintf("API %s has an owner, so others may have one, too", api.Definition.Label())
			break
		}
	}

	_, err = apis.API(ctx, AbsentID)
	if o.Mute = errors.Is(err, ErrNotVisible); o.Mute {
		o.Sign = cmp.Or(o.Sign, "it answers 401 for an API that does not exist")
	}

	if o.Mute || errors.Is(err, ErrNotFound) {
		err = nil
	}

	return o, err
}
