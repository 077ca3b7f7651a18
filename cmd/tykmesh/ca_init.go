package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
)

// caInit holds the flags of ca init.
type caInit struct {
	reportFlags
	dir, from    string
	intermediate bool

	commonName, subject, algo string
	size                      int
	expiry, certExpiry        span

	image, namespace            string
	meshNamespaces, allowedFrom []string

	given func(flag string) bool
}

func newCAInitCmd(p process) *cobra.Command {
	o := &caInit{}
	c := newCommand(p, &cobra.Command{
		Use:   "init",
		Short: "Make a CA, the configuration of its CFSSL, and the Kubernetes manifests of both",
		Long: "init makes a certificate authority for the mesh in a directory: its key and certificate, the configuration of the CFSSL that signs\n" +
			"with it, and manifests that run this CFSSL in Kubernetes. It prints the section CA of tykmesh.yaml, and what to type next. If the\n" +
			"directory has a csr_ca.json, that describes the CA; flags override it. init overwrites no file, and writes all files or none.",
		Example: "  tykmesh ca init > ca.yaml                              # prints a section CA, for a configuration without one\n" +
			"  tykmesh ca init --subject 'C=GB, L=London, O=Example Ltd' --algo ecdsa --mesh-namespace retail --allow-namespace ci\n" +
			"  tykmesh ca init --intermediate                         # under a root whose key can be kept offline\n" +
			"  tykmesh ca init --from ca-quickstart --dir ca          # with a CA that exists",
		Args: noArgs,
	}, o.run)

	o.flags(c)
	return c.Command
}

func (o *caInit) flags(c *command) {
	guide, serving := pki.GuideRequest(), pki.DefaultServing()
	o.expiry, o.certExpiry = span(guide.Expiry), span(serving.CertExpiry)
	f := c.Flags()
	o.given = f.Changed
	f.StringVar(&o.dir, "dir", "ca-quickstart", "make everything in `DIR`")
	f.StringVar(&o.from, "from", "", "take the CA in `DIR` (ca.pem and ca-key.pem) instead of making one")
	f.BoolVar(&o.intermediate, "intermediate", false, "make a root, and a CA under it that signs, so that the root's key can be kept offline")
	f.StringVar(&o.commonName, "common-name", guide.CommonName, "common `NAME` of the CA; tykmesh adds a few characters that make it unique")
	f.StringVar(&o.subject, "subject", pki.FormatSubject(guide.Names[0]), "rest of the CA's subject: `KEY=VALUE` pairs of C, ST, L, O and OU, separated by commas")
	f.StringVar(&o.algo, "algo", guide.Key.Algo, "make the CA's key with `ALGORITHM`: rsa or ecdsa")
	f.IntVar(&o.size, "size", 0, "size of the CA's key in `BITS`: rsa 2048 to 8192, ecdsa 256, 384 or 521 (default 4096, or 256)")
	f.Var(&o.expiry, "expiry", "let the CA live for `LIFETIME`, such as 5y")
	f.Var(&o.certExpiry, "cert-expiry", "let issued certificates live for `LIFETIME`, such as 1y or 30d")
	f.StringVar(&o.image, "image", serving.Image, "run CFSSL from `IMAGE`")
	f.StringVarP(&o.namespace, "namespace", "n", serving.Namespace, "run CFSSL in `NAMESPACE`")
	f.StringArrayVar(&o.meshNamespaces, "mesh-namespace", nil, "let the pods of `NAMESPACE` trust the CA; may be repeated (default: CFSSL's namespace)")
	f.StringArrayVar(&o.allowedFrom, "allow-namespace", nil, "let the pods of `NAMESPACE` call CFSSL; may be repeated (default: CFSSL's namespace)")
	o.addQuiet(c)
}

// run makes the CA, and returns the output that writes its files and prints the section of
// the configuration: both, or neither if one fails.
func (o *caInit) run(ctx context.Context, p process, r *report.Run) (report.Output, error) {
	if err := o.conflict(); err != nil {
		return nil, o.usage(p, err)
	}
	if err := pki.Free(o.dir); err != nil {
		return nil, fmt.Errorf("making a CA: %w", err)
	}

	settings, err := o.settings(p)
	if err != nil {
		return nil, err
	}

	r.Progress("making keys ...")
	setup, err := o.makeCA(ctx, settings)
	if err != nil {
		return nil, err
	}

	for _, text := range o.warnings(setup, settings) {
		r.Warn("%s", text)
	}

	o.tell(r, setup)

	return func() error {
		written, err := pki.Write(o.dir, setup.Files)
		if err != nil {
			return err
		}
		if err := writeCASection(p.stdout, o.dir, setup.Certificate, settings.Serving); err != nil {
			written.Undo()
			return err
		}

		return written.Keep()
	}, nil
}

// makeCA makes a CA, or takes the one of --from.
func (o *caInit) makeCA(ctx context.Context, settings pki.Options) (pki.Setup, error) {
	if o.from != "" {
		setup, err := pki.Bring(o.from, settings)
		if err != nil {
			err = fmt.Errorf("taking the CA of %s: %w", o.from, err)
		}

		return setup, err
	}

	setup, err := pki.Make(ctx, settings)
	if err != nil {
		err = fmt.Errorf("making a CA: %w", err)
	}

	return setup, err
}

// settings returns the options that the flags and an existing csr_ca.json ask for.
//
// Errors: *InputError for that file, *usageError for the flags.
func (o *caInit) settings(p process) (pki.Options, error) {
	s := pki.Options{Intermediate: o.intermediate, Serving: o.serving(), Now: p.now()}
	if o.from != "" {
		return s, o.usage(p, s.Serving.Check())
	}

	base, err := pki.ReadRequest(o.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		base = pki.GuideRequest()
	case err != nil:
		return s, &files.InputError{Msg: err.Error()}
	}

	if s.Request, err = o.override(base); err == nil {
		err = s.Check()
	}

	return s, o.usage(p, err)
}

// usage returns an error as an error of the command line.
func (o *caInit) usage(p process, err error) error {
	if err != nil {
		err = &usageError{err.Error(), p.name + " ca init"}
	}
	return err
}

// conflict refuses flags that exclude each other: --from takes a CA as it is.
func (o *caInit) conflict() error {
	switch {
	case o.dir == "":
		return errors.New("--dir is empty: name a directory")
	case o.from == "" && o.given("from"):
		return errors.New("--from is empty: name the directory of a CA")
	case o.from == "":
		return nil
	}

	for _, flag := range []string{"intermediate", "algo", "size", "common-name", "subject", "expiry"} {
		if o.given(flag) {
			return fmt.Errorf("--from takes a CA as it is: remove --%s", flag)
		}
	}

	return nil
}

func (o *caInit) serving() pki.Serving {
	return pki.Serving{
		CertExpiry: time.Duration(o.certExpiry), Image: o.image, Namespace: o.namespace,
		MeshNamespaces: o.meshNamespaces, AllowNamespaces: o.allowedFrom,
	}
}

// override returns a request with the values of flags.
func (o *caInit) override(r pki.Request) (pki.Request, error) {
	if o.given("common-name") {
		r.CommonName = o.commonName
	}

	if o.given("subject") {
		name, err := pki.ParseSubject(o.subject)
		if err != nil {
			return r, fmt.Errorf("--subject: %w", err)
		}
		r.Names = []ca.Name{name}
	}

	if o.given("algo") {
		r.Key = ca.KeyRequest{Algo: o.algo, Size: 256}
		if o.algo == ca.RSA {
			r.Key.Size = pki.GuideRequest().Key.Size
		}
	}

	if o.given("size") {
		r.Key.Size = o.size
	}

	if o.given("expiry") {
		r.Expiry = time.Duration(o.expiry)
	}

	return r, nil
}

// warnings returns the consequences of the flags that the user may not intend.
func (o *caInit) warnings(setup pki.Setup, settings pki.Options) (texts []string) {
	if o.from == "" && settings.Request.Differs(o.dir) {
		texts = append(texts, fmt.Sprintf("%s is not changed: flags override it", filepath.Join(o.dir, pki.RequestFile)))
	}

	if missing := pki.Unignored(o.dir, setup.Files); len(missing) > 0 {
		texts = append(texts, fmt.Sprintf("%s is not changed, and lacks these secret files: %s; add them",
			filepath.Join(o.dir, pki.IgnoreFile), strings.Join(missing, ", ")))
	}

	if o.namespace == pki.DefaultServing().Namespace || slices.Contains(o.meshNamespaces, o.namespace) {
		texts = append(texts, fmt.Sprintf("any pod of namespace %s can mount the CA's key: run CFSSL in a namespace without apps, with -n NAMESPACE", o.namespace))
	}

	if end := setup.Certificate.NotAfter; end.Before(settings.Now.Add(settings.Serving.CertExpiry)) {
		texts = append(texts, fmt.Sprintf("the CA expires on %s, before the certificates that it will sign", end.UTC().Format(time.DateOnly)))
	}

	return texts
}
