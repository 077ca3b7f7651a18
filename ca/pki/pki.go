// Package pki sets up the mesh's own certificate authority: its key and certificate, the
// configuration of the CFSSL that signs with it, and the Kubernetes manifests of that CFSSL. It
// makes a new CA (Make) or takes an existing one (Bring), and later replaces it (Rotation).
//
//	Request ────Make──┐
//	                  ├──> Setup: a CA and its Files ──Write──> a directory
//	directory ─Bring──┘
//	directory ──ReadRotation──> Rotation ──Trust, Sign, Settle──> Change ──Write──> the directory
//
// NextSteps of a Setup and of a Rotation lists the user's work that follows, and the Help texts
// describe the commands, which name no issuer themselves.
//
// It only makes values, until Write writes all files into a directory, or none of them. After a
// kill the next run deletes files that are not all written, and moves the others to their places.
// A rotation writes the manifests anew from the options that they say, and refuses a manifest that
// the user edited otherwise. A new CA is refused where one of its files is there already. The
// package never writes a secret into a file that others may read, and never prints, logs or sends
// anything.
//
// # Threats
//
// ca-key.pem signs for the mesh, and root-key.pem signs the next CA: no manifest holds it, so it
// can be kept offline. cfssl.key is the auth key of package ca.
//
// An attacker, the defence, and the tests that show it:
//
//   - reads the directory to take a key: files are 0600 in a directory 0700 (TestWritten,
//     TestNewFolderIsForItsOwnerAlone).
//   - reads the repository to take a key: .gitignore names each key and is there first, and missing
//     lines are reported (TestWritten, TestUnignored, TestInitIsBrokenOff).
//   - kills a run halfway, to leave keys about or to have a mixed directory used: keys wait inside
//     the directory, hidden from Git, and other commands refuse it (TestInitIsBrokenOff,
//     TestInitIsKilled, TestChangeIsBrokenOff, tykmesh.TestScripts/ca-unfinished).
//   - reads ConfigMaps to take a key: keys are in Secrets, in one file (TestMade,
//     tykmesh.TestSecretsStayWhereTheyBelong).
//   - reads Secrets of CFSSL's namespace to sign for the mesh: there is no defence, because
//     Kubernetes gives that right; a CA below a root makes no further CA (TestTheNextIsTrusted).
//   - calls CFSSL from another pod: the auth key and a NetworkPolicy (TestNamespaces,
//     tykmesh.TestCFSSL).
//   - breaks into CFSSL's pod to sign for the mesh: the pod is restricted, read-only, without
//     egress and without a token (TestMade).
//   - plants files to have them used: no file is overwritten, an existing CA is checked, and errors
//     quote no key (TestNothingIsLeft, TestNotBrought, FuzzBrought).
//   - reads a log to take a key: the diff of an edited manifest shows no Secret
//     (TestEditsShowNoSecret).
package pki

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/tykmesh/tykmesh/ca"
)

// The files of a CA in its directory.
const (
	RequestFile = "csr_ca.json" // describes the CA, as its input
	requestCSR  = "ca.csr"      // the certificate request, as cfssl writes it
	CertFile    = "ca.pem"      // the one certificate that CFSSL signs with: cfssl serve refuses a second one
	KeyFile     = "ca-key.pem"  // its key
	ChainFile   = "chain.pem"   // is sent along with certificates: the CA, then the CAs above it without the root
	BundleFile  = "bundle.pem"  // the CAs that pods trust: the root

	rootCSR     = "root.csr"
	RootFile    = "root.pem"     // the root above an intermediate CA
	RootKeyFile = "root-key.pem" // its key, which no manifest holds

	ConfigFile  = "config_ca.json" // CFSSL's configuration
	AuthKeyFile = "cfssl.key"      // the key of CFSSL's authsign, in hex
	IgnoreFile  = ".gitignore"     // names the secret files

	Manifests  = "k8s"              // the directory of the manifests
	KeysFile   = "k8s/secrets.yaml" // the only manifest with secrets
	TrustFile  = "k8s/ca-pem.yaml"
	ServerFile = "k8s/cfssl.yaml"
)

// names lists the files that may be made, except the two that may exist before.
var names = []string{
	KeyFile, RootKeyFile, AuthKeyFile, ConfigFile, CertFile, ChainFile, BundleFile, RootFile, requestCSR, rootCSR, KeysFile, TrustFile, ServerFile,
}

// The modes of files.
const (
	public fs.FileMode = 0o644
	secret fs.FileMode = 0o600
)

// File is one file to be written. It prints without its text, which may be a secret.
type File struct {
	Name string // with slashes
	Mode fs.FileMode
	Text []byte
}

// Secret reports whether only its owner may read the file.
func (f File) Secret() bool { return f.Mode == secret }

// in returns the file's path in a directory.
func (f File) in(dir string) string { return filepath.Join(dir, filepath.FromSlash(f.Name)) }

// Format prints the name and the mode for every verb.
func (f File) Format(s fmt.State, _ rune) { _, _ = fmt.Fprintf(s, "%s %s", f.Mode.String(), f.Name) }

// Options describe a CA to set up.
type Options struct {
	Request      Request // the CA; Bring needs none
	Intermediate bool    // a root signs it; CFSSL does not need the root's key
	Serving      Serving
	Now          time.Time
}

// Check returns an error if the options are invalid.
func (o Options) Check() error {
	if err := o.Request.check(o.Intermediate); err != nil {
		return err
	}
	if o.Serving.CertExpiry >= o.Request.Expiry {
		return fmt.Errorf("certificates valid for %s would outlive a CA valid for %s: give the CA a longer lifetime", ca.Days(o.Serving.CertExpiry), ca.Days(o.Request.Expiry))
	}
	return o.Serving.Check()
}
