package pki_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/ca/pki"
)

// editFile replaces a text in a file of a CA.
func editFile(t *testing.T, dir, name, old, edited string) {
	t.Helper()
	text := string(read(t, dir, name))
	if !strings.Contains(text, old) {
		t.Fatalf("%s has no %q", name, old)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Replace(text, old, edited, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// editsOf returns the edits that an error names.
func editsOf(err error) (edits []*pki.EditedError) {
	var all interface{ Unwrap() []error }
	if errors.As(err, &all) {
		for _, inner := range all.Unwrap() {
			edits = append(edits, editsOf(inner)...)
		}
		return edits
	}
	var edit *pki.EditedError
	if errors.As(err, &edit) {
		edits = append(edits, edit)
	}

	return edits
}

// A step does not undo the edits of a user: it is refused, and nothing has changed.
func TestEditedManifestsAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		file, old, new string
		line           int
		steps          []int // that refuse it, of 1 to 3
	}{
		"another number of pods": {pki.ServerFile, "replicas: 1", "replicas: 2", 18, []int{1, 2}},
		"a comment":              {pki.ServerFile, "replicas: 1", "replicas: 1 # enough", 18, []int{1, 2}},
		"a line less":            {pki.ServerFile, "      enableServiceLinks: false\n", "", 32, []int{1, 2}},
		"a label on the trust":   {pki.TrustFile, "  name: ca-pem\n", "  name: ca-pem\n  labels: {team: web}\n", 6, []int{1, 3}},
		"a CA more to trust":     {pki.TrustFile, `-----END CERTIFICATE-----\n`, `-----END CERTIFICATE-----\n` + inJSON(string(file(t, setUp(t), pki.CertFile))), 8, []int{1, 3}},
		"another type of Secret": {pki.KeysFile, "type: Opaque", "type: Other", 7, []int{1, 2}},
		"no YAML":                {pki.ServerFile, "kind: ConfigMap", "\tkind: ConfigMap", 3, []int{1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newFolder(t)
			for i, f := range []func(pki.Rotation) (pki.Change, error){trust(t), pki.Rotation.Sign, pki.Rotation.Settle} {
				edited := copied(t, dir)
				editFile(t, edited, test.file, test.old, test.new)

				_, err := f(readRotation(t, edited))
				edits := editsOf(err)
				want := filepath.Join(edited, test.file)
				switch {
				case !slices.Contains(test.steps, i+1):
					if err != nil {
						t.Errorf("step %d: %v", i+1, err)
					}
				case len(edits) != 1 || edits[0].Path != want || edits[0].Line != test.line:
					t.Errorf("step %d: %v", i+1, err)
				case test.file != pki.KeysFile && string(edits[0].Was) != string(read(t, edited, test.file)):
					t.Errorf("step %d: the manifest was\n%s", i+1, edits[0].Was)
				case test.file == pki.ServerFile && string(edits[0].Now) != string(read(t, dir, test.file)):
					t.Errorf("step %d: tykmesh would write\n%s", i+1, edits[0].Now)
				}

				step(t, dir, f)
			}
		})
	}
}

// inJSON returns a text as it stands within a JSON string.
func inJSON(text string) string { return strings.ReplaceAll(text, "\n", `\n`) }

// All edits are reported at once.
func TestAllEditsAreReported(t *testing.T) {
	dir := newFolder(t)
	for _, name := range []string{pki.KeysFile, pki.TrustFile, pki.ServerFile} {
		editFile(t, dir, name, "metadata:", "metadata: # ours")
	}

	_, err := trust(t)(readRotation(t, dir))
	if edits := editsOf(err); len(edits) != 3 {
		t.Errorf("reported are %v", edits)
	}
}

// An edit of what ca init has a flag for is kept: another image, other namespaces.
func TestEditedOptionsAreKept(t *testing.T) {
	dir := newFolder(t)
	trusted := `apiVersion: v1` + strings.SplitN(string(read(t, dir, pki.TrustFile)), "apiVersion: v1", 2)[1]
	editFile(t, dir, pki.TrustFile, trusted, trusted+"---\n"+strings.Replace(trusted, `"default"`, `"another"`, 1))
	editFile(t, dir, pki.ServerFile, `"cfssl/cfssl:v1.6.5"`, `"cfssl/cfssl:v1.6.6"`)
	editFile(t, dir, pki.ServerFile, "        - podSelector: {} # pods of this namespace\n", "        - namespaceSelector:\n            matchLabels:\n              kubernetes.io/metadata.name: \"ci\"\n")

	for _, f := range []func(pki.Rotation) (pki.Change, error){trust(t), pki.Rotation.Sign, pki.Rotation.Settle} {
		step(t, dir, f)
		checkFolder(t, dir)
	}

	server, bundle := string(read(t, dir, pki.ServerFile)), inJSON(string(read(t, dir, pki.BundleFile)))
	if !strings.Contains(server, "v1.6.6") || !strings.Contains(server, `"ci"`) || strings.Count(string(read(t, dir, pki.TrustFile)), bundle) != 2 {
		t.Errorf("an edit is lost:\n%s\n%s", server, read(t, dir, pki.TrustFile))
	}
}

// A CA that was added to bundle.pem comes into its manifest with the next step.
func TestEditedBundleReachesTheManifest(t *testing.T) {
	dir, other := newFolder(t), file(t, setUp(t), pki.CertFile)
	if err := os.WriteFile(filepath.Join(dir, pki.BundleFile), append(read(t, dir, pki.BundleFile), other...), 0o600); err != nil {
		t.Fatal(err)
	}
	if by := readRotation(t, dir).ByHand(pki.TrustFile); len(by) != 1 {
		t.Errorf("to be done by hand: %v", by)
	}

	step(t, dir, trust(t))
	checkFolder(t, dir)
	if r := readRotation(t, dir); len(r.Bundle) != 3 || len(r.ByHand(pki.TrustFile)) != 0 {
		t.Errorf("%d CAs are trusted, to be done by hand: %v", len(r.Bundle), r.ByHand(pki.TrustFile))
	}
}

// Git on Windows writes other line ends.
func TestLineEndsAreNoEdit(t *testing.T) {
	dir := newFolder(t)
	for _, name := range []string{pki.KeysFile, pki.TrustFile, pki.ServerFile} {
		text := strings.ReplaceAll(string(read(t, dir, name)), "\n", "\r\n")
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	for _, f := range []func(pki.Rotation) (pki.Change, error){trust(t), pki.Rotation.Sign, pki.Rotation.Settle} {
		step(t, dir, f)
		checkFolder(t, dir)
	}
}

// A manifest that is not in the directory is the user's to change, and the user is told what.
func TestMissingManifestsAreByHand(t *testing.T) {
	dir := newFolder(t)
	if err := os.Remove(filepath.Join(dir, pki.TrustFile)); err != nil {
		t.Fatal(err)
	}

	step(t, dir, trust(t))
	if r := readRotation(t, dir); !slices.Equal(r.ByHand(pki.TrustFile), []string{"the ConfigMap ca-pem of each namespace on the mesh must hold bundle.pem"}) || len(r.ByHand(pki.KeysFile)) > 0 {
		t.Errorf("to be done by hand: %v", r.ByHand(pki.TrustFile))
	}

	step(t, dir, pki.Rotation.Sign)
	hash := regexp.MustCompile(`tykmesh/ca-hash: .*`)
	if err := os.WriteFile(filepath.Join(dir, pki.ServerFile), hash.ReplaceAll(read(t, dir, pki.ServerFile), nil), 0o600); err != nil {
		t.Fatal(err)
	}
	if by := readRotation(t, dir).ByHand(pki.ServerFile); len(by) != 1 || !strings.HasSuffix(by[0], "CFSSL's pod must be replaced") {
		t.Errorf("to be done by hand: %v", by)
	}

	if err := os.RemoveAll(filepath.Join(dir, pki.Manifests)); err != nil {
		t.Fatal(err)
	}

	step(t, dir, pki.Rotation.Settle)
	step(t, dir, trust(t))
	r := readRotation(t, dir)
	if r.Taken != pki.StepTrust {
		t.Errorf("the last step taken is %d where the CA before the current one is kept", r.Taken)
	}
	if len(r.ByHand(pki.TrustFile)) != 1 || len(r.ByHand(pki.KeysFile)) != 1 || len(r.ByHand(pki.ServerFile)) != 2 {
		t.Errorf("to be done by hand: %v, %v, %v", r.ByHand(pki.TrustFile), r.ByHand(pki.KeysFile), r.ByHand(pki.ServerFile))
	}
}

// An error holds no secret, whatever the edit: neither one of tykmesh nor one of the user.
func TestEditsShowNoSecret(t *testing.T) {
	const planted = "cGxhbnRlZCBzZWNyZXQ="
	dir := newFolder(t)
	key := regexp.MustCompile(`ca-key.pem: "(.*)"`).FindStringSubmatch(string(read(t, dir, pki.KeysFile)))[1]
	auth := strings.TrimSpace(string(read(t, dir, pki.AuthKeyFile)))
	for _, edit := range []struct{ file, old, new string }{
		{pki.KeysFile, key, planted},
		{pki.KeysFile, `"` + key + `"`, "|\n    " + planted + "\n    " + key[:70]},
		{pki.KeysFile, "data:\n", "stringData:\n  own: " + planted + "\ndata:\n"},
		{pki.KeysFile, "data:\n  ca-key.pem: ", "data: {other: " + planted + ", ca-key.pem: "},
		{pki.KeysFile, "kind: Secret", "{kind: Secret, data: {x: " + planted + "}}"},
		{pki.KeysFile, "kind: Secret", "kind: Secret # " + planted},
		{pki.ServerFile, "apiVersion: v1", "kind: Secret\ndata:\n  token: " + planted + "\n---\napiVersion: v1"},
	} {
		edited := copied(t, dir)
		editFile(t, edited, edit.file, edit.old, edit.new)

		_, err := trust(t)(readRotation(t, edited))
		edits := editsOf(err)
		if len(edits) != 1 {
			t.Fatalf("%s for %s: %v", edit.new, edit.old, err)
		}

		said := err.Error() + string(edits[0].Was) + string(edits[0].Now)
		for _, secret := range []string{planted, key[:60], key[100:140], auth} {
			if strings.Contains(said, secret) {
				t.Errorf("%s for %s shows %s:\n%s", edit.new, edit.old, secret, said)
			}
		}
		if string(edits[0].Was) == string(edits[0].Now) {
			t.Errorf("%s for %s: no difference is shown", edit.new, edit.old)
		}
	}
}

// A directory that an earlier version made is rotated too: its manifests have other comments, which
// are no edits.
func TestOldCommentsAreNoEdit(t *testing.T) {
	for name, change := range map[string][]func(*pki.Options){
		"defaults": nil,
		"namespaces": {intermediate, func(o *pki.Options) {
			o.Serving.Namespace, o.Serving.MeshNamespaces, o.Serving.AllowNamespaces = "pki", []string{"shop", "web"}, []string{"ci", "pki"}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newFolder(t, change...)
			for i, f := range []func(pki.Rotation) (pki.Change, error){trust(t), pki.Rotation.Sign, pki.Rotation.Settle} {
				r := readRotation(t, dir)
				for _, manifest := range []string{pki.KeysFile, pki.TrustFile, pki.ServerFile} {
					template, err := os.ReadFile(filepath.Join("testdata/before", filepath.Base(manifest)))
					if err != nil {
						t.Fatal(err)
					}

					text, err := r.WithTemplate(manifest, string(template))
					if err != nil || i == 0 && string(text) == string(read(t, dir, manifest)) {
						t.Fatalf("%s: nothing differs, %v", manifest, err)
					}

					if err := os.WriteFile(filepath.Join(dir, manifest), text, 0o600); err != nil {
						t.Fatal(err)
					}
				}

				step(t, dir, f)
			}
		})
	}
}
