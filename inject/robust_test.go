package inject_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// TestHostileInput shows that no input of a few megabytes takes more than its share of time and
// memory: each of these would run for hours, or out of memory, if something in it were done once
// too often.
func TestHostileInput(t *testing.T) {
	const service = "apiVersion: v1\nkind: Service\nmetadata: {name: web, annotations: {injector.tyk.io/inject: \"true\"}}\nspec: {ports: [{port: 80}]}\n"
	const settings = "---\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: settings}\ndata:\n"
	object := func(name string) string {
		return fmt.Sprintf(`{"apiVersion":"v1","kind":"Service","metadata":{"name":"%s","annotations":{"injector.tyk.io/inject":"true"}},"spec":{"ports":[{"port":80}]}}`, name)
	}
	for name, c := range map[string]struct {
		text    string
		refused bool
		count   int // of injected objects
	}{
		"nested 10,000 deep":              {text: service + "x: " + strings.Repeat("[", 9_990) + strings.Repeat("]", 9_990) + "\n", count: 1},
		"nested too deep":                 {text: service + "x: " + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + "\n", refused: true},
		"nested lists of objects":         {text: strings.Repeat("{kind: List, items: [", 3_000) + object("web") + strings.Repeat("]}", 3_000), count: 1},
		"a bomb of values":                {text: bomb("&%s [*%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s]") + service, count: 1},
		"a bomb of merges":                {text: bomb("&%s {<<: [*%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s]}") + "metadata: *x30\n# injector.tyk.io\nkind: Service\n"},
		"a bomb of lists":                 {text: bomb("&%s {kind: List, items: [*%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s]}") + "kind: List\nitems: [*x30]\n# injector.tyk.io\n"},
		"a scalar of 2 MB":                {text: service + "x: " + strings.Repeat("x", 2_000_000) + "\n", count: 1},
		"a quoted scalar of 400 KB":       {text: service + "x: \"" + strings.Repeat("é\\n", 100_000) + "\"\n", count: 1},
		"a literal of 700 KB":             {text: service + "x: |\n" + strings.Repeat("  line\n", 100_000), count: 1},
		"a comment of 600 KB":             {text: strings.Repeat("# comment\n", 60_000) + service, count: 1},
		"a mapping of 30,000 keys":        {text: service + wide("k%d: v\n", 30_000), count: 1},
		"a sequence of 30,000 items":      {text: service + "x:\n" + wide("- v%d\n", 30_000), count: 1},
		"100,000 documents":               {text: strings.Repeat("---\na: b\n", 100_000) + "---\n" + service, count: 1},
		"2,000 objects on one line":       {text: `{"kind":"List","items":[` + strings.TrimSuffix(wide(object("s%d")+",", 2_000), ",") + "]}", count: 2_000},
		"JSON nested 10,000 deep":         {text: strings.TrimSuffix(object("web"), "}") + `,"x":` + strings.Repeat("[", 9_990) + strings.Repeat("]", 9_990) + "}", count: 1},
		"JSON nested too deep":            {text: `{"x":"injector.tyk.io","y":` + strings.Repeat("[", 1_000_000), refused: true},
		"a string of 2 MB":                {text: strings.TrimSuffix(object("web"), "}") + `,"x":"` + strings.Repeat(`\n`, 1_000_000) + `"}`, count: 1},
		"100,000 JSON values":             {text: strings.Repeat("{\"a\":[1]}\n", 100_000) + object("web"), count: 1},
		"a key of 1 MB":                   {text: service + strings.Repeat("k", 1_000_000) + ": v\n", refused: true},
		"10,000 dashes":                   {text: service + "x:\n" + strings.Repeat("- ", 9_000) + "a\n", count: 1},
		"a folded scalar of 2 MB":         {text: service + "x: >-\n  " + strings.Repeat("word ", 400_000) + "\n", count: 1},
		"100,000 empty documents":         {text: strings.Repeat("---\n", 100_000) + service, count: 1},
		"30,000 annotations":              {text: strings.Replace(service, "injector.tyk.io/inject", wide("k%d: v, ", 30_000)+"injector.tyk.io/inject", 1), count: 1},
		"30,000 misspelt annotations":     {text: strings.Replace(service, "injector.tyk.io/inject", wide("\n  injector.tyk.io/k%d: v, ", 30_000)+"injector.tyk.io/inject", 1), count: 1},
		"30,000 keys that nothing reads":  {text: service + "x:\n" + wide("- {injector.tyk.io/k%d: v}\n", 30_000), count: 1},
		"a bomb that is only read":        {text: bomb("&%s {kind: List, items: [*%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s]}") + "kind: ServiceList\nitems: [*x30]\n---\n" + service, count: 1},
		"merges that are only read":       {text: bomb("&%s {<<: [*%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s]}") + "kind: Service\nmetadata: *x30\nspec: *x30\n---\n" + service, count: 1},
		"20,000 Services, only read":      {text: wide("---\nkind: Service\nmetadata: {name: s%d}\nspec: {selector: {app: web}}\n", 20_000) + "---\n" + service, count: 1},
		"2,000 policies for 500 pods":     {text: wide("---\nkind: NetworkPolicy\napiVersion: networking.k8s.io/v1\nmetadata: {name: p%d}\nspec: {podSelector: {}, ingress: [{ports: [{port: 80}]}]}\n", 2_000) + wide("---\nkind: Pod\napiVersion: v1\nmetadata: {name: p%d, labels: {app: x}, annotations: {injector.tyk.io/inject: \"true\"}}\nspec: {containers: [{name: x}]}\n", 500) + "---\n" + service, count: 1},
		"50,000 words that mean nothing":  {text: "x: [" + strings.Repeat("kind: kind, ", 50_000) + "]\n---\n" + service, count: 1},
		"100,000 calls in one text":       {text: service + settings + "  a: |\n" + strings.Repeat("    http://a:1@web:80/ web:80 # web:80\n", 100_000), count: 1},
		"a call in 30,000 values":         {text: service + settings + wide("  k%d: web:80\n", 30_000), count: 1},
		"one text in 10,000 values":       {text: service + settings + "  a: &a |\n    web:80\n" + strings.Repeat("    line\n", 20_000) + wide("  k%d: *a\n", 10_000), count: 1},
		"an environment 10,000 times":     {text: service + "---\nkind: Pod\napiVersion: v1\nmetadata: {name: p}\nspec:\n  containers:\n  - {name: a, env: &env [" + wide("{name: k%d, value: web:80}, ", 10_000) + "]}\n" + wide("  - {name: a%d, env: *env}\n", 10_000), count: 1},
		"a path of 1 MB":                  {text: service + settings + "  a: http://mesh/" + strings.Repeat("http://mesh/", 80_000) + "\n", count: 1},
		"10,000 problems in one document": {text: `{"kind":"List","items":[` + strings.TrimSuffix(wide(strings.ReplaceAll(object("s%d"), `"true"`, "true")+",", 10_000), ",") + "]}", refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			docs := manifest.Split("f.yaml", []byte(c.text))
			stream, problems := inject.Inject(docs, profile(""))
			if refused := len(problems) > 0; refused != c.refused {
				t.Fatalf("refused: %v (%v)", refused, problems)
			}

			if c.refused {
				return
			}

			out := slices.Collect(stream.Texts(nil))
			if got := bytes.Count(bytes.Join(out, nil), []byte("tyk-sidecar")); got != c.count {
				t.Fatalf("%d objects were injected, not %d", got, c.count)
			}

			if len(c.text) > 1<<20 {
				return // enough time was spent
			}

			back, problems := inject.Uninject(redone(docs, out))
			if len(problems) > 0 {
				t.Fatal(problems[0])
			}

			if string(bytes.Join(slices.Collect(back.Texts(nil)), nil)) != c.text {
				t.Fatal("uninject left something else")
			}
		})
	}
}

// bomb defines x1 to x30, each made of nine of the one before.
func bomb(format string) string {
	var b strings.Builder
	b.WriteString("x0: &x0 {a: b}\n")
	for i := range 30 {
		args := []any{fmt.Sprint("x", i+1)}
		for range 9 {
			args = append(args, fmt.Sprint("x", i))
		}
		fmt.Fprintf(&b, "x%d: "+format+"\n", append([]any{i + 1}, args...)...)
	}

	return b.String()
}

func wide(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}
