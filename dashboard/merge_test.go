package dashboard_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/dashboard"
)

// FuzzMerge checks the law of updates on any two definitions.
func FuzzMerge(f *testing.F) {
	f.Add(`{"tags":["a"],"proxy":{"listen_path":"/a","x":[1]},"n":1}`, `{"tags":["b"],"proxy":{"listen_path":"/b","t":{"u":false}},"certificates":["c"]}`)
	f.Add(`{"a":{"b":[1]}}`, `{"a":{}}`)
	f.Add(`{"a":[],"tags":null,"b":{"c":1}}`, `{"a":{"b":{}},"tags":[],"b":{"c":{"d":null}}}`)
	f.Fuzz(func(t *testing.T, a, b string) {
		current, ok := parseDefinition(a)
		leaves, fine := parseDefinition(b)
		if !ok || !fine {
			t.Skip()
		}

		held, wanted := current.Clone(), leaves.Clone()

		got := current.Merge(leaves)
		if !reflect.DeepEqual(current, held) || !reflect.DeepEqual(leaves, wanted) {
			t.Fatal("an argument was changed")
		}

		contains(t, "wanted", nil, leaves, got)
		contains(t, "current", nil, spare(current, leaves), got)
		if again := got.Merge(leaves); !reflect.DeepEqual(got, again) {
			t.Errorf("merged twice: %v, then %v", got, again)
		}

		if list := got.Diff(got.Merge(leaves)); len(list) > 0 {
			t.Errorf("changes where there are none: %v", list)
		}

		delete(current, "tags") // of a set that names something twice, the second goes, for which alone nothing is written
		delete(current, "certificates")
		if list := current.Diff(current.Merge(leaves)); current.Includes(leaves) != (len(list) == 0) {
			t.Errorf("included: %v, and the changes are %v", current.Includes(leaves), list)
		}
	})
}

func parseDefinition(s string) (d dashboard.Definition, ok bool) {
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	return d, dec.Decode(&d) == nil && d != nil
}

// contains checks that all leaves of part are in whole; of sets, which are arrays (the schema), all
// members.
func contains(t *testing.T, whose string, path dashboard.Path, part, whole map[string]any) {
	for key, v := range part {
		at := append(slices.Clip(path), key)
		if len(at) == 1 && (key == "tags" || key == "certificates") {
			for _, member := range dashboard.Texts(v) {
				if !strings.Contains(strings.Join(dashboard.Texts(whole[key]), "\x00")+"\x00", member+"\x00") {
					t.Errorf("%s member %q of %s is missing", whose, member, key)
				}
			}
			continue
		}

		if object, ok := v.(map[string]any); ok {
			inner, ok := whole[key].(map[string]any)
			if !ok {
				t.Errorf("%s object %s is %v", whose, at, whole[key])
			}
			contains(t, whose, at, object, inner)
			continue
		}

		if got, ok := whole[key]; !ok || !dashboard.Same(v, got) {
			t.Errorf("%s leaf %s is %v, not %v", whose, at, got, v)
		}
	}
}

// spare is what of current no leaf of ours stands on or leads through.
func spare(current, leaves map[string]any) map[string]any {
	out := make(map[string]any)
	for key, v := range current {
		leaf, ours := leaves[key]
		if !ours {
			out[key] = v
			continue
		}

		object, ok := leaf.(map[string]any)
		held, both := v.(map[string]any)
		if ok && both {
			out[key] = spare(held, object)
		}
	}

	return out
}

func FuzzLeafPath(f *testing.F) {
	f.Add("a", "b.c", `d\`)
	f.Fuzz(func(t *testing.T, a, b, c string) {
		keys := dashboard.Path{a, b, c}
		if got := dashboard.SplitPath(keys.String()); !reflect.DeepEqual(got, keys) {
			t.Errorf("%q became %q", keys, got)
		}
	})
}

// TestDiff: zero values are absent values, and only fields that name and place an API are shown.
func TestDiff(t *testing.T) {
	from := parse(t, `{"name":"a","tags":["x"],"proxy":{"target_url":"http://u:pa55@a"},"listen_port":0,"CORS":{"enable":true},"k.":{"secret":"pa55"}}`)
	to := parse(t, `{"name":"b","tags":["x","y"],"proxy":{"target_url":"http://a"},"internal":false,"session_lifetime":60,"k.":{"secret":"w0rd"}}`)
	var got []string
	for _, d := range from.Diff(to) {
		got = append(got, d.Change().String())
	}

	want := []string{"CORS.enable removed", `k\..secret changed`, "name a -> b", "target http://u:xxxxx@a -> http://a", "session_lifetime set to 60", "tags x -> x, y"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestWithoutEmpty: empty collections go, except those that are named, and zero scalars stay.
func TestWithoutEmpty(t *testing.T) {
	d := parse(t, `{"a":{},"b":{"c":[],"d":null},"e":{"f":[]},"g":false,"h":{"i":0}}`)
	got := d.WithoutEmpty([]dashboard.Path{{"e", "f"}, {"absent"}})
	if diff := cmp.Diff(parse(t, `{"e":{"f":[]},"g":false,"h":{"i":0}}`), got); diff != "" {
		t.Error(diff)
	}

	if diff := cmp.Diff(parse(t, `{"b":"","n":0}`), parse(t, `{"a":false,"b":"x","n":9}`).Zeros([]string{"a", "b", "n"})); diff != "" {
		t.Error(diff)
	}
}
