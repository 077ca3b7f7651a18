package standalone

import (
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// ConfigMap returns the ConfigMap with a workload's files. It never changes: other files are in a
// ConfigMap of another name.
func (m Mesh) ConfigMap(s Service, c Config) Object {
	data := make(manifest.Map, len(c.Files))
	for i, f := range c.Files {
		data[i] = manifest.Entry{Key: f.Key(), Value: f.Text}
	}

	return append(object("v1", "ConfigMap", ConfigMapName(s, c.Hash)),
		manifest.Entry{Key: "immutable", Value: true}, manifest.Entry{Key: "data", Value: data})
}

// Certificate returns the request to cert-manager for a service's certificate, for the hosts of
// Hosts. cert-manager stores it in the Secret of SecretName. The mesh has an Issuer.
func (m Mesh) Certificate(s Service, hosts []string) Object {
	names := make(manifest.List, len(hosts))
	for i, h := range hosts {
		names[i] = h
	}

	ref := manifest.Map{{Key: "name", Value: m.Issuer.Name}}
	for _, e := range []manifest.Entry{{Key: "kind", Value: m.Issuer.Kind}, {Key: "group", Value: m.Issuer.Group}} {
		if e.Value != "" {
			ref = append(ref, e)
		}
	}

	// There is no commonName: it would be limited to 64 bytes (RFC 5280, ub-common-name), and
	// clients read the dnsNames.
	return append(object("cert-manager.io/v1", "Certificate", SecretName(s)), manifest.Entry{Key: "spec", Value: manifest.Map{
		{Key: "secretName", Value: SecretName(s)},
		{Key: "dnsNames", Value: names},
		// The sidecar answers callers with the certificate, and shows it to other sidecars.
		{Key: "usages", Value: manifest.List{"server auth", "client auth"}},
		// Each renewal makes a new key, so that a stolen one ends with its certificate.
		{Key: "privateKey", Value: manifest.Map{
			{Key: "algorithm", Value: "ECDSA"}, {Key: "size", Value: int64(256)}, {Key: "rotationPolicy", Value: "Always"},
		}},
		// The gateway reads certificate and key from one file.
		{Key: "additionalOutputFormats", Value: manifest.List{manifest.Map{{Key: "type", Value: "CombinedPEM"}}}},
		// 90 days, renewed 30 days before the end. A sidecar uses a new certificate six minutes
		// after the Secret has it, at the latest (measured); the rest is time to repair an issuer.
		{Key: "duration", Value: "2160h"},
		{Key: "renewBefore", Value: "720h"},
		{Key: "issuerRef", Value: ref},
	}})
}

// NetworkPolicy returns a policy that closes the mesh's own ports, and the gateway's control port,
// of the selected pods to other pods. The selector is a LabelSelector.
//
// Policies only ever allow (Kubernetes API, NetworkPolicySpec.ingress). So this one allows all
// other ports, and a stricter policy for the same pods loses its effect.
func NetworkPolicy(s Service, selector manifest.Map) Object {
	var ports manifest.List
	from := 1
	for _, closed := range []int{controlPort, HTTPPort, HTTPSPort, lastPort + 1} {
		ports = append(ports, manifest.Map{
			{Key: "protocol", Value: "TCP"}, {Key: "port", Value: int64(from)}, {Key: "endPort", Value: int64(closed - 1)},
		})
		from = closed + 1
	}
	ports = append(ports, manifest.Map{{Key: "protocol", Value: "UDP"}}, manifest.Map{{Key: "protocol", Value: "SCTP"}})

	return append(object("networking.k8s.io/v1", "NetworkPolicy", SecretName(s)), manifest.Entry{Key: "spec", Value: manifest.Map{
		{Key: "podSelector", Value: selector},
		{Key: "policyTypes", Value: manifest.List{"Ingress"}},
		{Key: "ingress", Value: manifest.List{manifest.Map{{Key: "ports", Value: ports}}}},
	}})
}

// controlPort is sidecar.ControlPort; package sidecar imports this one.
const controlPort = 9696

// lastPort is the greatest TCP port.
const lastPort = 65535

// RouteService returns a Service that makes a name a route: it leads to the sidecars of the pods
// that the labels of selector select.
func RouteService(name string, selector manifest.Map, ports manifest.List) Object {
	return append(object("v1", "Service", name), manifest.Entry{Key: "spec", Value: manifest.Map{
		{Key: "selector", Value: selector},
		{Key: "ports", Value: ports},
	}})
}

// object returns the first fields of an object.
func object(version, kind, name string) Object {
	return Object{
		{Key: "apiVersion", Value: version}, {Key: "kind", Value: kind},
		{Key: "metadata", Value: manifest.Map{
			{Key: "name", Value: name},
			{Key: "labels", Value: manifest.Map{{Key: ManagedBy, Value: Manager}}},
		}},
	}
}

// Hosts returns the names in a service's certificate, sorted and each once: those under which
// sidecars call the Services that lead to it, and the hosts of the mesh, under which its own app
// calls its sidecar.
func Hosts(services []string, namespace string, meshHosts []string) []string {
	out := slices.Clone(meshHosts)
	for _, name := range services {
		out = append(out, strings.Join([]string{name, namespace, "svc"}, "."))
	}
	slices.Sort(out)

	return slices.Compact(out)
}
