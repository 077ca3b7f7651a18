package standalone

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

const (
	// deadTarget is where a mesh API sends calls that no rewrite matches. It leads nowhere on
	// purpose: the gateway replaces $secret_... in these URLs too, and no server may read them.
	deadTarget = "http://127.0.0.1:1"
)

// Namespace makes the files of the sidecars in one namespace. Their mesh definitions and CAs are
// the same, so it makes them once. It never changes: goroutines may share it.
type Namespace struct {
	mesh   Mesh
	shared []File
	sum    [sha256.Size]byte // of shared
}

// Namespace returns the maker of files for a namespace's pods.
func (m Mesh) Namespace(name string) *Namespace {
	n := &Namespace{mesh: m}
	n.shared = append(n.shared, File{meshHTTPFile, text(m.caller(name, "mesh-http"))})
	if m.Certificates {
		n.shared = append(n.shared, File{meshHTTPSFile, text(m.caller(name, "mesh-https"))})
	}

	if m.Mutual {
		for i, pem := range m.Authorities {
			n.shared = append(n.shared, File{authorityFile(i), pem})
		}
	}

	if m.Certificates {
		n.shared = append(n.shared, File{TrustFile, strings.Join(m.Authorities, "")})
	}

	n.sum = sum(n.shared)
	return n
}

// Config returns the files of a pod in the namespace, sorted by path.
func (n *Namespace) Config(p Pod) Config {
	own := []File{{inboundFile, text(n.mesh.inbound(p))}}
	if p.Allow != nil {
		own = append(own, File{PolicyFile, text(policies(p))})
	}

	ownSum := sum(own)
	hash := sha256.Sum256(slices.Concat(n.sum[:], ownSum[:]))

	files := slices.Concat(own, n.shared)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })

	return Config{Files: files, Hash: hex.EncodeToString(hash[:])[:HashLength]}
}

// Config returns the files of a pod. For many pods, Namespace is cheaper.
func (m Mesh) Config(p Pod) Config { return m.Namespace(p.Service.Namespace).Config(p) }

// Key returns the key of a file in the ConfigMap: its path with a dash for the slash, which keys
// cannot contain (Kubernetes API, ConfigMap.data).
func (f File) Key() string { return strings.ReplaceAll(f.Path, "/", "-") }

// sum returns a digest that differs where a path, a text or the order of the files does.
func sum(files []File) [sha256.Size]byte {
	var all []byte
	for _, f := range files {
		all = fmt.Appendf(all, "%d %d %s%s", len(f.Path), len(f.Text), f.Path, f.Text)
	}
	return sha256.Sum256(all)
}

// authorityFile returns the path of the mesh's CA number i, from 0. Each has its own file, because
// the gateway reads only the last certificate of a file (measured).
func authorityFile(i int) string { return "ca-" + strconv.Itoa(i+1) + ".pem" }

// apiID returns the identity of an API. The gateway needs it to be unique in a pod; it is derived,
// so that it never changes.
func apiID(role, namespace, app string) string {
	id := sha256.Sum256([]byte(strings.Join([]string{"tykmesh standalone", role, namespace, app}, "\x00")))
	return hex.EncodeToString(id[:])[:32]
}

// inbound returns the API through which others call a pod's app. It has a port of its own and no
// domain, and no other API stands there: else callers could forge client certificates (measured).
func (m Mesh) inbound(p Pod) block {
	id := p.apiID()
	api := begin("inbound", id)
	version := block{{Key: "name", Value: "Default"}}

	var jwt block
	if m.TokenKey != "" {
		version = append(version, receive(p.Allow != nil)...)
	}
	if p.Allow != nil {
		api, jwt = m.verify(api, p.Allow)
	}

	api = append(api,
		manifest.Entry{Key: "version_data", Value: block{
			{Key: "not_versioned", Value: true}, {Key: "versions", Value: block{{Key: "Default", Value: version}}},
		}},
		manifest.Entry{Key: "proxy", Value: manifest.Map{
			{Key: "listen_path", Value: "/"}, {Key: "target_url", Value: p.Target},
			{Key: "strip_listen_path", Value: true}, {Key: "preserve_host_header", Value: true},
		}},
		manifest.Entry{Key: "domain", Value: ""},
	)
	api = append(api, listener(p.Listen, m.TLS)...)

	if m.Mutual {
		var files manifest.List
		for i := range m.Authorities {
			files = append(files, ConfigPath+"/"+authorityFile(i))
		}
		api = append(api, manifest.Entry{Key: "use_mutual_tls_auth", Value: true}, manifest.Entry{Key: "client_certificates", Value: files})
	}

	return append(api, jwt...)
}

// caller returns the API through which a pod's app calls others: mesh-http or mesh-https.
func (m Mesh) caller(namespace, role string) block {
	// The gateway refuses two APIs of one domain and path even where their ports differ, so the
	// two have different names for the same hosts (measured).
	variable, port, secure := "h", HTTPPort, false
	if role == "mesh-https" {
		variable, port, secure = "g", HTTPSPort, true
	}

	version := block{{Key: "name", Value: "Default"}}
	if m.TokenKey != "" {
		// The gateway reads the file for each request, so a new token needs no restart.
		version = append(version, manifest.Entry{Key: "global_headers", Value: manifest.Map{{Key: headerToken, Value: "Bearer $secret_file." + TokenFile}}})
	}
	version = append(version,
		manifest.Entry{Key: "use_extended_paths", Value: true},
		manifest.Entry{Key: "extended_paths", Value: block{
			{Key: "url_rewrites", Value: m.rewrites(namespace)}, {Key: "white_list", Value: m.allowed()},
		}},
	)

	api := append(begin(role, apiID(role, namespace, "")),
		manifest.Entry{Key: "version_data", Value: block{
			{Key: "not_versioned", Value: true}, {Key: "versions", Value: block{{Key: "Default", Value: version}}},
		}},
		manifest.Entry{Key: "proxy", Value: manifest.Map{
			{Key: "listen_path", Value: "/"}, {Key: "target_url", Value: deadTarget}, {Key: "strip_listen_path", Value: true},
		}},
		manifest.Entry{Key: "domain", Value: hostPattern(variable, m.Hosts)},
	)

	return append(api, listener(port, secure)...)
}

// begin returns the first fields of an API without authentication.
func begin(name, id string) block {
	return block{
		{Key: "name", Value: name}, {Key: "api_id", Value: id},
		{Key: "use_keyless", Value: true}, {Key: "active", Value: true},
		{Key: "auth", Value: manifest.Map{{Key: "auth_header_name", Value: "Authorization"}}},
	}
}

// listener returns the fields that say where an API listens.
func listener(port int, secure bool) block {
	if !secure {
		return block{{Key: "listen_port", Value: int64(port)}, {Key: "protocol", Value: "http"}}
	}
	return block{
		{Key: "listen_port", Value: int64(port)}, {Key: "protocol", Value: "https"},
		{Key: "certificates", Value: manifest.List{CertificatePath + "/" + CertificateFile}},
	}
}

// hostPattern returns a domain that matches the given hosts and no others. The gateway's router
// anchors it (gorilla/mux, Route.Host).
func hostPattern(variable string, hosts []string) string {
	escaped := make([]string, len(hosts))
	for i, h := range hosts {
		escaped[i] = regexp.QuoteMeta(h)
	}
	return "{" + variable + ":" + strings.Join(escaped, "|") + "}"
}

func (p Pod) apiID() string { return apiID("inbound", p.Service.Namespace, p.Service.App) }
