package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A new row of the table says what its key is for, and stands in the section of its name.
func TestEveryKeyIsExplained(t *testing.T) {
	for s, k := range keys {
		if k.text == "" || k.show == nil || k.read == nil || k.schema == nil {
			t.Errorf("%s: its row is not complete", k.name)
		}
		if sectionOf(k.name) != s.name {
			t.Errorf("%s stands in section %s", k.name, s.name)
		}
	}
}

// withRenamed puts keys of tests into the table: slugs has the two old names Injector.slugStyle and
// Tyk.slugs, and podTemplates the old name Injector.templates.
func withRenamed(t *testing.T) {
	t.Helper()
	before := table
	t.Cleanup(func() { table = before })
	table = make([]section, len(before))
	for i, s := range before {
		s.keys = append([]key(nil), s.keys...)
		for j := range s.keys {
			switch s.keys[j].name {
			case InjectorSlugs:
				s.keys[j].aliases = []string{"Injector.slugStyle", "Tyk.slugs"}
			case InjectorPodTemplates:
				s.keys[j].aliases = []string{"Injector.templates"}
			}
		}
		table[i] = s
	}
}

// An old name of a key sets it, in any case, and causes a warning that names the new one. Two names
// in the same place contradict each other.
func TestAliases(t *testing.T) {
	withRenamed(t)
	for _, tt := range []struct {
		name, file string
		environ    []string
		slugs      string
		want       string
	}{
		{"new name", "Injector: {slugs: namespaced}", nil, SlugsNamespaced, "loads\n"},
		{"old name", "Injector: {\n  SlugStyle: namespaced}", nil, SlugsNamespaced,
			"loads\nwarning: tykmesh.yaml:2:3: Injector.slugStyle: is deprecated; write Injector.slugs\n"},
		{"old name of another section", "Tyk: {slugs: namespaced}", nil, SlugsNamespaced, "loads\nwarning: tykmesh.yaml:1:7: Tyk.slugs: is deprecated; write Injector.slugs\n"},
		{"without a value", "Injector: {slugs: namespaced, slugStyle: }", nil, SlugsNamespaced, "loads\n"},
		{"both", "Injector:\n  slugStyle: plain\n  slugs: namespaced", nil, "",
			"tykmesh.yaml:2:3: Injector.slugStyle: is an old name of Injector.slugs, and Injector.slugs is set too; remove one of the two\n"},
		{"both, the other way round", "Injector:\n  slugs: namespaced\nTyk:\n  slugs: plain", nil, "",
			"tykmesh.yaml:4:3: Tyk.slugs: is an old name of Injector.slugs, and Injector.slugs is set too; remove one of the two\n"},
		{"two old names", "Injector: {slugStyle: plain}\nTyk: {slugs: plain}", nil, "",
			"tykmesh.yaml:2:7: Tyk.slugs: is an old name of Injector.slugs, and Injector.slugStyle is set too; remove one of the two\n"},
		{"wrong value", "Injector: {slugStyle: some}", nil, "", "tykmesh.yaml:1:23: Injector.slugs: want plain or namespaced, got \"some\"\n"},

		{"old variable", "", []string{"TYKMESH_INJECTOR_SLUGSTYLE=namespaced"}, SlugsNamespaced,
			"loads\nwarning: environment: TYKMESH_INJECTOR_SLUGSTYLE: Injector.slugStyle: is deprecated; write TYKMESH_INJECTOR_SLUGS\n"},
		{"old variable of tyk-k8s", "", []string{"TK8S_TYK_SLUGS=namespaced"}, SlugsNamespaced,
			"loads\nwarning: environment: TK8S_TYK_SLUGS: Tyk.slugs: is deprecated; write TK8S_INJECTOR_SLUGS\n"},
		{"old variable over the file", "Injector: {slugs: plain}", []string{"TYKMESH_TYK_SLUGS=namespaced"}, SlugsNamespaced,
			"loads\nwarning: environment: TYKMESH_TYK_SLUGS: Tyk.slugs: is deprecated; write TYKMESH_INJECTOR_SLUGS\n"},
		{"new variable over an old one of tyk-k8s", "", []string{"TYKMESH_INJECTOR_SLUGS=namespaced", "TK8S_TYK_SLUGS=plain"}, SlugsNamespaced, "loads\n"},
		{"both variables", "", []string{"TYKMESH_INJECTOR_SLUGS=plain", "TYKMESH_TYK_SLUGS=plain"}, "",
			"environment: TYKMESH_TYK_SLUGS: Tyk.slugs: is an old name of Injector.slugs, and TYKMESH_INJECTOR_SLUGS is set too; remove one of the two\n"},
		{"old variable of a list", "", []string{"TYKMESH_INJECTOR_TEMPLATES=x"}, "",
			"environment: TYKMESH_INJECTOR_TEMPLATES: Injector.podTemplates: can be set in the configuration file only\n"},
		{"misspelt variable", "", []string{"TYKMESH_INJECTOR_SLUG=x"}, "", "environment: TYKMESH_INJECTOR_SLUG: unknown variable; did you mean TYKMESH_INJECTOR_SLUGS?\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			environ := append([]string{"TYKMESH_SIDECAR_DASHBOARD=http://dashboard", "TYKMESH_SIDECAR_REDIS=redis:6379"}, tt.environ...)
			c, warnings, err := load(tt.file, environ, nil, false)
			if diff := cmp.Diff(tt.want, said(warnings, err)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if c.Injector.Slugs != tt.slugs {
				t.Errorf("slugs are %q, want %q", c.Injector.Slugs, tt.slugs)
			}
		})
	}
}

// config view shows the new name, and where the old one is. config init and documents do not
// mention the old one.
func TestAliasesAreShown(t *testing.T) {
	withRenamed(t)
	v, err := View(Source{Name: "f.yaml", Data: []byte("Injector: {slugStyle: namespaced}\nSidecar: {redis: 'r:1', dashboard: 'http://d'}"), ReadFile: noFile})
	if err != nil {
		t.Fatal(err)
	}

	if text := viewText(t, v); !strings.Contains(text, "\n  slugs: namespaced # f.yaml:1, as Injector.slugStyle\n") || strings.Contains(text, "slugStyle:") {
		t.Errorf("got\n%s", text)
	}
	if len(v.Warnings) != 1 {
		t.Errorf("warnings %v", v.Warnings)
	}

	if strings.Contains(begun(t), "slugStyle") {
		t.Error("config init writes an old name")
	}
}
