package sidecar

import "github.com/tykmesh/tykmesh/inject/manifest"

// probes returns the startup probe and the readiness probe.
//
// With a Dashboard they ask the control port. /ready says whether the list of APIs was read, until
// which a pod would answer 404. An empty list counts, too (Tyk Gateway, readinessHandler): no probe
// shows that one, because the control port tells APIs only to those who have the gateways' secret,
// and a call through an API needs the app, which starts after a native sidecar. /ready also says no
// as long as Redis is away, when gateways go on serving; so it is asked at the start alone, and
// afterwards /hello, which fails only if the gateway is down.
//
// Without a Dashboard there is no Redis, so /ready always says no. The port for callers opens only
// after the APIs are loaded, some 1.1 s after the start (measured): a connection to it shows all.
func (g Gateway) probes() (startup, readiness manifest.Map) {
	if g.Files == nil {
		return repeated(g.asks("/ready"), 2, 150), repeated(g.asks("/hello"), 10, 3)
	}
	connects := manifest.Entry{Key: "tcpSocket", Value: manifest.Map{{Key: "port", Value: int64(g.ListenPort())}}}
	return repeated(connects, 1, 300), repeated(connects, 10, 3)
}

// asks returns a request to the gateway's control port.
func (g Gateway) asks(path string) manifest.Entry {
	get := manifest.Map{{Key: "path", Value: path}, {Key: "port", Value: int64(ControlPort)}}
	if g.TLS {
		get = append(get, manifest.Entry{Key: "scheme", Value: "HTTPS"}) // kubelet does not verify the certificate
	}
	return manifest.Entry{Key: "httpGet", Value: get}
}

// repeated returns a probe that is made every so many seconds, and may fail so many times.
func repeated(probe manifest.Entry, period, failures int64) manifest.Map {
	return manifest.Map{probe, {Key: "periodSeconds", Value: period},
		{Key: "timeoutSeconds", Value: int64(2)}, {Key: "failureThreshold", Value: failures}}
}
