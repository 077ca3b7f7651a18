package live

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tykmesh/tykmesh/inject/standalone"
)

// The definitions of a sidecar in its ConfigMap, whose keys have a dash for each slash of a path.
const (
	inboundKey   = standalone.APIPath + "-inbound.json"
	callKey      = standalone.APIPath + "-mesh-http.json"
	meshKey      = standalone.APIPath + "-mesh-https.json"
	authorityKey = "ca-" // ca-1.pem, ca-2.pem
)

// inbound is the part of an inbound API's definition that says how its service is called (Tyk
// documentation, Tyk Classic API definition).
type inbound struct {
	ListenPort int               `json:"listen_port"`
	Protocol   string            `json:"protocol"`
	Mutual     bool              `json:"use_mutual_tls_auth"`
	Tokens     bool              `json:"enable_jwt"`
	Callers    map[string]string `json:"jwt_scope_to_policy_mapping"` // subjects, with their policies
	TokenKey   string            `json:"jwt_source"`                  // the public key, in base64 of PEM
}

// authorities are CAs, and the object that holds them.
type authorities struct {
	pool *x509.CertPool // nil where they are not known
	of   string         // "ConfigMap ca-pem"
}

// readConfigs reads the ConfigMaps of a service. It returns the CAs that must have signed its
// certificate.
func (r *reading) readConfigs(svc *Service) (signers authorities) {
	pods := "new pods of " + strings.Join(svc.Workloads, ", ") + " cannot start"
	for _, w := range svc.workloads {
		name := w.mounts.config
		if slices.ContainsFunc(svc.Configs, func(c Config) bool { return c.Name == name }) {
			continue
		}

		found := r.configs[object{svc.Namespace, name}]
		state := r.state("ConfigMap", found != nil)
		svc.Configs = append(svc.Configs, Config{name, state})
		if state == Missing {
			r.note(Error, svc, "ConfigMap "+name, "it is missing: "+pods, "apply the output of tykmesh inject")
		}
		if found == nil {
			continue
		}

		for _, host := range found.hosts() {
			if !slices.Contains(svc.hosts, host) {
				svc.hosts = append(svc.hosts, host)
			}
		}
		if err := svc.take(found); err != nil {
			r.note(Error, svc, "ConfigMap "+name, err.Error(), "inject again, and apply the output")
		}
		if pool := r.poolOf(found.authorities()); signers.pool == nil {
			signers = authorities{pool, "ConfigMap " + name}
		}
	}

	return signers
}

// state returns the state of an object of a kind.
func (r *reading) state(kind string, found bool) State {
	switch {
	case found:
		return Present
	case r.seen[kind]:
		return Missing
	}
	return Unknown
}

// take reads the definitions in a ConfigMap. Of several ConfigMaps the first decides, but the
// callers of any count.
func (svc *Service) take(c *configMap) error {
	text, ok := c.files[inboundKey]
	if !ok {
		return fmt.Errorf("it has no %s", inboundKey)
	}
	var in inbound
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		return fmt.Errorf("%s is not an API definition: %w", inboundKey, err)
	}

	if svc.TLS == TLSUnknown {
		svc.TLS = in.tls()
	}
	if in.ListenPort != 0 {
		svc.Port = in.ListenPort
	}

	callers := []string{"*"}
	if in.Tokens {
		callers = slices.Collect(maps.Keys(in.Callers))
	}
	svc.Allow = slices.Compact(slices.Sorted(slices.Values(append(svc.Allow, callers...))))

	return nil
}

func (in inbound) tls() TLS {
	switch {
	case in.Protocol != "https":
		return TLSOff
	case in.Mutual:
		return TLSMutual
	}
	return TLSServer
}

// callerPort returns the port of Services that the sidecar calls, from the URLs to which it sends
// calls: https://$1.svc:8080$2. It returns 0 without any.
func (c *configMap) callerPort() int {
	const before = ".svc:"
	_, rest, _ := strings.Cut(c.files[callKey], before)
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	port, err := strconv.Atoi(rest[:max(0, end)])
	if err != nil {
		return 0
	}

	return port
}

// hosts returns the names under which the app of a pod calls its sidecar with TLS, from the pattern
// of the mesh API: {g:mesh|mesh\.local}. It returns nil where the pod cannot call with TLS.
func (c *configMap) hosts() (hosts []string) {
	var mesh struct {
		Domain string `json:"domain"`
	}
	if json.Unmarshal([]byte(c.files[meshKey]), &mesh) != nil {
		return nil
	}

	_, pattern, _ := strings.Cut(strings.TrimSuffix(mesh.Domain, "}"), ":")
	for host := range strings.SplitSeq(strings.ReplaceAll(pattern, `\`, ""), "|") {
		if host != "" {
			hosts = append(hosts, host)
		}
	}

	return hosts
}

// authorities returns the CAs of the mesh, in PEM.
func (c *configMap) authorities() string { return c.files[standalone.TrustFile] }

// poolOf returns the CAs of a text in PEM, and notes them; nil without any. ConfigMaps mostly have
// the same.
func (r *reading) poolOf(text string) *x509.CertPool {
	if pool, known := r.pools[text]; known {
		return pool
	}

	var pool *x509.CertPool
	for block := range blocks([]byte(text)) {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			continue // as the gateway does
		}
		if pool == nil {
			pool = x509.NewCertPool()
		}

		pool.AddCert(c)
		found := Authority{c.Subject.CommonName, c.NotBefore.UTC(), c.NotAfter.UTC()}
		if !slices.Contains(r.mesh.Authorities, found) {
			r.mesh.Authorities = append(r.mesh.Authorities, found)
		}
	}

	r.pools[text] = pool

	return pool
}
