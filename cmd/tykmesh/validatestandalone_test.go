package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// withoutRules adds to a configuration that no rules close ports, so that a NetworkPolicy has to.
const withoutRules = "  intercept: none\n  accept: [TM0044]\n"

// Everything that a mesh without a Dashboard is made of is of the schemas, too: what inject adds to
// manifests, the Secrets of certs secrets, and the sample of an issuer.
func (v validator) standalone(t *testing.T) {
	for name, c := range map[string]struct {
		config, more string // the configuration, and what follows it
		kinds        string // what inject adds, besides ConfigMaps
	}{
		"plain":         {config: "plain.yaml"},
		"native":        {config: "plain.yaml", more: "  kubeVersion: \"1.33\"\n"},
		"tls":           {config: "tls.yaml"},
		"without rules": {config: "tls.yaml", more: withoutRules, kinds: "NetworkPolicy"},
		"tokens":        {config: "tokens.yaml"},
		"cert-manager":  {config: "cert-manager.yaml", kinds: "Certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, folder := t.TempDir(), t.TempDir()
			config := filepath.Join(dir, "tykmesh.yaml")
			writeFile(t, config, []byte(readSample(t, "standalone/"+c.config)+c.more))
			v.run(t, "ca", "init", "-q", "--algo", "ecdsa", "--dir", filepath.Join(dir, "ca-quickstart"))
			if name == "tokens" {
				v.run(t, "ca", "token", "-q", "--dir", filepath.Join(dir, "ca-quickstart"))
			}

			prints := c.config == "tls.yaml" || c.config == "tokens.yaml" // whose Secrets tykmesh makes
			profile := name
			if name == "native" {
				profile = "built-in native"
			}

			documents, printed := 0, []byte(nil)
			write := func(name string, text []byte) {
				writeFile(t, filepath.Join(folder, name), text)
				documents, printed = documents+len(split(text)), append(printed, text...)
			}
			for _, file := range v.manifests(t, profile) {
				name := filepath.Base(file)
				write(name, v.run(t, "inject", "-q", "--upgrade-api", "--config", config, "-n", "shop", "-f", file))
				if prints {
					write("secrets-"+name, v.run(t, "certs", "secrets", "-q", "--config", config, "-n", "shop", "-f", filepath.Join(folder, name)))
				}
			}

			write("issuer.yaml", []byte(readSample(t, "standalone/issuer.yaml")))
			v.accepts(t, folder, documents)
			for _, kind := range append(strings.Fields(c.kinds), "ConfigMap") {
				if !slices.ContainsFunc(split(printed), func(text []byte) bool { return isEmitted(text) && bytes.Contains(text, []byte("\nkind: "+kind+"\n")) }) {
					t.Errorf("inject adds no %s", kind)
				}
			}

			if secrets := bytes.Count(printed, []byte("\nkind: Secret\n")); (secrets > 0) != prints {
				t.Errorf("%d Secrets are printed", secrets)
			}
			if name == "cert-manager" { // whose schemas are looked at
				edited := bytes.ReplaceAll(printed, []byte("rotationPolicy: Always"), []byte("rotationPolicy: always"))
				writeFile(t, filepath.Join(folder, "edited.yaml"), edited)
				if said := fmt.Sprint(v.verdicts(t, folder)); !strings.Contains(said, "rotationPolicy") {
					t.Errorf("an unknown rotationPolicy is let through: %s", said)
				}
			}
		})
	}
}
