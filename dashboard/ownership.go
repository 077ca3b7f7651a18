package dashboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
)

// AbsentID is a database id that no API has: ids begin with a time (MongoDB ObjectID), and the time
// of this one is in 1970.
const AbsentID = "000000000000000000000000"

// Ownership says whether a Dashboard may hide APIs from users who do not own them (Tyk Dashboard,
// API ownership).
type Ownership struct {
	Sign string // why APIs may be hidden; "" without a sign
	Mute bool   // 401 proves nothing: the Dashboard also answers it for APIs that do not exist
}

// OwnershipOf looks for signs of ownership in a listing and in the answer for an absent API.
//
// Errors: those of the request, except ErrNotFound and ErrNotVisible.
func OwnershipOf(ctx context.Context, apis interface {
	API(ctx context.Context, id string) (API, error)
}, listed []API,
) (o Ownership, err error) {
	for _, api := range listed {
		if api.Owned() {
			o.Sign = fmt.Sprintf("API %s has an owner, so others may have one", api.Definition.Label())
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
