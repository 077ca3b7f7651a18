package sidecar

// Traffic says how a gateway treats calls. Zero values are the gateway's own behaviour.
type Traffic struct {
	HTTP2 bool // speaks HTTP/2 to callers and callees
}
