package inject

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/sidecar"
	"github.com/tykmesh/tykmesh/inject/spelling"
)

// Annotation is one annotation that tykmesh reads or writes, and its documentation.
type Annotation struct {
	Key     string
	Text    string // values and names stand in backticks
	Written bool   // by tykmesh itself; users must not set it
}

// Annotations are all annotations, as help and README list them. Unless the text says otherwise,
// they belong on the pod template, or on a Pod.
var Annotations = []Annotation{
	{Key: annotationInject, Text: "`y`, `yes`, `true` or `on`, in any case, puts the object on the mesh. Also on a Service"},
	{Key: annotationRoute, Text: "path on the mesh; the default is `/APP`. With `Injector.mode: standalone` it is one name, and `inject` adds a Service that is called so"},
	{Key: annotationTemplate, Text: "name of the API definition template, one of `Tyk.templates`; this and the next five only with `mode: dashboard`"},
	{Key: "string.service.tyk.io/PATH", Text: "a string for a field of the inbound API. In PATH, `-` becomes `_`, and a dot separates levels"},
	{Key: "bool.service.tyk.io/PATH", Text: "the same with `true` or `false`"},
	{Key: "num.service.tyk.io/PATH", Text: "the same with an integer"},
	{Key: "object.service.tyk.io/PATH", Text: "the same with a JSON object"},
	{Key: "array.service.tyk.io/PATH", Text: "the same with a JSON array"},
	{Key: annotationPort, Text: "port of the app: a number, or the name of a container port *(built-in sidecar)*"},
	{Key: annotationSidecarPort, Text: "overrides `Sidecar.port`. Also on a Service whose pods stand elsewhere *(built-in sidecar, `mode: dashboard`)*"},
	{Key: annotationPreviousPort, Text: "overrides `Sidecar.previousPort`. Also on a Service whose pods stand elsewhere *(built-in sidecar, `mode: dashboard`)*"},
	{Key: annotationImage, Text: "overrides `Sidecar.image` for these pods *(built-in sidecar)*"},
	{Key: annotationCPU, Text: "overrides `Sidecar.cpu`, for example `100m` *(built-in sidecar)*"},
	{Key: annotationCPULimit, Text: "overrides `Sidecar.cpuLimit` *(built-in sidecar)*"},
	{Key: annotationMemory, Text: "overrides `Sidecar.memory`, for example `128Mi` *(built-in sidecar)*"},
	{Key: annotationMemoryLimit, Text: "overrides `Sidecar.memoryLimit` *(built-in sidecar)*"},
	{Key: annotationLogLevel, Text: "overrides `Sidecar.logLevel` *(built-in sidecar)*"},
	{Key: annotationEnv, Text: "environment variables of the sidecar, `NAME=VALUE`, one per line: " + podVariables() + " *(built-in sidecar)*"},
	{Key: annotationIntercept, Text: "overrides `Injector.intercept` *(built-in sidecar)*"},
	{Key: annotationExemptCIDRs, Text: "networks or addresses, separated by commas, in addition to `Injector.exemptCIDRs` *(built-in sidecar)*"},
	{Key: annotationExemptPorts, Text: "ports, separated by commas, in addition to `Injector.exemptPorts` *(built-in sidecar)*"},
	{Key: annotationCAFile, Text: "variables, separated by commas, that get the path of a file with all public CAs and the mesh CA *(built-in sidecar)*"},
	{Key: annotationSleep, Text: "seconds, for example `10`, that each container without a preStop hook sleeps before it ends; a sidecar that is not native sleeps with them. " +
		"So an app that exits at SIGTERM serves on while callers turn to other pods. Needs `Injector.kubeVersion` 1.30 or later *(built-in sidecar)*"},
	{Key: annotationCalls, Text: "the services that these pods call, separated by commas: `APP` or `APP.NAMESPACE`, or `none`. The sidecar then loads their routes only, which saves memory; other routes answer 404 *(built-in sidecar, `mode: dashboard`)*"},
	{Key: annotationAllow, Text: "the services that may call these pods, separated by commas: `APP` or `APP.NAMESPACE`; `*`, the default, is all of the mesh. Other callers get a 403 *(`Injector.mode: standalone`)*"},
	{Key: annotationAccept, Text: "warnings to suppress for this object, as codes separated by commas: " + ranges(acceptable()) + ". May be set on any object; on a Deployment, rather than on its pod template, it does not restart pods"},
	{Key: annotationStatus, Written: true, Text: "`injected` replaces the inject annotation"},
	{Key: annotationInbound, Written: true, Text: "id of the inbound API"},
	{Key: annotationMesh, Written: true, Text: "id of the mesh API"},
	{Key: annotationTrust, Written: true, Text: "identifies the CAs that the pods trust (`CA.bundlePath`). Pods restart when it changes, because a gateway reads its CAs only once"},
	{Key: annotationRecord, Written: true, Text: "the names of all additions, for `uninject`"},
	{Key: annotationEmitted, Written: true, Text: "marks the objects that `inject` adds"},
}

// ranges lists codes of rules, in order: three and more in a row by the first and the last.
func ranges(rules []Rule) string {
	var texts []string
	for i := 0; i < len(rules); {
		last := i
		for last+1 < len(rules) && rules[last+1].number() == rules[last].number()+1 {
			last++
		}

		if last-i < 2 {
			last = i
			texts = append(texts, fmt.Sprintf("`%s`", rules[i]))
		} else {
			texts = append(texts, fmt.Sprintf("`%s` to `%s`", rules[i], rules[last]))
		}

		i = last + 1
	}

	return strings.Join(texts, ", ")
}

// podVariables lists the variables that a pod may set for its sidecar.
func podVariables() string {
	var groups []string
	for _, g := range sidecar.PodVariables {
		groups = append(groups, g.About+" (`"+strings.Join(g.Names, "`, `")+"`)")
	}
	return strings.Join(groups, ", ")
}

// isOurs reports whether a key has the form of a tykmesh annotation: it begins with
// injector.tyk.io/, or its domain is service.tyk.io or a subdomain.
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

// meantBy returns the end of an error about an unknown annotation: the known one that is most like
// it.
func meantBy(key string) string {
	if domain, path, _ := strings.Cut(key, "/"); !strings.EqualFold(domain, marker) && !meansInject(key) {
		return meantKind(domain[:len(domain)-len(services)], fieldKeys(cmp.Or(path, "PATH")))
	}
	return spelling.DidYouMean(marker+"/", nameOf(key), ownNames())
}

// meantKind returns the end of an error about an unknown annotation under service.tyk.io: the known
// key with the most similar prefix, or all of them. The path after the prefix is the user's own and
// does not count.
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

// meansInject reports whether an unknown annotation is probably a misspelt inject annotation.
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
