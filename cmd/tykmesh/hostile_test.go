package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"sigs.k8s.io/yaml"

	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// feigned is a text that gives orders: to a reader of the log, to a terminal, to a CI system.
const feigned = "a\n::error::feigned \x1b[31m##[add-mask]x ##vso[task.complete]y\u202e\u2028\u009b\ufeff\r\tz"

// quotedFeigned is the same in YAML.
var quotedFeigned = strconv.QuoteToASCII(feigned)

// hostileCase is a field that comes from outside, and a run that says something of it. Values that
// the program never repeats are left out.
type hostileCase struct {
	field   string
	args    []string
	files   map[string]string
	environ []string
	stdin   string
	servers func(w *world) // nil: --local
	plain   bool           // without --report and --local
}

// podWith returns a manifest in which one text is another.
func podWith(old, instead string) map[string]string {
	const pod = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
      annotations: {injector.tyk.io/inject: "true", injector.tyk.io/route: "/web", string.service.tyk.io/name: "web"}
    spec:
      containers: [{name: main, image: web, ports: [{name: http, containerPort: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop, annotations: {injector.tyk.io/inject: "true"}}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]}
`

	return map[string]string{"app.yaml": strings.Replace(pod, old, instead, 1)}
}

func manifestCases() (all []hostileCase) {
	add := func(field, old, instead string) {
		for _, command := range []string{"diff", "inject", "register", "delete --dry-run"} {
			all = append(all, hostileCase{field: field + ", " + command, args: append(strings.Fields(command), "-f", "app.yaml"), files: podWith(old, instead)})
		}
	}
	q := quotedFeigned
	add("kind", "kind: Deployment", "kind: "+q)
	add("API version", "apiVersion: apps/v1", "apiVersion: "+q)
	add("name", "name: web,", "name: "+q+",")
	add("namespace", "namespace: shop}\nspec:", "namespace: "+q+"}\nspec:")
	add("label", "labels: {app: web}", "labels: {app: "+q+"}")
	add("key of an annotation", "string.service.tyk.io/name", strings.Replace(q, `"a`, `"num.service.tyk.io/a`, 1))
	add("key of an annotation of ours", "string.service.tyk.io/name", strings.Replace(q, `"a`, `"injector.tyk.io/a`, 1))
	add("value of an annotation", `"/web"`, q)
	add("value of a field", `name: "web"}`, "name: "+q+"}")
	add("preset id", "string.service.tyk.io/name", "injector.tyk.io/inbound-service-id: "+q+", string.service.tyk.io/name")
	add("name of a container", "name: main", "name: "+q)
	add("target port", "targetPort: http", "targetPort: "+q)
	add("a key that is there twice", "spec:\n  selector", q+": 1\n"+q+": 2\nspec:\n  selector")

	return all
}

func fileCases() (all []hostileCase) {
	name := strings.ReplaceAll(feigned, "/", "") + ".yaml"
	broken := "a: injector.tyk.io/inject: [\n"
	for _, command := range []string{"diff", "inject", "uninject", "delete --yes"} {
		args := strings.Fields(command)
		all = append(all,
			hostileCase{field: "name of a file in a folder, " + command, args: append(args, "-f", "k8s"), files: map[string]string{"k8s/" + name: broken}},
			hostileCase{field: "name of a file that is left out, " + command, args: append(args, "-f", "k8s"),
				files: map[string]string{"k8s/" + name: "a: 1\n", "k8s/app.yaml": podWith("", "")["app.yaml"]}},
			hostileCase{field: "name of a file that is not there, " + command, args: append(args, "-f", name)},
			hostileCase{field: "name of a file with bytes that are no text, " + command, args: append(args, "-f", "feigned\xff\xfe")},
		)
	}

	return append(all,
		hostileCase{field: "name of a changed file", args: []string{"diff", "-f", name}, files: map[string]string{name: podWith("", "")["app.yaml"]}},
		hostileCase{field: "name of the configuration", args: []string{"status", "--config", name}},
		hostileCase{field: "name of a configuration that is there", args: []string{"status", "--config", name}, files: map[string]string{name: "Tyk: {x: 1}\n"}},
		hostileCase{field: "folder of --local", args: []string{"inject", "-f", "app.yaml", "--local", "app.yaml/" + name}, files: podWith("", "")},
		hostileCase{field: "file of --output-file", args: []string{"inject", "-f", "app.yaml", "-w", "none/" + name}, files: podWith("", "")},
		hostileCase{field: "folder of ca init", args: []string{"ca", "init", "--algo", "ecdsa", "--dir", name}, plain: true},
		hostileCase{field: "folder of ca rotate", args: []string{"ca", "rotate", "--dir", name}},
	)
}

func configurationCases() []hostileCase {
	view := func(field, text string) hostileCase {
		return hostileCase{field: field, args: []string{"config", "view", "--config", "odd.yaml"}, files: map[string]string{"odd.yaml": text}, plain: true}
	}
	q := quotedFeigned
	check := func(field, text string, environ ...string) hostileCase {
		return hostileCase{field: field, args: []string{"diff", "-f", "app.yaml", "--config", "odd.yaml"}, environ: environ,
			files: map[string]string{"odd.yaml": text, "app.yaml": podWith("", "")["app.yaml"]}}
	}
	remote := func(c hostileCase) hostileCase { c.plain = true; return c }

	return []hostileCase{
		check("key of the configuration", "Injector: {"+q+": 1}\n"),
		check("section of the configuration", q+": {}\n"),
		check("value of the configuration", "Injector: {slugs: "+q+"}\n"),
		check("list in the configuration", "Injector: {createRoutes: true, meshHosts: ["+q+"]}\n"),
		remote(check("path in the configuration", "Injector: {createRoutes: true}\nTyk: {secret: "+strings.Replace(q, `"a`, `"file:a`, 1)+"}\n")),
		remote(check("secret that is elsewhere", "Injector: {createRoutes: true}\nTyk: {secret: "+strings.Replace(q, `"a`, `"env:a`, 1)+"}\n")),
		check("name of a variable", "Injector: {}\n", "TYKMESH_INJECTOR_"+feigned+"=1"),
		check("value of a variable", "Injector: {}\n", "TYKMESH_INJECTOR_SLUGS="+feigned),
		view("shown value", "Tyk: {templates: "+q+"}\n"),
		view("shown list", "Injector: {meshHosts: ["+q+"]}\n"),
		view("shown key", "Sidecar: {env: {"+q+": "+q+"}}\n"),
		{field: "shown value as JSON", args: []string{"config", "view", "-o", "json", "--config", "odd.yaml"}, files: map[string]string{"odd.yaml": "Tyk: {templates: " + q + "}\n"}, plain: true},
	}
}

func argumentCases() (all []hostileCase) {
	for field, args := range map[string][]string{
		"command":                {feigned},
		"command of a group":     {"certs", feigned},
		"topic":                  {"help", feigned},
		"flag":                   {"inject", "--" + feigned},
		"short flag":             {"inject", "-\x1bfeigned"},
		"argument":               {"version", feigned},
		"path":                   {"uninject", feigned},
		"bytes that are no text": {"uninject", "feigned\xff\x9b"},
		"report":                 {"inject", "--report", feigned},
		"file of a report":       {"inject", "--report", "json=none/" + feigned},
		"time":                   {"inject", "--timeout", feigned},
		"namespace":              {"config", "secret", "-n", feigned},
		"subject":                {"ca", "init", "--subject", feigned},
		"name of a certificate":  {"certs", "renew", feigned, "--local", "mesh"},
	} {
		all = append(all, hostileCase{field: "argument: " + field, args: args, plain: true})
	}

	return all
}

// markedAPI returns what stores an API of the mesh that was changed in the Dashboard.
func markedAPI(change func(d, mark map[string]any)) func(w *world) {
	return func(w *world) {
		mark := map[string]any{"namespace": "shop", "app": "web", "role": "mesh"}
		d := dashboard.Definition{"name": "web", "slug": "web-mesh", "api_id": "of-web", "org_id": dashboardtest.DefaultOrg, "active": true, "tags": []any{"mesh"},
			"proxy": map[string]any{"listen_path": "/web", "target_url": "http://web.shop:8080"}, "config_data": map[string]any{"tykmesh": mark}}
		change(d, mark)
		w.dashboard.PutAPI(dashboard.API{Definition: d})
	}
}

func serverCases() (all []hostileCase) {
	commands := []string{"status", "status -o json", "certs list", "certs list -o json", "certs prune --dry-run", "certs renew --dry-run", "diff -f app.yaml", "delete -f app.yaml --dry-run", "check", "check -o json"}
	add := func(field string, servers func(w *world), commands ...string) {
		for _, command := range commands {
			all = append(all, hostileCase{field: field + ", " + command, args: strings.Fields(command), servers: servers, files: podWith("", "")})
		}
	}
	add("slug", markedAPI(func(d, _ map[string]any) { d["slug"] = feigned }), commands...)
	add("name of an API", markedAPI(func(d, _ map[string]any) { d["name"] = feigned }), commands...)
	add("id of an API", markedAPI(func(d, _ map[string]any) { d["api_id"], d["id"] = feigned, feigned }), commands...)
	add("listen path", markedAPI(func(d, _ map[string]any) { d["proxy"].(map[string]any)["listen_path"] = feigned }), commands...)
	add("target", markedAPI(func(d, _ map[string]any) { d["proxy"].(map[string]any)["target_url"] = feigned }), commands...)
	add("domain", markedAPI(func(d, _ map[string]any) { d["domain"] = feigned }), commands...)
	add("tags", markedAPI(func(d, _ map[string]any) { d["tags"] = []any{"mesh", feigned} }), commands...)
	add("certificate on an API", markedAPI(func(d, _ map[string]any) { d["certificates"] = []any{feigned} }), commands...)
	add("organisation of an API", markedAPI(func(d, _ map[string]any) { d["org_id"] = feigned }), commands...)
	add("app of the mark", markedAPI(func(_, mark map[string]any) { mark["app"] = feigned }), commands...)
	add("namespace of the mark", markedAPI(func(_, mark map[string]any) { mark["namespace"] = feigned }), commands...)
	add("role of the mark", markedAPI(func(_, mark map[string]any) { mark["role"] = feigned }), commands...)
	add("field of an API", markedAPI(func(d, _ map[string]any) { d[feigned] = feigned }), commands...)
	answers := func(method, path string, answer http.HandlerFunc) func(w *world) {
		return func(w *world) {
			w.dashboard.Fail(dashboardtest.Fault{Method: method, Path: path, Times: -1, Answer: answer})
		}
	}
	runs := append(slices.Clone(commands), "inject -f app.yaml", "register -f app.yaml")
	add("Dashboard's error", answers("GET", "/api/apis", dashboardtest.Refusal(400, feigned)), runs...)
	add("Dashboard's page", answers("GET", "/api/apis", dashboardtest.Reply(500, "text/html", "<p>"+feigned)), runs...)
	add("where the Dashboard redirects", answers("GET", "/api/apis", dashboardtest.Redirect("http://x/?"+strings.Trim(quotedFeigned, `"`))), runs...)
	add("refused API", answers("POST", "/api/apis", dashboardtest.Refusal(400, feigned)), "inject -f app.yaml", "register -f app.yaml", "check")
	add("refused certificate", answers("POST", "/api/certs", dashboardtest.Refusal(400, feigned)), "inject -f app.yaml")
	add("id of an uploaded certificate", func(w *world) {
		w.dashboard.Fail(dashboardtest.Fault{Method: "POST", Path: "/api/certs", Times: -1, Answer: func(rw http.ResponseWriter, _ *http.Request) {
			_ = json.NewEncoder(rw).Encode(map[string]string{"id": feigned, "message": feigned, "status": "ok"})
		}})
	}, "inject -f app.yaml")
	refusal, _ := json.Marshal(map[string]any{"success": false, "errors": []any{map[string]any{"code": 1, "message": feigned}}})
	add("CFSSL's error", func(w *world) { w.cfssl.Fail(catest.Fault{Status: 400, Body: string(refusal)}) }, "inject -f app.yaml", "certs list", "check", "diff -f app.yaml")
	add("CFSSL's page", func(w *world) { w.cfssl.Fail(catest.Fault{Status: 500, Body: feigned}) }, "inject -f app.yaml", "check")

	return all
}

// Manifests, file names and servers do not speak for the program: each line is its own, and gives
// no orders.
func TestNothingFromOutsideGivesOrders(t *testing.T) {
	configuration, err := os.ReadFile(samples + "/tykmesh.yaml")
	if err != nil {
		t.Fatal(err)
	}

	said := map[string]bool{}
	for _, test := range slices.Concat(manifestCases(), fileCases(), configurationCases(), argumentCases(), serverCases()) {
		t.Run(test.field, func(t *testing.T) {
			formats := [][]string{nil, {"-v"}, {"--report", "json", "-v"}, {"--report", "github"}, {"--report", "sarif"}, {"--report", "text=out"}}
			switch {
			case test.plain:
				formats = formats[:1]
			case testing.Short():
				formats = [][]string{{"-v"}, {"--report", "github"}}
			}

			field, _, _ := strings.Cut(test.field, ", ")
			for _, format := range formats {
				if runHostile(t, string(configuration), test, format) {
					said[field] = true
				}
				said[field] = said[field] || false
			}
		})
	}

	for field, ok := range said {
		if !ok {
			t.Errorf("no run says anything of it: %s", field)
		}
	}
}

// runHostile runs a case with a report, checks what it prints, and reports whether that is about
// the field.
func runHostile(t *testing.T, configuration string, test hostileCase, format []string) bool {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("files have no such names")
	}

	t.Chdir(t.TempDir())
	if err := errors.Join(writeAll(map[string]string{"tykmesh.yaml": configuration}), writeAll(test.files)); err != nil {
		t.Fatal(err)
	}

	args := append(slices.Clone(test.args), format...)

	environ := slices.Clone(test.environ)
	if test.servers != nil {
		w := hostileWorld(t)
		test.servers(w)
		environ = append(environ, "TYKMESH_TYK_URL="+w.dashboard.URL, "TYK_DASHBOARD_KEY="+plantedDashboardKey, "TYKMESH_CA_ADDR="+w.cfssl.URL, "CFSSL_KEY="+plantedCFSSLKey)
	} else if !test.plain && !slices.Contains(args, "--local") && slices.Index(args, "uninject") < 0 && slices.Index(args, "rotate") < 0 {
		args = append(args, "--local", "mesh")
	}

	var stdout, stderr bytes.Buffer
	status := run(t.Context(), process{name: "tykmesh", args: args, environ: environ, stdin: strings.NewReader(test.stdin), stdout: &stdout, stderr: &stderr})
	github := slices.Contains(format, "github")
	checkLines(t, args, stderr.String(), github)
	checkStandardOutput(t, args, stdout.String(), github)
	if text, err := os.ReadFile("out"); err == nil {
		checkLines(t, args, string(text), false)
	}

	if status == 0 && slices.Contains(args, "inject") {
		return true // what it prints are manifests, which say it
	}

	return strings.Contains(stdout.String()+stderr.String(), "feigned")
}

func writeAll(files map[string]string) error {
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return err
		}
	}

	return nil
}

func hostileWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(".")
	w.dashboard = dashboardtest.New(dashboardtest.Options{Secret: plantedDashboardKey})
	w.cfssl = catest.New(catest.Options{Key: plantedCFSSLKey, CA: catest.NewCA(feigned)})
	t.Cleanup(w.dashboard.Close)
	t.Cleanup(w.cfssl.Close)
	return w
}

// isHarmless reports whether a line gives no orders.
func isHarmless(line string) bool {
	return utf8.ValidString(line) && !strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) &&
		!strings.Contains(line, "##[") && !strings.Contains(line, "##vso[") && !strings.HasPrefix(strings.TrimLeft(line, " "), "::")
}

// checkLines checks a log, in which commands of GitHub Actions that are meant may stand.
func checkLines(t *testing.T, args []string, text string, github bool) {
	t.Helper()
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if rest, ok := strings.CutPrefix(line, "::"); ok && github && !strings.HasPrefix(rest, "error::feigned") {
			_, line, _ = strings.Cut(rest, "::")
		}
		if !isHarmless(line) {
			t.Errorf("%q: %q", args, line)
		}
	}
}

// checkStandardOutput checks all but manifests and their lines in a diff, which stay as they are.
func checkStandardOutput(t *testing.T, args []string, text string, github bool) {
	t.Helper()
	shows := slices.Contains(args, "diff") || slices.Contains(args, "--dry-run")
	switch {
	case text == "" || (args[0] == "inject" || args[0] == "uninject") && !shows:
		return
	case github && !slices.Contains(args, "json"):
		text = insideBrackets(t, args, text)
	}

	if shows {
		_, diff, _ := strings.Cut(text, "--- ")
		text, _, _ = strings.Cut(text, "--- ")
		if name, _, _ := strings.Cut(diff, "\n+++ "); !isHarmless(name) {
			t.Errorf("%q: a diff of %q", args, name)
		}
	}

	checkLines(t, args, text, false)
}

func insideBrackets(t *testing.T, args []string, text string) string {
	t.Helper()
	first, rest, _ := strings.Cut(text, "\n")
	token, ok := strings.CutPrefix(first, "::stop-commands::")

	inside, closed := strings.CutSuffix(rest, "\n::"+token+"::\n")
	if !ok || !closed || len(token) < 20 || strings.Contains(inside, token) {
		t.Errorf("%q: not in brackets: %q ... %q", args, first, text[max(0, len(text)-80):])
	}

	return inside
}

// The caller of a KRM function shows its results.
func TestResultsGiveNoOrders(t *testing.T) {
	list := "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n" +
		"- apiVersion: v1\n  kind: Pod\n  metadata: {name: " + quotedFeigned + ", labels: {app: " + quotedFeigned + "}, annotations: {injector.tyk.io/inject: \"true\", " +
		"injector.tyk.io/route: " + quotedFeigned + "}}\n  spec: {containers: [{name: c}]}\n"
	var stdout, stderr bytes.Buffer
	run(t.Context(), process{args: []string{"inject", "--config", samples + "/tykmesh.yaml", "--local", t.TempDir()}, stdin: strings.NewReader(list), stdout: &stdout, stderr: &stderr})
	checkLines(t, nil, stderr.String(), false)
	var got struct{ Results []struct{ Message string } }
	if err := yaml.Unmarshal(stdout.Bytes(), &got); err != nil || len(got.Results) == 0 {
		t.Fatalf("%v\n%s", err, &stdout)
	}

	for _, r := range got.Results {
		if !isHarmless(r.Message) || !strings.Contains(r.Message, "feigned") {
			t.Errorf("%q", r.Message)
		}
	}
}

// Manifests are printed as they are, in a job of GitHub Actions too: a pipe leads to no log.
func TestManifestsAreNotBracketed(t *testing.T) {
	for _, format := range []string{"text", "github"} {
		var stdout, stderr bytes.Buffer
		status := run(t.Context(), process{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, args: []string{
			"inject", "--report", format, "--config", samples + "/tykmesh.yaml", "--local", t.TempDir(), "-n", "shop", "-f", samples + "/echo.yaml"}})
		if status != 0 || strings.Contains(stdout.String(), "::stop-commands::") {
			t.Errorf("exit status %d, printed\n%s\nsaid\n%s", status, &stdout, &stderr)
		}
	}
}

// The report comes before the brackets, because a runner reads standard error first and obeys
// nothing in between.
func TestTheReportComesBeforeTheBrackets(t *testing.T) {
	var both bytes.Buffer
	args := []string{"diff", "--report", "github", "--config", samples + "/tykmesh.yaml", "--local", t.TempDir(), "-f", samples + "/echo.yaml"}
	status := run(t.Context(), process{stdin: strings.NewReader(""), stdout: &both, stderr: &both, args: args})
	report, stop := strings.Index(both.String(), "1 workload and 1 Service"), strings.Index(both.String(), "::stop-commands::")
	if status != 3 || report < 0 || stop < report {
		t.Errorf("exit status %d:\n%s", status, &both)
	}
}
