package inject

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/sidecar"
	"github.com/tykmesh/tykmesh/inject/spelling"
)

// Annotation is one that is read or written, and what people are told of it.
type Annotation struct {
	Key     string
	Text    string // values and names stand in backticks
	Written bool   // by tykmesh itself; people leave it alone
}

// Annotations are all annotations, as help and README list them. Where nothing else is said, they
// belong on the pod template, or on a Pod.
var Annotations = []Annotation{
	{Key: annotationInject, Text: "`y`, `yes`, `true` or `on`, in any case: put this on the mesh. Also on a Service"},
	{Key: annotationRoute, Text: "path on the mesh; `/APP` where it is missing"},
	{Key: annotationTemplate, Text: "the API definition template to use, one of `Tyk.templates`"},
	{Key: "string.service.tyk.io/PATH", Text: "a text for a field of the inbound API. A `-` in PATH becomes `_`, a dot goes down a level"},
	{Key: "bool.service.tyk.io/PATH", Text: "`true` or `false` for such a field"},
	{Key: "num.service.tyk.io/PATH", Text: "a whole number for it"},
	{Key: "object.service.tyk.io/PATH", Text: "a JSON object for it"},
	{Key: "array.service.tyk.io/PATH", Text: "a JSON array for it"},
	{Key: annotationPort, Text: "port of the app: a number, or the name of a container's port *(built-in sidecar)*"},
	{Key: annotationImage, Text: "as `Sidecar.image`, for these pods *(built-in sidecar)*"},
	{Key: annotationCPU, Text: "as `Sidecar.cpu`: `100m` *(built-in sidecar)*"},
	{Key: annotationCPULimit, Text: "as `Sidecar.cpuLimit` *(built-in sidecar)*"},
	{Key: annotationMemory, Text: "as `Sidecar.memory`: `128Mi` *(built-in sidecar)*"},
	{Key: annotationMemoryLimit, Text: "as `Sidecar.memoryLimit` *(built-in sidecar)*"},
	{Key: annotationLogLevel, Text: "as `Sidecar.logLevel` *(built-in sidecar)*"},
	{Key: annotationEnv, Text: "variables of the sidecar, `NAME=VALUE`, one on a line: " + podVariables() + " *(built-in sidecar)*"},
	{Key: annotationIntercept, Text: "as `Injector.intercept` *(built-in sidecar)*"},
	{Key: annotationExemptCIDRs, Text: "networks or addresses with commas, beside those of `Injector.exemptCIDRs` *(built-in sidecar)*"},
	{Key: annotationExemptPorts, Text: "ports with commas, beside those of `Injector.exemptPorts` *(built-in sidecar)*"},
	{Key: annotationCAFile, Text: "variables, with commas, that are to name a file with all public CAs and that of the mesh *(built-in sidecar)*"},
	{Key: annotationAccept, Text: "codes with commas, `TM0019` to `TM0024`, `TM0029` and `TM0033` to `TM0035`: findings about this object that are meant so. On any object, also on the Deployment instead of its pod template, where it does not replace pods"},
	{Key: annotationStatus, Written: true, Text: "`injected` takes the place of the inject annotation"},
	{Key: annotationInbound, Written: true, Text: "id of the inbound API"},
	{Key: annotationMesh, Written: true, Text: "id of the mesh API"},
	{Key: annotationTrust, Written: true, Text: "which CAs the pods trust, with `CA.bundlePath`: pods roll when it changes, because a gateway reads them once"},
	{Key: annotationRecord, Written: true, Text: "what was added, by name, for `uninject`"},
	{Key: annotationEmitted, Written: true, Text: "on the ConfigMaps that `Injector.emitCA` adds"},
}

// podVariables lists the variables that a pod may set for its sidecar.
func podVariables() string {
	var groups []string
	for _, g := range sidecar.PodVariables {
		groups = append(groups, g.Decide+" (`"+strings.Join(g.Names, "`, `")+"`)")
	}
	return strings.Join(groups, ", ")
}

// isOurs reports whether a key has the form of our annotations: it stands under injector.tyk.io/,
// or under service.tyk.io or a name in it.
func isOurs(key string) bool {
	domain, _, _ := strings.Cut(key, "/")
	i := len(domain) - len(services)
	return strings.EqualFold(domain, marker) || i >= 0 && strings.EqualFold(domain[i:], services) && (i == 0 || domain[i-1] == '.')
}

// isAnnotation reports whether there is an annotation of that name.
func isAnnotation(key string) bool {
	_, _, read := fieldKind(key)
	return read != nil || slices.ContainsFunc(Annotations, func(a Annotation) bool { return a.Key == key })
}

// isWritten reports whether an annotation is one that tykmesh itself writes.
func isWritten(key string) bool {
	return slices.ContainsFunc(Annotations, func(a Annotation) bool { return a.Key == key && a.Written })
}

// meantBy returns the end of an error about an unknown annotation of our form: the one that may
// have been meant.
func meantBy(key string) string {
	if domain, path, _ := strings.Cut(key, "/"); !strings.EqualFold(domain, marker) && !meansInject(key) {
		return meantKind(domain[:len(domain)-len(services)], fieldKeys(cmp.Or(path, "PATH")))
	}
	return spelling.DidYouMean(marker+"/", nameOf(key), ownNames())
}

// meantKind returns the end of an error about an unknown annotation under service.tyk.io: the known
// key whose beginning may have been meant, or all of them. What follows the beginning is alike in
// all, and says nothing.
func meantKind(typed string, keys []string) string {
	beginnings := make([]string, len(keys))
	for i, key := range keys {
		beginnings[i], _, _ = strings.Cut(key, services)
	}

	if i := slices.Index(beginnings, spelling.Nearest(typed, beginnings)); i >= 0 {
		return "; did you mean " + keys[i] + "?"
	}

	return "; known are " + strings.Join(keys, ", ")
}

// meansInject reports whether an unknown annotation may have been meant as the switch.
func meansInject(key string) bool {
	return isOurs(key) && !isAnnotation(key) && marker+"/"+spelling.Nearest(nameOf(key), ownNames()) == annotationInject
}

// nameOf returns the name in a key, without its domain.
func nameOf(key string) string {
	_, name, _ := strings.Cut(key, "/")
	return name
}

// ownNames returns the names of the annotations under injector.tyk.io/ that manifests may set.
func ownNames() (names []string) {
	for _, a := range Annotations {
		if name, ours := strings.CutPrefix(a.Key, marker+"/"); ours && !a.Written {
			names = append(names, name)
		}
	}
	return names
}

// fieldKeys returns the annotations under service.tyk.io, with a path for the fields that they set.
func fieldKeys(path string) []string {
	keys := []string{annotationTemplate}
	for _, kind := range slices.Sorted(maps.Keys(fieldKinds)) {
		keys = append(keys, kind+path)
	}
	return keys
}
