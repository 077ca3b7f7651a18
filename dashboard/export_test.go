package dashboard

// NewWith returns a client with another transport. Without a network, synctest can control the
// time.
var NewWith = newClient

// LimitListings sets the limit of a listing in bytes.
func (c *Client) LimitListings(n int64) { c.listLimit = n }

// SplitPath is the inverse of Path.String.
var SplitPath = splitPath
