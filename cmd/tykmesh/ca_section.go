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
	"github.com/tykmesh/tykmesh/inject/display"
)

// writeCASection prints the section of the configuration that leads to a CA.
func writeCASection(w io.Writer, dir string, c *x509.Certificate, s pki.Serving) error {
	var b strings.Builder
	fmt.Fprintln(&b, "# Paths count from the folder of this file: it belongs where tykmesh ca init ran.")
	fmt.Fprintln(&b, "CA:")
	fmt.Fprintf(&b, "  addr: http://%s.%s:%d\n", pki.Service, s.Namespace, pki.Port)
	fmt.Fprintf(&b, "  key: %s # where the secret is\n", quotePath("file:", dir, pki.AuthKeyFile))
	fmt.Fprintf(&b, "  certPath: %s # who signs\n", quotePath("", dir, pki.ChainFile))
	fmt.Fprintf(&b, "  bundlePath: %s # what pods trust\n", quotePath("", dir, pki.BundleFile))

	indent, n := "    - ", c.Subject
	for _, a := range []struct {
		key    string
		values []string
	}{{"C", n.Country}, {"ST", n.Province}, {"L", n.Locality}, {"O", n.Organization}, {"OU", n.OrganizationalUnit}} {
		if len(a.values) == 0 {
			continue
		}
		if indent == "    - " {
			fmt.Fprintln(&b, "  defaultNames: # what certificates say of their owner")
		}

		fmt.Fprintf(&b, "%s%s: %s\n", indent, a.key, quoteJSON(a.values[0]))
		indent = "      "
	}

	fmt.Fprintln(&b, "  defaultKeyRequest: {A: ecdsa, S: 256} # of certificates; ecdsa keys are made some thousand times faster than rsa")
	_, err := io.WriteString(w, b.String())

	return err
}

func quotePath(scheme, dir, name string) string {
	return quoteJSON(scheme + filepath.ToSlash(filepath.Join(dir, name)))
}

// quoteJSON returns a text as JSON, and so as YAML, whatever is in it.
func quoteJSON(text string) string {
	quoted, _ := json.Marshal(text) //nolint:errchkjson // a string always can be
	return string(display.EscapeJSON(quoted))
}

// tell says what was made, what of it is secret, and what to type next.
func (o caInit) tell(report *report, setup pki.Setup) {
	c := setup.Certificate
	verb := "made"
	if o.from != "" {
		verb = "brought from " + o.from
	}

	report.lastly("CA %q (%v), valid until %s: %s", c.Subject.CommonName, setup.KeyRequest(), c.NotAfter.UTC().Format(time.DateOnly), verb)
	if root := setup.Root(); root != c {
		report.lastly("under the root %q, valid until %s", root.Subject.CommonName, root.NotAfter.UTC().Format(time.DateOnly))
	}

	var open, secret []string
	for _, f := range setup.Files {
		if f.Secret() {
			secret = append(secret, f.Name)
		} else {
			open = append(open, f.Name)
		}
	}

	report.lastly("in %s: %s", o.dir, strings.Join(open, ", "))

	readers := "which only you can read"
	if runtime.GOOS == "windows" { // it has no modes: what may be done to files comes from their folder
		readers = "which everybody can read who can read the folder"
	}

	report.lastly("secret, %s: %s", readers, strings.Join(secret, ", "))
	if o.intermediate {
		report.lastly("move %s to where no machine reads it: it is needed again only for the next CA under this root", filepath.Join(o.dir, pki.RootKeyFile))
	}

	report.lastly("next, when the section that was printed is in tykmesh.yaml:")
	report.lastly("  kubectl apply -f %s", shellWord(filepath.Join(o.dir, pki.Manifests)))
	report.lastly("  kubectl -n %s rollout status deployment/%s", o.namespace, pki.Deployment)
	report.lastly("  kubectl -n %s port-forward service/%s %d &     # from outside of the cluster; then", o.namespace, pki.Service, pki.Port)
	report.lastly("  export TYKMESH_CA_ADDR=http://localhost:%d", pki.Port)
	report.lastly("  tykmesh check")
}

// shellWord returns a path as one word of a shell.
func shellWord(path string) string { return prose.ShellWord(path) }
