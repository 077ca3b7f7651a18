package dashboard

// NewWith makes a client of another transport, which needs no network, so that synctest can rule
// the time.
var NewWith = newClient

// LimitListings sets how many bytes a listing may have.
func (c *Client) LimitListings(n int64) { c.listLimit = n }
