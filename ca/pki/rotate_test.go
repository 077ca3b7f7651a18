package pki_test

import (
	"bytes"
	"crypto/x509"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/pki"
)

// newFolder returns a CA in a folder.
func newFolder(t *testing.T, change ...func(*pki.Options)) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ca")
	if err := write(dir, setUp(t, change...).Files); err != nil {
		t.Fatal(err)
	}
	return dir
}

// bringFolder returns a folder with the CA of another.
func bringFolder(t *testing.T, from string) string {
	t.Helper()
	s, err := pki.Bring(from, options())
	if err != nil {
		t.Fatal(err)
	}

	dir := filepath.Join(t.TempDir(), "brought")
	if err := write(dir, s.Files); err != nil {
		t.Fatal(err)
	}

	return dir
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func readRotation(t *testing.T, dir string) pki.Rotation {
	t.Helper()
	r, err := pki.ReadRotation(dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// step takes one step of a change.
func step(t *testing.T, dir string, f func(pki.Rotation) (pki.Change, error)) {
	t.Helper()
	change, err := f(readRotation(t, dir))
	if err != nil {
		t.Fatal(err)
	}

	if err := change.Write(dir); err != nil {
		t.Fatal(err)
	}
}

// trust is step 1 for any CA, with a new root where it is under one, whose key is in a file.
func trust(t *testing.T, rootKeyFile ...string) func(pki.Rotation) (pki.Change, error) {
	return func(r pki.Rotation) (pki.Change, error) {
		rootKey, err := r.ReadRootKey(strings.Join(rootKeyFile, ""))
		if err != nil {
			t.Fatal(err)
		}

		request := options().Request
		request.Expiry += 24 * time.Hour // it outlives the present one

		return r.Trust(t.Context(), request, rootKey, time.Now())
	}
}

// reissue returns the one step of a CA whose root stays.
func reissue(t *testing.T) func(pki.Rotation) (pki.Change, error) {
	return func(r pki.Rotation) (pki.Change, error) {
		rootKey, err := r.ReadRootKey("")
		if err != nil {
			t.Fatal(err)
		}
		return r.Reissue(t.Context(), options().Request, rootKey, time.Now())
	}
}

// signedNow returns a certificate as the folder's CFSSL would make it for tykmesh, with what goes
// with it.
func signedNow(t *testing.T, dir string) ca.Bundle {
	t.Helper()
	signer, err := ca.OpenKey(filepath.Join(dir, pki.ChainFile), filepath.Join(dir, pki.KeyFile), time.Now())
	if err != nil {
		t.Fatal(err)
	}

	trust, err := ca.ParseTrustBundle(read(t, dir, pki.BundleFile))
	if err != nil {
		t.Fatal(err)
	}

	b, err := ca.Issue(t.Context(), signer, ca.Request{Hosts: []string{"echo.shop"}, Trust: trust})
	if err != nil {
		t.Fatal(err)
	}

	return b
}

// trusting is what a pod trusts that started with this bundle.
func trusting(bundle []byte) *x509.CertPool {
	p := x509.NewCertPool()
	p.AppendCertsFromPEM(bundle)
	return p
}

// A change of the CA step by step: whatever was signed before or during a step is accepted by every
// pod that started after the step before it, and what is signed from step 2 on even by pods that
// never started again.
func TestRotation(t *testing.T) {
	for name, folder := range map[string]func(t *testing.T) (dir, rootKeyFile string){
		"self-signed":   func(t *testing.T) (string, string) { return newFolder(t), "" },
		"with its root": func(t *testing.T) (string, string) { return newFolder(t, intermediate), "" },
		"with the root of a CA that was brought": func(t *testing.T) (string, string) {
			from := newFolder(t, intermediate)
			return bringFolder(t, from), filepath.Join(from, pki.RootKeyFile)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, rootKeyFile := folder(t)
			bundles, leafs := [][]byte{read(t, dir, pki.BundleFile)}, []ca.Bundle{signedNow(t, dir)}

			old := readRotation(t, dir).Current
			for i, f := range []func(pki.Rotation) (pki.Change, error){trust(t, rootKeyFile), pki.Rotation.Sign, pki.Rotation.Settle} {
				step(t, dir, f)
				if r := readRotation(t, dir); r.Taken != pki.Step(i+1) || r.Reissued() || i == 0 && !r.CrossSigned() {
					t.Errorf("after step %d the last one taken is %d, reissued %t, cross-signed %t", i+1, r.Taken, r.Reissued(), r.CrossSigned())
				}

				bundles, leafs = append(bundles, read(t, dir, pki.BundleFile)), append(leafs, signedNow(t, dir))
				checkFolder(t, dir)
				if r := readRotation(t, dir); r.Taken == pki.StepSign {
					checkCross(t, dir, r, old)
				}
			}

			now := readRotation(t, dir).Current
			if now.Certificate.Equal(old.Certificate) || now.Certificate.Subject.String() == old.Certificate.Subject.String() {
				t.Errorf("the CA is %q still", now.Certificate.Subject)
			}

			if text := read(t, dir, pki.ChainFile); bytes.Count(text, []byte("BEGIN")) != 1 {
				t.Errorf("what goes with certificates at the end:\n%s", text)
			}

			tidied(t, dir)
			//                  signed: before, after Trust, after Sign, after Settle
			accepted := [][]bool{
				{true, true, true, false}, // a pod that never started again
				{true, true, true, true},  // started after Trust
				{true, true, true, true},  // after Sign
				{false, false, true, true},
			}

			for pod, bundle := range bundles {
				for signed, b := range leafs {
					between := trusting(b.Chain)
					_, err := b.Leaf.Verify(x509.VerifyOptions{DNSName: "echo.shop", Roots: trusting(bundle), Intermediates: between})
					if got := err == nil; got != accepted[pod][signed] {
						t.Errorf("a pod of bundle %d accepts what was signed after step %d: %t", pod, signed, got)
					}
				}
			}
		})
	}
}

// checkCross checks what goes with certificates after step 2: no root that signed itself, which
// only those have any use for who trust it; and the new root as the former one signed it, which
// promises no more than either. The former root's key is kept if it was there.
func checkCross(t *testing.T, dir string, r pki.Rotation, old pki.CA) {
	t.Helper()
	chain := certificates(t, read(t, dir, pki.ChainFile))

	cross := chain[len(chain)-1]
	if len(chain) != max(1, len(r.Current.Above)+1) || bytes.Equal(cross.RawIssuer, cross.RawSubject) {
		t.Errorf("%d certificates go with others, the last signed by %q", len(chain), cross.Issuer)
	}

	if cross.NotAfter.After(old.Root().NotAfter) || cross.MaxPathLen != len(r.Current.Above) || cross.MaxPathLenZero != !r.Intermediate() {
		t.Errorf("the former root lets the new one sign %d CAs until %s", cross.MaxPathLen, cross.NotAfter)
	}

	if !bytes.Equal(read(t, dir, "former/ca-key.pem"), old.Key) {
		t.Error("the former CA's key is not kept")
	}

	_, err := os.Stat(filepath.Join(dir, pki.RootKeyFile))
	if _, kept := os.Stat(filepath.Join(dir, "former", pki.RootKeyFile)); r.Intermediate() && err == nil && kept != nil && !strings.HasSuffix(dir, "brought") {
		t.Errorf("the former root's key is not kept: %v", kept)
	}
}

// tidied checks that a change is over when people have removed what is left of it.
func tidied(t *testing.T, dir string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(dir, pki.PreviousDir)); err != nil {
		t.Fatal(err)
	}
	if taken := readRotation(t, dir).Taken; taken != pki.StepNone {
		t.Errorf("the last step taken is %d although the change is over", taken)
	}
}

// Under a root that stays, the CA that signs changes in one step, and no pod has to learn anything.
func TestReissue(t *testing.T) {
	dir := newFolder(t, intermediate)
	bundle, before := read(t, dir, pki.BundleFile), signedNow(t, dir)
	root, rootKey := read(t, dir, pki.RootFile), read(t, dir, pki.RootKeyFile)

	csr := read(t, dir, "ca.csr")
	if err := os.WriteFile(filepath.Join(dir, pki.IgnoreFile), []byte("*.log"), 0o600); err != nil {
		t.Fatal(err)
	}

	step(t, dir, reissue(t))
	if r := readRotation(t, dir); r.Taken != pki.StepSettle || !r.Reissued() {
		t.Errorf("the last step taken is %d, reissued %t", r.Taken, r.Reissued())
	}

	if !bytes.Equal(root, read(t, dir, pki.RootFile)) || !bytes.Equal(rootKey, read(t, dir, pki.RootKeyFile)) {
		t.Error("the root has changed")
	}

	if bytes.Equal(csr, read(t, dir, "ca.csr")) || !strings.HasPrefix(string(read(t, dir, pki.IgnoreFile)), "*.log\n/next/\n/former/\n") {
		t.Error("the request of the former CA is still there, or Git may see its key")
	}

	tidied(t, dir)
	checkFolder(t, dir)
	if !bytes.Equal(bundle, read(t, dir, pki.BundleFile)) {
		t.Error("pods have to trust something else")
	}

	after := signedNow(t, dir)
	if before.Leaf.Issuer.String() == after.Leaf.Issuer.String() {
		t.Errorf("%q signs still", after.Leaf.Issuer)
	}

	for _, b := range []ca.Bundle{before, after} {
		if _, err := b.Leaf.Verify(x509.VerifyOptions{DNSName: "echo.shop", Roots: trusting(bundle), Intermediates: trusting(b.Chain)}); err != nil {
			t.Error(err)
		}
	}
}

// A CA that may have none below it (pathlen 0) cannot sign its successor: the change goes on
// without that, in the same steps.
func TestRotationWithoutCrossSigning(t *testing.T) {
	from := folder(t, selfSigned(t, setUp(t), func(c *x509.Certificate) { c.MaxPathLen, c.MaxPathLenZero = 0, true }))
	dir := bringFolder(t, from)
	old := read(t, dir, pki.BundleFile)
	step(t, dir, trust(t))
	if readRotation(t, dir).CrossSigned() {
		t.Error("the former CA has signed the next")
	}

	both := read(t, dir, pki.BundleFile)
	step(t, dir, pki.Rotation.Sign)
	b := signedNow(t, dir)
	for name, want := range map[string]bool{"old": false, "both": true} {
		_, err := b.Leaf.Verify(x509.VerifyOptions{DNSName: "echo.shop", Roots: trusting(map[string][]byte{"old": old, "both": both}[name]), Intermediates: trusting(b.Chain)})
		if got := err == nil; got != want {
			t.Errorf("a pod that trusts %s accepts it: %t", name, got)
		}
	}
}

// checkFolder checks what holds after every step: the manifests are those of the folder's files,
// keys are their owner's alone, nothing waits.
func checkFolder(t *testing.T, dir string) {
	t.Helper()
	var s pki.Setup
	for _, name := range []string{"secrets", "cfssl", "ca-pem"} {
		s.Files = append(s.Files, pki.File{Name: pki.Manifests + "/" + name + ".yaml", Text: read(t, dir, pki.Manifests+"/"+name+".yaml")})
	}

	o := decode(t, s)
	for what, texts := range map[string][2]string{
		"key":         {string(o.secrets["default/ca-key-pem"].Data[pki.KeyFile]), string(read(t, dir, pki.KeyFile))},
		"certificate": {o.configMaps["default/cfssl-ca-pem"].Data["ca.pem"], string(read(t, dir, pki.CertFile))},
		"bundle":      {o.configMaps["default/ca-pem"].Data["ca.pem"], string(read(t, dir, pki.BundleFile))},
	} {
		if texts[0] != texts[1] {
			t.Errorf("the %s in the manifests is not that in its file", what)
		}
	}

	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}

		if entry.IsDir() {
			info, err := entry.Info()
			if strings.HasPrefix(entry.Name(), ".tykmesh") || info.Mode().Perm() != 0o700 {
				t.Errorf("%s has the mode %v", name, info.Mode())
			}
			return err
		}

		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}

		info, err := entry.Info()
		if isSecret := bytes.Contains(text, []byte("PRIVATE KEY")); isSecret && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v", name, info.Mode())
		}

		return err
	})

	if err != nil {
		t.Error(err)
	}
}

// What people added to the bundle stays: another CA that pods are to trust, and what they say of
// it.
func TestRotationKeepsTheBundle(t *testing.T) {
	dir, other := newFolder(t), file(t, setUp(t), pki.CertFile)
	theirs := "# of the other cluster\n" + string(other) + "# the end\n"
	step(t, dir, trust(t))
	if err := os.WriteFile(filepath.Join(dir, pki.BundleFile), append(read(t, dir, pki.BundleFile), theirs...), 0o600); err != nil {
		t.Fatal(err)
	}

	step(t, dir, pki.Rotation.Sign)
	step(t, dir, pki.Rotation.Settle)
	if got, want := string(read(t, dir, pki.BundleFile)), string(read(t, dir, pki.CertFile))+theirs; got != want {
		t.Errorf("the bundle is\n%s\nwant\n%s", got, want)
	}
}
