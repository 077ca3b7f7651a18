package sidecar

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/resource"
)

// DefaultMaxConnTime is how long a sidecar keeps a connection to a callee: 3,000 calls to three
// replicas were then spread 1,002, 745 and 1,253, and without it 3,000, 0 and 0.
const DefaultMaxConnTime = 5

// Timeouts of a gateway that is told none, in seconds (Tyk documentation, proxy_default_timeout,
// http_server_options.write_timeout).
const (
	OwnProxyTimeout  = 30
	OwnStreamTimeout = 120
)

// Traffic says how a gateway treats calls. Zero values are the gateway's own behaviour.
type Traffic struct {
	MaxConnTime    int64  // seconds after which a connection to a callee is replaced; 0 means never
	ProxyTimeout   int64  // seconds after which a silent callee causes a 504; 0 means OwnProxyTimeout
	StreamTimeout  int64  // seconds after which a request or an answer is cut off; 0 means OwnStreamTimeout
	WebSockets     bool   // carries websockets
	PathsAsSent    bool   // forwards paths with // and .. as they are, without a redirect
	MaxRequestBody string // quantity of bytes: a larger body is refused with a 413; "" means no limit
	HTTP2          bool   // speaks HTTP/2 to callers and callees
}

// Amounts of memory. A sidecar holds request bodies in memory, and they grow there by doubling,
// most with HTTP/2, which sidecars speak among themselves. One after another, bodies of 32 MiB
// ended a gateway with 192 MiB and took 212 of 224. Those of 64 MiB ended one with 384, and took
// 401 of 448 (measured).
const (
	baseMemory = 64 << 20 // of a gateway with few routes and without calls
	bodyCopies = 6        // of the largest body
	mebibyte   = 1 << 20
)

// The smallest and the largest limit to request bodies. A smaller one is probably a slip of the
// pen, 32m for 32Mi; it would refuse all bodies.
var leastBody, mostBody = resource.MustParse("1Ki"), resource.MustParse("1Ti")

// CheckBodySize reports whether a text can be the limit to request bodies.
func CheckBodySize(text string) error {
	if q, err := resource.ParseQuantity(text); err != nil || q.Cmp(leastBody) < 0 || q.Cmp(mostBody) > 0 {
		return fmt.Errorf("want a size from %s to %s, got %q; write for example 32Mi", &leastBody, &mostBody, text)
	}
	return nil
}

// CheckBody refuses a memory limit that is too small for the largest request body. Both are
// quantities, or ""; setting names where the limit is set.
func CheckBody(body, limit, setting string) error {
	if body == "" || limit == "" {
		return nil
	}
	need := memoryFor(body)
	if allowed := resource.MustParse(limit); allowed.Cmp(need) >= 0 {
		return nil
	}
	return fmt.Errorf("the memory limit %s is too small for request bodies of %s, which sidecars hold in memory; set %s to %s", limit, body, setting, &need)
}

// memoryFor returns the memory that a sidecar needs to hold the largest request body, in whole
// MiB. Several such bodies at a time need more.
func memoryFor(body string) resource.Quantity {
	need := baseMemory + bodyCopies*Bytes(body)
	return *resource.NewQuantity((need+mebibyte-1)/mebibyte*mebibyte, resource.BinarySI)
}

// MaxBody returns the limit to request bodies that tykmesh sets for a gateway; "" if it sets no
// limit, or if one of the gateway's own variables does.
func (g Gateway) MaxBody() string {
	own := func(v Variable) bool { return v.Name == variableMaxBody }
	if g.GRPC || slices.ContainsFunc(g.Env, own) {
		return ""
	}
	return g.Traffic.MaxRequestBody
}

// maxConnTime returns the seconds after which a gateway replaces its connections, and 0 for never.
// A gateway that replaces HTTP/2 connections without TLS does not close the old ones: with 5, an
// app that speaks gRPC had two more after every ten seconds of calls (measured).
func (g Gateway) maxConnTime() int64 {
	if g.H2C {
		return 0
	}
	return g.Traffic.MaxConnTime
}
