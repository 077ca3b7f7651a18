package pki

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/internal/file"
)

// Setup holds a CA and all its files.
type Setup struct {
	CA
	Files []File

	options Options
}

// Make makes a CA. It ends with ctx, even while a large key is made.
//
// Errors: invalid options, the context's.
func Make(ctx context.Context, o Options) (Setup, error) {
	if err := o.Check(); err != nil {
		return Setup{}, err
	}
	request, err := o.Request.text()
	if err != nil {
		return Setup{}, err
	}

	made, files, err := newCA(ctx, o, nil)
	if err != nil {
		return Setup{}, err
	}

	return setUp(made, append([]File{{RequestFile, public, request}}, files...), o)
}

// Bring takes the existing CA of a directory: ca.pem and ca-key.pem, and for an intermediate CA the
// CAs above it, from ca.pem, chain.pem, bundle.pem or root.pem.
//
// Errors: invalid options; a file that does not exist or holds something else; a CA that cannot
// sign for a mesh. Each names the file.
func Bring(dir string, o Options) (Setup, error) {
	if err := o.Serving.Check(); err != nil {
		return Setup{}, err
	}
	made, err := readCA(dir, o.Now)
	if err != nil {
		return Setup{}, err
	}

	return setUp(made, nil, o)
}

// setUp adds the files of CFSSL to those of a CA.
func setUp(a CA, files []File, o Options) (Setup, error) {
	key := newAPIKey()
	config, err := o.Serving.config(key)
	if err != nil {
		return Setup{}, err
	}

	files = slices.Concat(files, a.files(), []File{
		{ConfigFile, secret, config},
		{AuthKeyFile, secret, []byte(key + "\n")},
	})
	v := newValues(o.Serving, a, config, key)
	for _, f := range manifestFiles() {
		if f, err = v.render(f); err != nil {
			return Setup{}, err
		}
		files = append(files, f)
	}

	return Setup{a, append(files, ignoring(files)), o}, nil
}

func (s Setup) holds(name string) bool {
	return slices.ContainsFunc(s.Files, func(f File) bool { return f.Name == name })
}

// Warnings returns the consequences of the options that the user may not intend. Without CFSSL no
// pod holds the CA's key.
func (s Setup) Warnings(dir string, withoutCFSSL bool) (texts []string) {
	if s.holds(RequestFile) && s.options.Request.differs(dir) {
		texts = append(texts, fmt.Sprintf("%s is not changed: flags override it", filepath.Join(dir, RequestFile)))
	}

	if missing := unignored(dir, s.Files); len(missing) > 0 {
		texts = append(texts, fmt.Sprintf("%s is not changed, and lacks these secret files: %s; add them",
			filepath.Join(dir, IgnoreFile), strings.Join(missing, ", ")))
	}

	serving := s.options.Serving
	inReach := serving.Namespace == DefaultServing().Namespace || slices.Contains(serving.MeshNamespaces, serving.Namespace)
	if inReach && !withoutCFSSL {
		texts = append(texts, fmt.Sprintf("any pod of namespace %s can mount the CA's key: run CFSSL in a namespace without apps, with -n NAMESPACE", serving.Namespace))
	}

	if end := s.Certificate.NotAfter; end.Before(s.options.Now.Add(serving.CertExpiry)) {
		texts = append(texts, fmt.Sprintf("the CA expires on %s, before the certificates that it will sign", day(end)))
	}

	return texts
}

// Keys holds values for the section CA of tykmesh.yaml.
type Keys struct {
	Issuer                          Issuer
	Addr, Key, Chain, CAKey, Bundle string // the values of addr, key, certPath, keyPath and bundlePath
}

// KeysIn returns the values for the CA in a directory, as the configuration names it.
func KeysIn(dir string, s Serving, issuer Issuer) Keys {
	in := func(name string) string { return filepath.ToSlash(filepath.Join(dir, name)) }
	return Keys{
		Issuer: issuer, Addr: fmt.Sprintf("http://%s.%s:%d", Service, s.Namespace, Port), Key: "file:" + in(AuthKeyFile),
		Chain: in(ChainFile), CAKey: in(KeyFile), Bundle: in(BundleFile),
	}
}

// CFSSL reports whether CFSSL signs.
func (k Keys) CFSSL() bool { return k.Issuer == IssuedByCFSSL }

// Local reports whether tykmesh signs with the key of the CA.
func (k Keys) Local() bool { return k.Issuer == IssuedWithKey }

// Section returns the section CA of tykmesh.yaml.
func (s Setup) Section(k Keys) ([]byte, error) {
	return execute(templates, "section.yaml", struct {
		Keys
		Subject []attribute
	}{k, assigned(nameOf(s.Certificate.Subject))})
}

// ignoring returns the .gitignore that keeps secrets out of Git.
func ignoring(files []File) File {
	var text strings.Builder
	text.WriteString("# Secrets: each of these files lets its reader make certificates for the mesh.\n")
	for _, f := range files {
		if f.Secret() {
			_, _ = io.WriteString(&text, ignoreLine(f))
		}
	}

	text.WriteString("# The key of tokens, if there is one.\n/" + ca.TokenKeyFile + "\n")
	text.WriteString("# The same during a rotation.\n" + strings.Join(rotationIgnored(), "\n") + "\n")

	return File{IgnoreFile, public, []byte(text.String())}
}

func ignoreLine(f File) string { return "/" + f.Name + "\n" }

// unignored returns the secret files that an existing .gitignore, which is not changed, lacks.
func unignored(dir string, files []File) (missing []string) {
	text, err := file.Read(filepath.Join(dir, IgnoreFile))
	if err != nil {
		return nil
	}

	lines := strings.Split(string(text), "\n")
	for _, f := range files {
		line := strings.TrimSpace(ignoreLine(f))
		if f.Secret() && !slices.Contains(lines, line) && !slices.Contains(lines, line[1:]) {
			missing = append(missing, f.Name)
		}
	}

	return missing
}
