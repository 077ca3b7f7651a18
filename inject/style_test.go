package inject_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// TestStyles shows the laws for the same objects as many people could write them.
func TestStyles(t *testing.T) {
	injected := 0
	for seed := range tries(150) {
		injected += checkStyle(t, seed)
	}
	if uint64(injected) < tries(150) {
		t.Fatalf("only %d objects were injected", injected)
	}
}

func FuzzStyles(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { checkStyle(t, seed) })
}

func checkStyle(t *testing.T, seed uint64) (injected int) {
	t.Helper()
	w := styleWriter{Rand: rand.New(rand.NewPCG(seed, 7))}
	text := w.stream()
	s := profile(profiles[w.IntN(len(profiles))])
	s.TLS, s.Routes, s.UpgradeAPI = w.maybe(2), w.maybe(2), w.maybe(2)
	s.Strict = false
	w.setPorts(&s)
	defer func() {
		if t.Failed() {
			t.Logf("seed %d:\n%s", seed, text)
		}
	}()

	documents := func() []*manifest.Document { return manifest.Split("f.yaml", text) }
	if s.OnSkip = inject.SkipWarn; s.TLS {
		checkEmitted(t, documents, s)
	}

	return checkLaws(t, documents, s)
}

// setPorts chooses what becomes of Services, and where sidecars listen.
func (w *styleWriter) setPorts(s *inject.Settings) {
	s.ServicePorts = []inject.ServicePorts{"", inject.ReplacePort, inject.PreservePort, inject.AddPort}[w.IntN(4)]
	if s.Sidecar != nil && w.maybe(2) {
		s.Sidecar.Port = 18080
	}
	if s.Sidecar != nil && w.maybe(3) {
		s.Sidecar.PreviousPort = 28080
	}
	if s.Standalone != nil {
		s.Standalone.Port = s.Sidecar.ListenPort()
	}
}

// styleWriter writes values in a style that is chosen anew for each of them.
type styleWriter struct {
	*rand.Rand
	b       strings.Builder
	anchors int
}

func (w *styleWriter) maybe(n int) bool { return w.IntN(n) == 0 }

func (w *styleWriter) pick(texts ...string) string { return texts[w.IntN(len(texts))] }

func (w *styleWriter) stream() []byte {
	for range 1 + w.IntN(3) {
		w.b.WriteString(w.pick("---\n", "---\n", "--- # again\n", "# before\n---\n\n"))
		switch object := w.object(); w.IntN(4) {
		case 0:
			w.flow(object)
			w.b.WriteString("\n")
		case 1:
			w.entries(manifest.Map{{Key: "kind", Value: "List"}, {Key: "items", Value: manifest.List{w.object(), object}}}, 0)
		default:
			w.entries(object, w.IntN(3))
		}
	}

	text := w.b.String()
	if w.maybe(4) {
		text = strings.TrimRight(text, "\n")
	}

	if w.maybe(4) {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}

	if w.maybe(6) {
		text = "\ufeff" + text
	}

	return []byte(text)
}

func (w *styleWriter) object() manifest.Map {
	annotations := w.shuffle(manifest.Map{{Key: "injector.tyk.io/inject", Value: w.pick("true", "yes", "On")}, {Key: "other", Value: "x: y # z"}, {Key: "route", Value: "/a"}})
	if w.maybe(3) {
		annotations = append(annotations, manifest.Entry{Key: "injector.tyk.io/status", Value: w.pick("failed", "", "x y")})
	}

	meta := w.shuffle(manifest.Map{{Key: "name", Value: "web"}, {Key: "labels", Value: manifest.Map{{Key: "app", Value: "web"}}}, {Key: "annotations", Value: annotations}})
	if w.maybe(3) {
		port := w.shuffle(manifest.Map{{Key: "port", Value: int64(80)}, {Key: "name", Value: "http"}, {Key: "extra", Value: manifest.List{"a", "b c"}}})
		spec := w.shuffle(manifest.Map{{Key: "selector", Value: manifest.Map{{Key: "app", Value: "web"}}}, {Key: "ports", Value: manifest.List{manifest.Map{{Key: "port", Value: int64(9090)}}, port}[w.IntN(2):]}})
		return w.shuffle(manifest.Map{{Key: "apiVersion", Value: "v1"}, {Key: "kind", Value: "Service"}, {Key: "metadata", Value: meta}, {Key: "spec", Value: spec}})
	}

	template := w.shuffle(manifest.Map{{Key: "metadata", Value: meta}, {Key: "spec", Value: w.podSpec()}})

	return w.shuffle(manifest.Map{{Key: "apiVersion", Value: w.pick("apps/v1", "extensions/v1beta1")}, {Key: "kind", Value: "Deployment"}, {Key: "metadata", Value: manifest.Map{{Key: "name", Value: "web"}}},
		{Key: "spec", Value: w.shuffle(manifest.Map{{Key: "replicas", Value: int64(2)}, {Key: "template", Value: template}})}})
}

func (w *styleWriter) podSpec() manifest.Map {
	var containers manifest.List
	for i := range 1 + w.IntN(2) {
		c := manifest.Map{{Key: "name", Value: fmt.Sprint("c", i)}, {Key: "args", Value: manifest.List{"-x", "line\nline\n", "it's"}}}
		if w.maybe(2) {
			c = append(c, manifest.Entry{Key: "volumeMounts", Value: w.list("data")})
		}

		if w.maybe(2) {
			c = append(c, manifest.Entry{Key: "env", Value: w.list("SSL_CERT_DIR")}, manifest.Entry{Key: "securityContext", Value: manifest.Map{{Key: "runAsUser", Value: int64(5)}}})
		}

		if w.maybe(4) {
			c[0].Value = "tyk-mesh"
		}

		containers = append(containers, w.shuffle(c))
	}

	spec := manifest.Map{{Key: "containers", Value: containers}}
	for _, key := range []string{"volumes", "initContainers"} {
		if w.maybe(2) {
			spec = append(spec, manifest.Entry{Key: key, Value: w.list(key)})
		}
	}

	return w.shuffle(append(spec, manifest.Entry{Key: "nodeName", Value: "n"}))
}

// list has no item, or one or two.
func (w *styleWriter) list(name string) manifest.List {
	var out manifest.List
	for i := range w.IntN(3) {
		out = append(out, manifest.Map{{Key: "name", Value: fmt.Sprint(name, i)}, {Key: "x", Value: "y"}})
	}
	return out
}

func (w *styleWriter) shuffle(m manifest.Map) manifest.Map {
	w.Shuffle(len(m), func(i, j int) { m[i], m[j] = m[j], m[i] })
	return m
}

// entries writes a mapping in block style; the first entry stands where the text ends, if that is
// not at the start of a line.
func (w *styleWriter) entries(m manifest.Map, column int) {
	for i, e := range m {
		if i > 0 || strings.HasSuffix(w.b.String(), "\n") {
			w.between(column)
			w.b.WriteString(strings.Repeat(" ", column))
		}
		w.b.WriteString(w.key(e.Key) + w.pick(":", ":", ":", " :"))
		w.value(e.Value, column, true)
	}
}

// between writes what may stand between two entries.
func (w *styleWriter) between(column int) {
	for w.maybe(4) {
		w.b.WriteString(w.pick("\n", "# left\n", strings.Repeat(" ", column)+"# here\n", strings.Repeat(" ", column+2)+"# deeper\n", "  \n"))
	}
}

func (w *styleWriter) value(v any, column int, inMapping bool) {
	anchor := ""
	if w.maybe(10) {
		w.anchors++
		anchor = fmt.Sprintf(" &a%d", w.anchors)
	}

	switch v := v.(type) {
	case manifest.Map:
		if w.maybe(4) {
			break
		}
		w.b.WriteString(anchor + w.comment() + "\n")
		w.entries(v, column+1+w.IntN(4))
		return

	case manifest.List:
		if len(v) == 0 || w.maybe(4) {
			break
		}
		w.b.WriteString(anchor + w.comment() + "\n")

		at := column + w.IntN(4)
		if !inMapping {
			at++
		}

		w.items(v, at)

		return

	case string:
		if strings.Contains(v, "\n") && w.maybe(2) {
			indent := "\n" + strings.Repeat(" ", column+1+w.IntN(4))
			w.b.WriteString(anchor + w.pick(" |", " |+") + indent + strings.ReplaceAll(strings.TrimSuffix(v, "\n"), "\n", indent) + "\n")
			return
		}
	}

	w.b.WriteString(anchor + w.pick(" ", " ", "   "))
	w.flow(v)
	w.b.WriteString(w.comment() + "\n")
}

func (w *styleWriter) items(l manifest.List, column int) {
	for _, v := range l {
		w.between(column)
		w.b.WriteString(strings.Repeat(" ", column) + "-")
		if m, ok := v.(manifest.Map); ok && !w.maybe(3) {
			gap := 1 + w.IntN(3)
			w.b.WriteString(strings.Repeat(" ", gap))
			w.entries(m, column+1+gap)
			continue
		}

		w.value(v, column, false)
	}
}

func (w *styleWriter) comment() string { return w.pick("", "", "", " # comment", "  ", " \t# tab") }

func (w *styleWriter) key(k string) string { return w.pick(k, k, k, `"`+k+`"`, "'"+k+"'") }

// flow writes a value in brackets, on one line or more.
func (w *styleWriter) flow(v any) {
	gap := w.pick("", " ", " ", "\n         ", " # in brackets\n           ")
	switch v := v.(type) {
	case manifest.Map:
		w.b.WriteString("{" + gap)
		for i, e := range v {
			if i > 0 {
				w.b.WriteString("," + w.pick(" ", gap+" "))
			}
			w.b.WriteString(w.key(e.Key) + ": ")
			w.flow(e.Value)
		}

		w.b.WriteString(gap + "}")

	case manifest.List:
		if len(v) == 0 {
			w.b.WriteString(w.pick("[]", "null", "~", "[ ]", "[\n         ]"))
			return
		}

		w.b.WriteString("[" + gap)
		for i, item := range v {
			if i > 0 {
				w.b.WriteString(w.pick(",", ", ", " ,"+gap))
			}
			w.flow(item)
		}

		w.b.WriteString(w.pick(gap, ","+gap) + "]")

	case string:
		if v == "web" || v == "data0" {
			w.b.WriteString(w.pick(v, `"`+v+`"`, "'"+v+"'"))
			return
		}
		w.b.WriteString(w.pick(fmt.Sprintf("%q", v), fmt.Sprintf("%q", v), w.single(v)))

	default:
		fmt.Fprint(&w.b, v)
	}
}

func (w *styleWriter) single(s string) string {
	if strings.Contains(s, "\n") {
		return fmt.Sprintf("%q", s)
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
