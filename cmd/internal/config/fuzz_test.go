package config

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	kubeversion "k8s.io/apimachinery/pkg/util/version"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Whatever the file holds: an error names no secret, and what loads once loads again to the same.
func FuzzLoadConfig(f *testing.F) {
	f.Add([]byte("Injector:" + sidecarOnly))
	f.Add([]byte("Tyk: &a {<<: *a}\nInjector: {containers: [{name: a, image: b, env: [{name: x, value: y}]}]}"))
	f.Add([]byte("a: &a [x,x,x]\nb: &b [*a,*a,*a]\nInjector: {containers: [*b,*b], meshHosts: [!!binary aGk=, 0x1, 2024-01-01]}"))
	f.Add([]byte("CA: {defaultNames: [{c: GB}], defaultKeyRequest: {a: rsa, s: 4096}}\n---\n"))
	if data, err := os.ReadFile(samples + "/tykmesh.yaml"); err == nil {
		f.Add(data)
	}

	f.Add([]byte(BeginStandalone()))
	f.Add([]byte("CA: {issuerRef: {name: a}, tokenPath: b}\nInjector: {mode: standalone, slugs: plain, emitCA: false}\nSidecar: {port: 15080, methods: [A, GET]}"))
	f.Add([]byte(begun(f)))
	f.Add([]byte(commented.ReplaceAllString(begun(f), "  $1")))
	const hidden = "fuzz-hunter2-fuzz"
	f.Fuzz(func(t *testing.T, data []byte) {
		src := Source{
			Name:     "f.yaml",
			Data:     data,
			Environ:  []string{"TYKMESH_TYK_SECRET=" + hidden, "TYKMESH_CA_KEY=" + hidden, "TYKMESH_CA_MONGOCONNSTR=" + hidden, "TYKMESH_TYK_URL=http://" + hidden + "@h"},
			ReadFile: func(string) ([]byte, error) { return nil, fs.ErrNotExist },
		}

		if _, _, err := Load(src); err == nil || strings.Contains(err.Error(), hidden) {
			t.Fatalf("wrong settings of the environment must be errors without their values: %v", err)
		}

		if v, err := View(src); err == nil || v.Settings != nil && strings.Contains(viewText(t, v), hidden) {
			t.Fatalf("config view shows a wrong setting of the environment: %v", err)
		}

		src.Environ, src.Local = nil, true

		first, warnings, err := Load(src)
		if err != nil {
			var all Error
			if !errors.As(err, &all) || len(all) == 0 {
				t.Fatalf("an error that is no Error: %v", err)
			}
			return
		}

		second, again, err := Load(src)
		if err != nil || !cmp.Equal(first, second, sameConfig()) || !cmp.Equal(warnings, again) {
			t.Fatalf("loaded differently the second time: %v", err)
		}

		checkView(t, src)
		if len(first.Injector.Containers) == 0 {
			return // checkView has written out all that there is
		}

		reloaded := src
		reloaded.Data = rendered(t, first)

		third, _, err := Load(reloaded)
		if err != nil {
			t.Fatalf("what was accepted is refused when it is written out: %v\n%s", err, reloaded.Data)
		}

		if diff := cmp.Diff(first.Injector, third.Injector, sameConfig()); diff != "" {
			t.Fatalf("written out and read again, -first +again:\n%s", diff)
		}
	})
}

// sameConfig compares configurations by what they say.
func sameConfig() cmp.Option {
	return cmp.Options{
		cmp.AllowUnexported(Secret{}), cmpopts.IgnoreUnexported(Config{}), cmpopts.EquateComparable(netip.Prefix{}), cmpopts.EquateEmpty(),
		cmp.Comparer(func(a, b *kubeversion.Version) bool {
			return a == b || a != nil && b != nil && a.String() == b.String()
		}),
	}
}

// rendered writes an Injector section as JSON, which is YAML.
func rendered(t *testing.T, c Config) []byte {
	t.Helper()
	list := func(maps []manifest.Map) manifest.List {
		out := manifest.List{}
		for _, m := range maps {
			out = append(out, m)
		}
		return out
	}

	hosts := manifest.List{}
	for _, host := range c.Injector.MeshHosts {
		hosts = append(hosts, host)
	}

	return appendJSON(t, nil, manifest.Map{{Key: "Injector", Value: manifest.Map{
		{Key: "createRoutes", Value: c.Injector.CreateRoutes},
		{Key: "enableMeshTLS", Value: c.Injector.EnableMeshTLS},
		{Key: "meshCertificateID", Value: c.Injector.MeshCertificateID},
		{Key: "meshDomain", Value: c.Injector.MeshDomain},
		{Key: "slugs", Value: c.Injector.Slugs},
		{Key: "servicePorts", Value: string(c.Injector.ServicePorts)},
		{Key: "meshHosts", Value: hosts},
		{Key: "containers", Value: list(c.Injector.Containers)},
		{Key: "initContainers", Value: list(c.Injector.InitContainers)},
	}}})
}

func appendJSON(t *testing.T, out []byte, v any) []byte {
	t.Helper()
	switch v := v.(type) {
	case manifest.Map:
		out = append(out, '{')
		for i, e := range v {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(appendJSON(t, out, e.Key), ':')
			out = appendJSON(t, out, e.Value)
		}

		return append(out, '}')

	case manifest.List:
		out = append(out, '[')
		for i, item := range v {
			if i > 0 {
				out = append(out, ',')
			}
			out = appendJSON(t, out, item)
		}
		return append(out, ']')
	}

	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}

	return append(out, text...)
}
