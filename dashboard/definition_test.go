package dashboard_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/dashboard"
)

// parse parses a definition as the client does.
func parse(t testing.TB, text string) dashboard.Definition {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var d dashboard.Definition
	if err := dec.Decode(&d); err != nil {
		t.Fatalf("test definition: %v", err)
	}

	return d
}

func TestAccessorsReadWhatIsThereAndNothingElse(t *testing.T) {
	d := parse(t, `{"id":"5f01","api_id":"a1","org_id":"o","name":"echo #mesh","slug":"echo-mesh","domain":"mesh",
		"active":true,"is_oas":false,"tags":["mesh",7,"edge"],"certificates":["c1"],
		"proxy":{"listen_path":"/echo","target_url":"http://echo"}}`)
	got := []any{d.ID(), d.APIID(), d.OrgID(), d.Name(), d.Slug(), d.Domain(), d.ListenPath(), d.TargetURL(), d.Active(), d.IsOAS(), d.Tags(), d.Certificates()}

	want := []any{"5f01", "a1", "o", "echo #mesh", "echo-mesh", "mesh", "/echo", "http://echo", true, false, []string{"mesh", "edge"}, []string{"c1"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	wrong := parse(t, `{"id":1,"proxy":"x","tags":"mesh","active":"true"}`)
	if wrong.ID() != "" || wrong.ListenPath() != "" || wrong.Tags() != nil || wrong.Active() {
		t.Errorf("fields of another type are read: %v", wrong)
	}
}

func TestAChangedCloneLeavesTheOriginalAlone(t *testing.T) {
	text := `{"tags":["a"],"proxy":{"listen_path":"/"},"config_data":{"list":[{"x":1}]}}`
	d := parse(t, text)

	c := d.Clone()
	for _, path := range []string{"tags.0", "proxy.listen_path", "config_data.list.0.x", "config_data.list.3", "new.field"} {
		if err := c.Set(path, "changed"); err != nil {
			t.Fatal(err)
		}
	}

	delete(c, "proxy")
	if diff := cmp.Diff(parse(t, text), d); diff != "" {
		t.Error(diff)
	}

	if dashboard.Definition(nil).Clone() != nil {
		t.Error("the clone of nothing is something")
	}
}

func TestSet(t *testing.T) {
	for _, c := range []struct{ name, before, path, value, after string }{
		{"replaces", `{"name":"a"}`, "name", `"b"`, `{"name":"b"}`},
		{"adds", `{}`, "name", `"b"`, `{"name":"b"}`},
		{"makes parents", `{}`, "proxy.transport.proxy_url", `"p"`, `{"proxy":{"transport":{"proxy_url":"p"}}}`},
		{"keeps siblings", `{"proxy":{"listen_path":"/"}}`, "proxy.target_url", `"t"`, `{"proxy":{"listen_path":"/","target_url":"t"}}`},
		{"element of an array", `{"tags":["a","b"]}`, "tags.1", `"c"`, `{"tags":["a","c"]}`},
		{"next element", `{"tags":["a"]}`, "tags.1", `"c"`, `{"tags":["a","c"]}`},
		{"pads with null", `{"tags":["a"]}`, "tags.3", `"c"`, `{"tags":["a",null,null,"c"]}`},
		{"missing parent of a number is an array", `{}`, "allowed_ips.1", `"c"`, `{"allowed_ips":[null,"c"]}`},
		{"array of objects", `{}`, "a.0.b", `1`, `{"a":[{"b":1}]}`},
		{"a number in an object is a key", `{"config_data":{}}`, "config_data.0", `1`, `{"config_data":{"0":1}}`},
		{"null is no parent", `{"CORS":null}`, "CORS.enable", `true`, `{"CORS":{"enable":true}}`},
		{"a scalar is replaced as a parent", `{"name":"a"}`, "name.x", `1`, `{"name":{"x":1}}`},
		{"a scalar is replaced by an array", `{"name":"a"}`, "name.0", `1`, `{"name":[1]}`},
		{"null", `{"config_data":{"a":1}}`, "config_data", `null`, `{"config_data":null}`},
		{"odd keys", `{}`, "version_data.versions.Default.global_headers.X_Foo", `"é<"`, `{"version_data":{"versions":{"Default":{"global_headers":{"X_Foo":"é<"}}}}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := parse(t, c.before)
			value := parse(t, `{"v":`+c.value+`}`)["v"]
			if err := d.Set(c.path, value); err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(parse(t, c.after), d); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSetRefusesPathsThatMeanNothingAndChangesNothingThen(t *testing.T) {
	before := `{"tags":["a"],"proxy":{}}`
	for path, want := range map[string]string{
		"":                                     `setting "": the path is empty`,
		"a..b":                                 `setting "a..b": the path has an empty segment`,
		".a":                                   `setting ".a": the path has an empty segment`,
		"proxy.":                               `setting "proxy.": the path has an empty segment`,
		"pro*y":                                `setting "pro*y": '*' cannot be part of a path`,
		"tags.#":                               `setting "tags.#": '#' cannot be part of a path`,
		"ta?s":                                 `setting "ta?s": '?' cannot be part of a path`,
		`a\.b`:                                 `setting "a\\.b": '\\' cannot be part of a path`,
		"tags._1":                              `setting "tags._1": "_1" is not an index of an array`,
		"tags.-1":                              `setting "tags.-1": "-1" is not an index of an array`,
		"tags.1000":                            `setting "tags.1000": index 1000 is over 999`,
		"new.x.99999999":                       `setting "new.x.99999999": index 99999999 is over 999`,
		"proxy.a.0.b.x.9999999999999999999999": `setting "proxy.a.0.b.x.9999999999999999999999": index 9999999999999999999999 is over 999`,
	} {
		d := parse(t, before)
		err := d.Set(path, "x")
		if err == nil || err.Error() != want {
			t.Errorf("Set(%q) = %v, want %s", path, err, want)
		}

		if diff := cmp.Diff(parse(t, before), d); diff != "" {
			t.Errorf("a refused Set(%q) changed the definition:\n%s", path, diff)
		}
	}
}

func TestWithout(t *testing.T) {
	for _, c := range []struct{ before, path, after string }{
		{`{"a":1,"b":2}`, "a", `{"b":2}`},
		{`{"p":{"x":1}}`, "p.x", `{"p":{}}`},
		{`{"a.b":1,"c":2}`, `a\.b`, `{"c":2}`},
		{`{"a":1}`, "b.c.d", `{"a":1}`},
		{`{"a":1}`, "a.b", `{"a":1}`},
		{`{"t":["a"]}`, "t.0", `{"t":["a"]}`},
		{`{"a":1}`, "", `{"a":1}`},
	} {
		d := parse(t, c.before)
		if diff := cmp.Diff(parse(t, c.after), d.Without([]string{c.path})); diff != "" {
			t.Errorf("Without(%q) of %s:\n%s", c.path, c.before, diff)
		}
		if diff := cmp.Diff(parse(t, c.before), d); diff != "" {
			t.Errorf("Without(%q) changed it:\n%s", c.path, diff)
		}
	}
}

// Lookup returns each value that Set accepts. If Set refuses a value, the definition is unchanged.
func FuzzPath(f *testing.F) {
	for _, path := range []string{"name", "proxy.target_url", "tags.0", "tags.3", "a.0.b.12.c", "pro*y", "", "x..y", "tags.#", "999.999", "a.1000"} {
		f.Add(`{"name":"n","proxy":{"target_url":"t"},"tags":["a","b"],"n":null}`, path)
	}

	f.Fuzz(func(t *testing.T, text, path string) {
		var d dashboard.Definition
		if json.Unmarshal([]byte(text), &d) != nil || d == nil {
			t.Skip()
		}

		before := d.Clone()
		if err := d.Set(path, "planted"); err != nil {
			if diff := cmp.Diff(before, d); diff != "" {
				t.Fatalf("a refused Set changed the definition:\n%s", diff)
			}
			if _, ok := d.Lookup(path); ok && strings.ContainsAny(path, "*?#") {
				t.Fatal("Lookup finds a path that Set refuses")
			}
			return
		}

		if v, ok := d.Lookup(path); !ok || v != "planted" {
			t.Fatalf("Lookup(%q) = %v, %v after Set", path, v, ok)
		}
	})
}

// Sharing changes memory, and no values.
func FuzzShare(f *testing.F) {
	f.Add(`{"a":{"b":[1,2],"c":null},"t":"x"}`, `{"a":{"b":[1,2],"c":null},"t":"x"}`)
	f.Add(`{"a":{"b":1},"c":[{}]}`, `{"a":[1],"c":{"d":1}}`)
	f.Add(`{"a":null}`, `{"b":null}`)
	f.Add(`{"a":1}`, `{"a":1.0}`)
	f.Fuzz(func(t *testing.T, first, second string) {
		var d, like dashboard.Definition
		for text, into := range map[string]*dashboard.Definition{first: &d, second: &like} {
			dec := json.NewDecoder(strings.NewReader(text))
			dec.UseNumber()
			if dec.Decode(into) != nil {
				return
			}
		}

		if d == nil || like == nil {
			return
		}

		want, other := d.Clone(), like.Clone()
		d.Share(like)
		if !reflect.DeepEqual(want, d) || !reflect.DeepEqual(other, like) {
			t.Errorf("%v shares with %v and becomes %v and %v", want, other, d, like)
		}
	})
}
