package main

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/cmd/internal/prose"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject/display"
)

// writeCASection writes the section CA of the configuration for a CA.
func writeCASection(w io.Writer, dir string, c *x509.Certificate, s pki.Serving) error {
	var b strings.Builder
	fmt.Fprintln(&b, "# Paths are relative to this file: keep it in the directory in which tykmesh ca init ran.")
	fmt.Fprintln(&b, "CA:")
	fmt.Fprintf(&b, "  addr: http://%s.%s:%d\n", pki.Service, s.Namespace, pki.Port)
	fmt.Fprintf(&b, "  key: %s # a secret, read from this file\n", quotePath("file:", dir, pki.AuthKeyFile))
	fmt.Fprintf(&b, "  certPath: %s # the CA that signs\n", quotePath("", dir, pki.ChainFile))
	fmt.Fprintf(&b, "  bundlePath: %s # the CAs that pods trust\n", quotePath("", dir, pki.BundleFile))

	indent, n := "    - ", c.Subject
	for _, a := range []struct {
		key    string
		values []string
	}{{"C", n.Country}, {"ST", n.Province}, {"L", n.Locality}, {"O", n.Organization}, {"OU", n.OrganizationalUnit}} {
		if len(a.values) == 0 {
			continue
		}
		if indent == "    - " {
			fmt.Fprintln(&b, "  defaultNames: # the subject of certificates")
		}

		fmt.Fprintf(&b, "%s%s: %s\n", indent, a.key, quoteJSON(a.values[0]))
		indent = "      "
	}

	fmt.Fprintln(&b, "  defaultKeyRequest: {A: ecdsa, S: 256} # keys of certificates; ecdsa keys are made about a thousand times faster than rsa keys")
	_, err := io.WriteString(w, b.String())

	return err
}

func quotePath(scheme, dir, name string) string {
	return quoteJSON(scheme + filepath.ToSlash(filepath.Join(dir, name)))
}

// quoteJSON returns a text as a JSON string, which is a YAML string too.
func quoteJSON(text string) string {
	quoted, _ := json.Marshal(text) //nolint:errchkjson // a string never fails
	return string(display.EscapeJSON(quoted))
}

// tell reports the new CA, which of its files are secret, and what to type next.
func (o *caInit) tell(r *report.Run, setup pki.Setup) {
	c := setup.Certificate
	verb := "made"
	if o.from != "" {
		verb = "taken from " + o.from
	}

	r.Lastly("CA %q (%v), valid until %s: %s", c.Subject.CommonName, setup.KeyRequest(), c.NotAfter.UTC().Format(time.DateOnly), verb)
	if root := setup.Root(); root != c {
		r.Lastly("under the root %q, valid until %s", root.Subject.CommonName, root.NotAfter.UTC().Format(time.DateOnly))
	}

	var open, secret []string
	for _, f := range setup.Files {
		if f.Secret() {
			secret = append(secret, f.Name)
		} else {
			open = append(open, f.Name)
		}
	}

	r.Lastly("in %s: %s", o.dir, strings.Join(open, ", "))

	readers := "readable by you alone"
	if runtime.GOOS == "windows" { // it has no modes: files inherit permissions from their directory
		readers = "readable by every user who can read the directory"
	}

	r.Lastly("secret, %s: %s", readers, strings.Join(secret, ", "))
	if o.intermediate {
		r.Lastly("move %s offline: only the next CA under this root needs it", filepath.Join(o.dir, pki.RootKeyFile))
	}

	r.Lastly("next, when the printed section is in tykmesh.yaml:")
	r.Lastly("  kubectl apply -f %s", shellWord(filepath.Join(o.dir, pki.Manifests)))
	r.Lastly("  kubectl -n %s rollout status deployment/%s", o.namespace, pki.Deployment)
	r.Lastly("  kubectl -n %s port-forward service/%s %d &     # from outside the cluster; then", o.namespace, pki.Service, pki.Port)
	r.Lastly("  export TYKMESH_CA_ADDR=http://localhost:%d", pki.Port)
	r.Lastly("  tykmesh check")
}

// shellWord returns a path as one word of a shell.
func shellWord(path string) string { return prose.ShellWord(path) }
