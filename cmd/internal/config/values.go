package config

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	urlpath "path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudflare/cfssl/csr"
	"k8s.io/apimachinery/pkg/util/validation"
	kubeversion "k8s.io/apimachinery/pkg/util/version"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// The kinds of single keys. What an error may not repeat, because it may be a secret, its check in
// checks.go leaves out.
var (
	quantity = textOf(sidecar.CheckQuantity)
	bodySize = textOf(sidecar.CheckBodySize)
	timeout  = orUnset(numberOf[int64](1, math.MaxInt32))

	logLevel = kind[string]{read: textOf(sidecar.CheckLogLevel).read, show: showText,
		schema: manifest.Map{{Key: "enum", Value: manifest.List{"debug", "info", "warn", "error"}}}}

	hostName   = checked(checkHost)
	labelKey   = checked(checkLabel)
	cleanRoute = checked(checkRoute)

	ruleCode = parsed(textSchema, func(r inject.Rule) any { return string(r) }, inject.ParseAccepted)
	cidr     = parsed(textSchema, func(p netip.Prefix) any { return p.String() }, sidecar.ParseNetwork)

	exemptPort = parsed(manifest.Map{{Key: "enum", Value: manifest.List{int64(80), int64(443), "80", "443"}}}, func(port int) any { return int64(port) },
		sidecar.ParseExemptPort)

	kubernetesVersion = optional(parsed(textSchema.With("pattern", versionPattern), showVersion, parseVersion))
)

// addresses is the kind of addresses of Redis: that of one server, or those of some servers of a
// cluster.
var addresses = addressKind()

func addressKind() kind[[]string] {
	k := listOrTextOf(checked(checkAddress))
	all := k.show
	k.show = func(list []string) any {
		if len(list) == 1 {
			return list[0]
		}
		return all(list)
	}

	return k
}

func checkLabel(label string) error {
	if len(validation.IsQualifiedName(label)) > 0 {
		return fmt.Errorf("%q is not a label key; write one like app or app.kubernetes.io/name", label)
	}
	return nil
}

func checkRoute(route string) error {
	if urlpath.Clean(route) != route || !urlpath.IsAbs(route) {
		return fmt.Errorf("%q is not a clean URL path; write /, /NAME or /NAME/NAME", route)
	}
	return nil
}

func checkAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if n, bad := strconv.Atoi(port); err != nil || bad != nil || n < 1 || n > 65535 || host == "" || strings.ContainsAny(address, "/, @") {
		return errors.New("want host:port, without user, password and path") // the value may hold a password
	}
	return nil
}

// versionPattern matches versions of Kubernetes.
const versionPattern = `^v?[0-9]+\.[0-9]+(\.[0-9]+)?([-+].*)?$`

var versionLike = regexp.MustCompile(versionPattern)

func parseVersion(text string) (*kubeversion.Version, error) {
	v, err := kubeversion.ParseGeneric(text)
	if err != nil || !versionLike.MatchString(text) {
		return nil, fmt.Errorf("want a version like 1.33, got %q", text)
	}
	return v, nil
}

func showVersion(v *kubeversion.Version) any {
	if v == nil {
		return nil
	}
	return v.String()
}

// subject is the kind of X.509 subjects, written as CFSSL writes them.
var subject = objectOf(nil,
	member[csr.Name]{"C", in(func(n *csr.Name) *string { return &n.C }, textOf(nil))},
	member[csr.Name]{"ST", in(func(n *csr.Name) *string { return &n.ST }, textOf(nil))},
	member[csr.Name]{"L", in(func(n *csr.Name) *string { return &n.L }, textOf(nil))},
	member[csr.Name]{"O", in(func(n *csr.Name) *string { return &n.O }, textOf(nil))},
	member[csr.Name]{"OU", in(func(n *csr.Name) *string { return &n.OU }, textOf(nil))},
	member[csr.Name]{"E", in(func(n *csr.Name) *string { return &n.E }, textOf(nil))},
	member[csr.Name]{"SerialNumber", in(func(n *csr.Name) *string { return &n.SerialNumber }, textOf(nil))},
)

// keyRequest is the kind of algorithms and sizes of keys.
var keyRequest = objectOf(checkKeyRequest,
	member[csr.KeyRequest]{"A", in(func(r *csr.KeyRequest) *string { return &r.A }, textOf(nil))},
	member[csr.KeyRequest]{"S", in(func(r *csr.KeyRequest) *int { return &r.S }, keySize)},
)

// keySize is the kind of sizes of keys. No number is like 0: checkKeyRequest says which numbers
// fit.
var keySize = textual(manifest.Map{{Key: "type", Value: manifest.List{"integer", "string"}}}, func(size int) any { return int64(size) },
	func(_ *loader, _ setting, text string) (int, bool) {
		size, _ := strconv.Atoi(text)
		return size, true
	})

// checkKeyRequest accepts the keys that CFSSL makes and a Tyk Gateway serves.
func checkKeyRequest(request csr.KeyRequest) error {
	rsa := request.A == "rsa" && request.S >= 2048 && request.S <= 8192
	ecdsa := request.A == "ecdsa" && slices.Contains([]int{256, 384, 521}, request.S)
	switch {
	case request.A == "ed25519":
		return errors.New("ed25519 keys do not work with Tyk gateways; write A: rsa or A: ecdsa")
	case !rsa && !ecdsa:
		return errors.New("want A: rsa with S: 2048 to 8192, or A: ecdsa with S: 256, 384 or 521")
	}

	return nil
}

// issuerRef is the kind of references to issuers of cert-manager.
var issuerRef = issuerKind()

func issuerKind() kind[standalone.IssuerRef] {
	type ref = standalone.IssuerRef
	k := objectOf(ref.Check,
		member[ref]{"name", in(func(i *ref) *string { return &i.Name }, textOf(nil))},
		member[ref]{"kind", in(func(i *ref) *string { return &i.Kind }, textOf(nil))},
		member[ref]{"group", in(func(i *ref) *string { return &i.Group }, textOf(nil))},
	)
	members := k.show
	k.show = func(i ref) any {
		if i == (ref{}) {
			return nil
		}
		return members(i)
	}

	return k
}

// podTemplate is the kind of places where custom resources have pod templates.
var podTemplate = objectOf(checkPodTemplate,
	member[kube.PodTemplate]{"group", in(func(t *kube.PodTemplate) *string { return &t.Group }, textOf(nil))},
	member[kube.PodTemplate]{"kind", in(func(t *kube.PodTemplate) *string { return &t.Kind }, textOf(nil))},
	member[kube.PodTemplate]{"path", in(func(t *kube.PodTemplate) *[]string { return &t.Path }, keyPath)},
)

// keyPath is the kind of paths of keys with dots between them.
var keyPath = textual(textSchema, func(path []string) any { return showText(strings.Join(path, ".")) },
	func(_ *loader, _ setting, text string) ([]string, bool) { return strings.Split(text, "."), text != "" })

func checkPodTemplate(t kube.PodTemplate) error {
	path := strings.Join(t.Path, ".")
	switch {
	case t.Kind == "" || path == "":
		return errors.New("want a kind and a path, such as {group: ray.io, kind: RayCluster, path: spec.workerGroupSpecs.*.template}")
	case slices.Contains(t.Path, ""):
		return notPath(t.Path)
	case t.Path[len(t.Path)-1] == "spec":
		return fmt.Errorf("%q leads to the spec of a pod; write the path of the template around it, which has the metadata too", path)
	}

	return nil
}

// portReference is the kind of places where objects name ports of Services.
var portReference = objectOf(checkPortReference,
	member[kube.PortReference]{"group", in(func(p *kube.PortReference) *string { return &p.Group }, textOf(nil))},
	member[kube.PortReference]{"kind", in(func(p *kube.PortReference) *string { return &p.Kind }, textOf(nil))},
	member[kube.PortReference]{"service", in(func(p *kube.PortReference) *[]string { return &p.Service }, keyPath)},
	member[kube.PortReference]{"port", in(func(p *kube.PortReference) *[]string { return &p.Port }, keyPath)},
	member[kube.PortReference]{"namespace", in(func(p *kube.PortReference) *[]string { return &p.Namespace }, keyPath)},
)

func checkPortReference(p kube.PortReference) error {
	if p.Kind == "" || len(p.Service) == 0 || len(p.Port) == 0 {
		return errors.New("want a kind and two paths, such as {group: example.com, kind: Proxy, service: spec.backends.*.name, port: spec.backends.*.port}")
	}

	for _, path := range [][]string{p.Service, p.Port, p.Namespace} {
		if slices.Contains(path, "") {
			return notPath(path)
		}
	}

	return nil
}

func notPath(path []string) error {
	return fmt.Errorf("%q is not a path; write keys with dots between them", strings.Join(path, "."))
}

// environment is the kind of environment variables of the built-in sidecar.
var environment = kind[[]sidecar.Variable]{
	read: readVariables,
	show: func(variables []sidecar.Variable) any { // values may be secrets
		return showList(variables, func(v sidecar.Variable) any { return v.Name })
	},
	schema: mapSchema(textSchema),
}

func readVariables(l *loader, s setting, into *[]sidecar.Variable) bool {
	before := len(l.errors)
	*into = nil
	for _, e := range l.entries(s, func(a, b string) bool { return a == b }) {
		if err := sidecar.CheckSettable(e.name, l.config.Injector.Mode == ModeStandalone); err != nil {
			l.report(e.at, e.key, err.Error())
			continue
		}

		if err := sidecar.CheckVariable(e.name); err != nil {
			l.report(e.at, s.key, err.Error())
			continue
		}

		if text, ok := l.text(e.setting); ok {
			*into = append(*into, sidecar.Variable{Name: e.name, Value: text})
		}
	}

	return len(l.errors) == before
}
