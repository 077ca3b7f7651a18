package config

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// begun is what config init prints.
func begun(tb testing.TB) string {
	tb.Helper()
	return Begin()
}

// loadBegun loads what config init prints, changed by those who fill it in.
func loadBegun(t *testing.T, text string, local bool) (Config, error) {
	t.Helper()
	c, warnings, err := load(text, []string{"TYK_DASHBOARD_KEY=dash"}, map[string]string{"ca-quickstart/cfssl.key": "beef\n"}, local)
	for _, w := range warnings {
		if w.Msg != openDashboard {
			t.Errorf("warning: %s", w)
		}
	}

	return c, err
}

// commented matches a key that config init leaves out.
var commented = regexp.MustCompile(`(?m)^  #([A-Za-z])`)

// Without servers it works as it is. With them it lacks nothing but what only its owner knows, and
// says so.
func TestConfigInitLoads(t *testing.T) {
	text := begun(t)
	if _, _, err := load(text, nil, nil, true); err != nil {
		t.Error("--local:", err)
	}

	_, err := loadBegun(t, text, false)
	if err == nil || !strings.HasPrefix(err.Error(), "tykmesh.yaml:") || !strings.Contains(err.Error(), ": Tyk.org: is the placeholder that config init writes") || strings.Contains(err.Error(), "\n") {
		t.Errorf("who forgets to fill in the organisation is told: %v", err)
	}

	c, err := loadBegun(t, strings.Replace(text, placeholderOrg, "5d64a47fed63100001b2f2ac", 1), false)
	if err != nil {
		t.Fatal(err)
	}

	if !c.Injector.CreateRoutes || !c.Injector.EnableMeshTLS || c.Tyk.Secret.Reveal() != "dash" || c.CA.Key.Reveal() != "beef" {
		t.Errorf("got %+v", c)
	}
}

// everyKeyOfDashboards is what config init prints without #, but for keys of standalone mode alone.
func everyKeyOfDashboards(tb testing.TB) string {
	tb.Helper()
	text := commented.ReplaceAllString(begun(tb), "  $1")
	for _, k := range keys {
		if k.of == ModeStandalone {
			text = regexp.MustCompile(`(?m)^  `+k.short()+`:.*\n`).ReplaceAllString(text, "")
		}
	}
	return text
}

// It has every key once, in order, and all of them at once are a configuration too.
func TestConfigInitHasEveryKey(t *testing.T) {
	text := commented.ReplaceAllString(begun(t), "  $1")
	if _, _, err := load(everyKeyOfDashboards(t), nil, nil, true); err != nil {
		t.Error(err)
	}

	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		t.Fatal(err)
	}

	var got, want []string

	sections := root.Content[0].Content
	for i := 0; i < len(sections); i += 2 {
		for j := 0; j < len(sections[i+1].Content); j += 2 {
			got = append(got, sections[i].Value+"."+sections[i+1].Content[j].Value)
		}
	}

	for _, k := range keys {
		want = append(want, k.name)
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// What it shows as a default is one: to set it changes nothing.
func TestConfigInitShowsDefaults(t *testing.T) {
	text := begun(t)
	want, err := loadBegun(t, text, true)
	if err != nil {
		t.Fatal(err)
	}

	set := 0
	for _, k := range keys {
		if line := "  #" + k.short() + ": " + k.defaultValue() + "\n"; !k.filled() && k.defaultValue() != "" && k.of != ModeStandalone {
			if !strings.Contains(text, line) {
				t.Errorf("%s is not there as %q", k.name, line)
			}
			text = strings.Replace(text, line, strings.Replace(line, "#", "", 1), 1)
			set++
		}
	}

	got, err := loadBegun(t, text, true)
	if err != nil || set == 0 {
		t.Fatal(set, err)
	}

	if diff := cmp.Diff(want, got, sameConfig()); diff != "" {
		t.Errorf("%d defaults set, -want +got:\n%s", set, diff)
	}
}

// The images are in it as values: a tykmesh with other defaults changes no pod.
func TestConfigInitPinsImages(t *testing.T) {
	for _, line := range []string{"\n  image: " + sidecar.DefaultImage + "\n", "\n  rulesImage: " + sidecar.DefaultRulesImage + "\n"} {
		if !strings.Contains(begun(t), line) {
			t.Errorf("%q is not in it", line)
		}
	}

	for _, k := range keys {
		if strings.HasSuffix(strings.ToLower(k.name), "image") && !k.filled() {
			t.Errorf("%s is an image, and not pinned", k.name)
		}
	}
}

// It writes down how sidecars treat calls; without these keys they do as they always did.
func TestConfigInitTraffic(t *testing.T) {
	c, err := loadBegun(t, begun(t), true)
	if err != nil {
		t.Fatal(err)
	}
	want := sidecar.Traffic{MaxConnTime: 5, ProxyTimeout: 60, StreamTimeout: 3600, WebSockets: true, PathsAsSent: true, MaxRequestBody: "16Mi", HTTP2: true}
	if diff := cmp.Diff(want, c.Sidecar.Traffic); diff != "" || !c.Sidecar.SleepAsApp {
		t.Errorf("-want +got:\n%s", diff)
	}

	c, _, err = load("Sidecar: {redis: redis:6379, dashboard: http://dashboard}", nil, nil, true)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sidecar.Traffic{MaxConnTime: 5}, c.Sidecar.Traffic); diff != "" || c.Sidecar.SleepAsApp {
		t.Errorf("without keys, -want +got:\n%s", diff)
	}
}

// A preStop sleep needs a Kubernetes that is known to have it.
func TestSleeps(t *testing.T) {
	for version, want := range map[string]bool{"": false, "1.29": false, "1.29.9": false, "1.30": true, "1.37.2": true} {
		c, _, err := load("Injector: {kubeVersion: '"+version+"'}\nSidecar: {redis: redis:6379, dashboard: http://dashboard}", nil, nil, true)
		if err != nil || c.Sidecar.Sleeps != want {
			t.Errorf("%q: %v, %v", version, c.Sidecar.Sleeps, err)
		}
	}
}
