package pki

import (
	"bytes"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"text/template"

	"sigs.k8s.io/yaml"

	"github.com/tykmesh/tykmesh/ca"
)

//go:embed k8s/*.yaml section.yaml config_ca.json
var templateFiles embed.FS

var (
	templates     = template.Must(template.New("").Funcs(templateFuncs).ParseFS(templateFiles, "k8s/*.yaml", "section.yaml", "config_ca.json"))
	templateFuncs = template.FuncMap{
		"json":   quoted,
		"base64": func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	}
)

// quoted returns a value as a JSON string, which is a YAML string too.
func quoted(v any) (string, error) {
	text, err := json.Marshal(fmt.Sprint(v))
	return string(text), err
}

// values fill the templates of the manifests. Every manifest still holds the values that it was
// made with, so ca rotate needs no record of the options of ca init: it reads them from the
// manifest.
type values struct {
	Serving
	Key, Config, APIKey string // in the Secrets
	Cert, Hash          string // of the CA that CFSSL signs with
	Root                string // the CAs that pods trust
}

// newValues returns the values of a new CA.
func newValues(s Serving, a CA, config []byte, key string) values {
	s.MeshNamespaces, s.AllowNamespaces = sorted(s.MeshNamespaces), sorted(s.AllowNamespaces)
	return values{
		Serving: s,
		Key:     string(a.Key), Config: string(config), APIKey: key,
		Cert: string(ca.EncodeCertificates(a.Certificate)), Hash: servedHash(a, config),
		Root: string(ca.EncodeCertificates(a.Root())),
	}
}

func sorted(namespaces []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(namespaces)))
}

// manifestFiles returns the manifests, each made from the template of its name.
func manifestFiles() []File {
	return []File{{Name: KeysFile, Mode: secret}, {Name: TrustFile, Mode: public}, {Name: ServerFile, Mode: public}}
}

// render returns a manifest with these values.
func (v values) render(f File) (File, error) { return v.renderWith(templates, f) }

func (v values) renderWith(t *template.Template, f File) (File, error) {
	own := []string{v.Namespace}
	if len(v.MeshNamespaces) == 0 {
		v.MeshNamespaces = own
	}
	if len(v.AllowNamespaces) == 0 {
		v.AllowNamespaces = own
	}

	text, err := execute(t, f.Name, struct {
		values
		Service, Deployment, Disabled string
		Port                          int
	}{v, Service, Deployment, ca.Disabled, Port})
	f.Text = text

	return f, err
}

// execute returns the text of a file, from the template of its name.
func execute(t *template.Template, name string, data any) ([]byte, error) {
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, path.Base(name), data); err != nil {
		return nil, fmt.Errorf("writing %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// object is a Kubernetes object, reduced to the fields that hold values.
type object struct {
	Kind     string
	Metadata struct{ Name, Namespace string }
	Data     map[string]string
	Spec     struct {
		Template struct {
			Metadata struct{ Annotations map[string]string }
			Spec     struct{ Containers []struct{ Image string } }
		}
		Ingress []struct {
			From []struct {
				NamespaceSelector *struct{ MatchLabels map[string]string }
			}
		}
	}
}

// hashAnnotation makes CFSSL's pod differ when the CA or the configuration that it serves does.
const hashAnnotation = "tykmesh/ca-hash"

// readValues returns the values that a manifest holds. If it is not valid YAML, it returns none:
// then the manifest differs from the one that tykmesh would write, and is refused as edited.
func readValues(text []byte) (v values) {
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		var o object
		if yaml.Unmarshal([]byte(document), &o) != nil {
			return values{}
		}
		v.add(o)
	}

	return v
}

// add adds the values that an object holds.
func (v *values) add(o object) {
	namespace := o.Metadata.Namespace
	if o.Metadata.Name != "ca-pem" {
		v.Namespace = namespace
	}

	switch o.Kind + " " + o.Metadata.Name {
	case "ConfigMap ca-pem":
		v.MeshNamespaces, v.Root = append(v.MeshNamespaces, namespace), o.Data["ca.pem"]
	case "ConfigMap cfssl-ca-pem":
		v.Cert = o.Data["ca.pem"]
	case "Secret ca-key-pem":
		v.Key = decoded(o.Data["ca-key.pem"])
	case "Secret config-ca-json":
		v.Config = decoded(o.Data["config_ca.json"])
	case "Secret cfssl-key":
		v.APIKey = decoded(o.Data["key"])
	case "Deployment " + Deployment:
		v.Hash = o.Spec.Template.Metadata.Annotations[hashAnnotation]
		for _, c := range o.Spec.Template.Spec.Containers {
			v.Image = c.Image
		}
	case "NetworkPolicy " + Deployment:
		for _, rule := range o.Spec.Ingress {
			for _, from := range rule.From {
				allowed := v.Namespace
				if from.NamespaceSelector != nil {
					allowed = from.NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"]
				}
				v.AllowNamespaces = append(v.AllowNamespaces, allowed)
			}
		}
	}
}

func decoded(data string) string {
	text, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return ""
	}
	return string(text)
}
