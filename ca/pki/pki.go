// Package pki sets up the mesh's own certificate made: its key and certificate, the
// configuration of the CFSSL that signs with it, and the Kubernetes manifests of that CFSSL. It
// makes a new CA (Make) or brings one that exists (Bring).
//
//	Request ──Make──┐
//	                ├──> Setup: an CA and its Files ──Write──> a folder: keys, CFSSL's configuration, manifests
//	folder ──Bring──┘
//	folder ──ReadRotation──> Rotation ──Trust, Sign, Settle──> Change ──Write──> the folder, a step further
//
// It makes values, until Write puts all files into a folder, or none of them. After a kill the next
// run deletes a CA that is half made, and finishes a change that is half done. The package never
// overwrites a file, never puts a secret into a file that others may read, and never prints, logs
// or sends anything.
//
// # Who can do what
//
// ca-key.pem is the mesh, and root-key.pem the one that makes the next mesh: it is in no manifest,
// so that it can be kept off every machine. cfssl.key is the auth key of package ca.
//
//	who                   could                           what is done                                shown by
//
//	reads the folder      take a key                      files 0600 in a folder 0700                 TestWritten, TestNewFolderIsForItsOwnerAlone
//	reads the repository  take a key                      .gitignore names each and is there first;   TestWritten, TestUnignored,
//	                                                      one that lacks some is reported             TestInitIsBrokenOff
//	kills a run halfway   leave keys about, have a mixed  keys wait inside the folder, in one that    TestInitIsBrokenOff, TestInitIsKilled,
//	                      folder used                     Git ignores; other commands refuse to read  TestChangeIsBrokenOff,
//	                                                                                                  tykmesh.TestScripts/ca-unfinished
//	reads ConfigMaps      take a key                      keys are in Secrets, in one file            TestMade, tykmesh.TestSecretsStayWhereTheyBelong
//	reads Secrets of      be the mesh                     nothing: Kubernetes gives that right; what  TestTheNextIsTrusted
//	CFSSL's namespace                                     signs below a root makes no further CA
//	is a pod elsewhere    ask CFSSL                       the auth key, and a NetworkPolicy           TestNamespaces, tykmesh.TestCFSSL
//	breaks into CFSSL's   be the mesh                     restricted, read-only, no egress, no token  TestMade
//	pod
//	puts files there      have them taken for ours        nothing is overwritten; what is brought is  TestNothingIsLeft, TestNotBrought, FuzzBrought
//	first                                                 checked, and errors quote no key
package pki

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The files of a CA in its folder.
const (
	RequestFile = "csr_ca.json" // what the CA was made from
	requestCSR  = "ca.csr"      // the same as cfssl writes it
	CertFile    = "ca.pem"      // the one certificate that CFSSL signs with: cfssl serve refuses a second one
	KeyFile     = "ca-key.pem"  // its key
	ChainFile   = "chain.pem"   // what goes with a certificate: the CA, then those above it but for the root
	BundleFile  = "bundle.pem"  // what pods trust: the root

	rootCSR     = "root.csr"
	RootFile    = "root.pem"     // the root above an intermediate CA
	RootKeyFile = "root-key.pem" // its key, which no manifest has

	ConfigFile  = "config_ca.json" // CFSSL's configuration
	AuthKeyFile = "cfssl.key"      // the key of CFSSL's authsign, in hex
	IgnoreFile  = ".gitignore"     // names the secret files

	Manifests  = "k8s"              // the folder of what is to be applied
	KeysFile   = "k8s/secrets.yaml" // the one place where a secret is in a manifest
	TrustFile  = "k8s/ca-pem.yaml"
	ServerFile = "k8s/cfssl.yaml"
)

// names are the files that may be made, but for the two that may be there before.
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

// Secret reports whether the file is for nobody but its owner.
func (f File) Secret() bool { return f.Mode == secret }

// in returns the file's path in a folder.
func (f File) in(dir string) string { return filepath.Join(dir, filepath.FromSlash(f.Name)) }

// Format prints the name and the mode, whatever the verb.
func (f File) Format(s fmt.State, _ rune) { _, _ = fmt.Fprintf(s, "%s %s", f.Mode.String(), f.Name) }

// Options say what to set up.
type Options struct {
	Request      Request // the CA; Bring needs none
	Intermediate bool    // a root signs it, whose key CFSSL does not need
	Serving      Serving
	Now          time.Time
}

// Check says what of the options cannot be.
func (o Options) Check() error {
	if err := o.Request.check(o.Intermediate); err != nil {
		return err
	}
	if o.Serving.CertExpiry >= o.Request.Expiry {
		return fmt.Errorf("certificates that are valid for %s would outlive a CA of %s", hours(o.Serving.CertExpiry), hours(o.Request.Expiry))
	}
	return o.Serving.Check()
}

// Setup is a CA and all files that go with it.
type Setup struct {
	CA
	Files []File
}

// Make makes a CA. It ends with ctx, even while a large key is made.
//
// Errors: options that cannot be, the context's.
func Make(ctx context.Context, o Options) (Setup, error) {
	if err := o.Check(); err != nil {
		return Setup{}, err
	}
	made, files, err := newCA(ctx, o)
	if err != nil {
		return Setup{}, err
	}

	return setUp(made, files, o.Serving)
}

// Bring takes the CA that is in a folder: ca.pem and ca-key.pem, and for an intermediate one those
// above it in ca.pem, chain.pem, bundle.pem or root.pem.
//
// Errors: options that cannot be, a file that is not there or holds something else, a CA that
// cannot sign for a mesh; each names the file.
func Bring(dir string, o Options) (Setup, error) {
	if err := o.Serving.Check(); err != nil {
		return Setup{}, err
	}
	made, err := readCA(dir, o.Now)
	if err != nil {
		return Setup{}, err
	}

	return setUp(made, nil, o.Serving)
}

// setUp adds to a CA's files what serves it.
func setUp(a CA, files []File, s Serving) (Setup, error) {
	key := newAPIKey()
	config, err := s.config(key)
	if err != nil {
		return Setup{}, err
	}

	manifests, err := newValues(s, a, config, key).manifests()
	if err != nil {
		return Setup{}, err
	}

	files = slices.Concat(files, a.files(), []File{
		{ConfigFile, secret, config},
		{AuthKeyFile, secret, []byte(key + "\n")},
	}, manifests)

	return Setup{a, append(files, ignoring(files))}, nil
}

// ignoring returns the file that keeps secrets out of Git.
func ignoring(files []File) File {
	var text strings.Builder
	text.WriteString("# Secrets: whoever reads one of these files can make certificates for the mesh.\n")
	for _, f := range files {
		if f.Secret() {
			_, _ = io.WriteString(&text, ignoreLine(f))
		}
	}

	text.WriteString("# The same while the CA is changed.\n" + strings.Join(rotationIgnored(), "\n") + "\n")

	return File{IgnoreFile, public, []byte(text.String())}
}

func ignoreLine(f File) string { return "/" + f.Name + "\n" }
