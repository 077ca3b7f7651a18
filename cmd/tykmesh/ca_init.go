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
)

// caInit are the flags of ca init.
type caInit struct {
	options
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
	var o caInit
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make a CA, the configuration of its " + ca.ServerName + ", and the Kubernetes manifests of both",
		Long: "init makes a certificate authority for the mesh in a folder: its key and certificate, the configuration of the " + ca.ServerName + " that signs with\n" +
			"it, and manifests to run that " + ca.ServerName + " in Kubernetes. It prints the section CA of tykmesh.yaml, and says what to type next. A csr_ca.json\n" +
			"that is in the folder already says which CA to make; flags win over it. Nothing is overwritten, and all files appear or none.",
		Example: "  tykmesh ca init > ca.yaml                              # a section CA, for a configuration without one\n" +
			"  tykmesh ca init --subject 'C=GB, L=London, O=Example Ltd' --algo ecdsa --mesh-namespace retail --allow-namespace ci\n" +
			"  tykmesh ca init --intermediate                         # under a root whose key can be kept offline\n" +
			"  tykmesh ca init --from ca-quickstart --dir ca          # with a CA that exists",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.given = cmd.Flags().Changed
			return o.run(cmd, p, func(ctx context.Context, p process, _ options, r *report) (output, error) {
				return runCAInit(ctx, p, o, r)
			})
		},
	}

	o.flags(cmd)
	return cmd
}

func (o *caInit) flags(cmd *cobra.Command) {
	guide, serving := pki.GuideRequest(), pki.DefaultServing()
	o.expiry, o.certExpiry = span(guide.Expiry), span(serving.CertExpiry)
	f := cmd.Flags()
	f.StringVar(&o.dir, "dir", "ca-quickstart", "`DIR` to make everything in")
	f.StringVar(&o.from, "from", "", "take the CA in `DIR`, ca.pem and ca-key.pem, instead of making one")
	f.BoolVar(&o.intermediate, "intermediate", false, "make a root, and a CA under it that signs: the root's key can be kept offline")
	f.StringVar(&o.commonName, "common-name", guide.CommonName, "`NAME` of the CA; a few characters that no other CA has are added")
	f.StringVar(&o.subject, "subject", pki.FormatSubject(guide.Names[0]), "the rest of its name: `KEY=VALUE` of C, ST, L, O and OU, separated by commas")
	f.StringVar(&o.algo, "algo", guide.Key.Algo, "`ALGORITHM` of its key: rsa or ecdsa")
	f.IntVar(&o.size, "size", 0, "`BITS` of its key: rsa 2048 to 8192, ecdsa 256, 384 or 521 (default 4096, or 256)")
	f.Var(&o.expiry, "expiry", "how `LONG` the CA is valid")
	f.Var(&o.certExpiry, "cert-expiry", "how `LONG` certificates are valid that it signs")
	f.StringVar(&o.image, "image", serving.Image, "`IMAGE` of "+ca.ServerName)
	f.StringVarP(&o.namespace, "namespace", "n", serving.Namespace, "`NAMESPACE` that "+ca.ServerName+" runs in")
	f.StringArrayVar(&o.meshNamespaces, "mesh-namespace", nil, "`NAMESPACE` whose pods are on the mesh; may be repeated (default: that of "+ca.ServerName+")")
	f.StringArrayVar(&o.allowedFrom, "allow-namespace", nil, "`NAMESPACE` whose pods may ask "+ca.ServerName+"; may be repeated (default: that of "+ca.ServerName+")")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print errors only")
}

// runCAInit makes the CA, and writes its files together with the section of the configuration:
// where one fails, there is neither.
func runCAInit(ctx context.Context, p process, o caInit, report *report) (output, error) {
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

	report.progress("making keys ...")
	setup, err := o.makeCA(ctx, settings)
	if err != nil {
		return nil, err
	}

	for _, text := range o.warnings(setup, settings) {
		report.warn(text)
	}

	o.tell(report, setup)

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

// makeCA makes a CA, or reads that of --from.
func (o caInit) makeCA(ctx context.Context, settings pki.Options) (pki.Setup, error) {
	if o.from != "" {
		setup, err := pki.Bring(o.from, settings)
		if err != nil {
			err = fmt.Errorf("bringing the CA of %s: %w", o.from, err)
		}
		return setup, err
	}

	setup, err := pki.Make(ctx, settings)
	if err != nil {
		err = fmt.Errorf("making a CA: %w", err)
	}

	return setup, err
}

// settings are what the flags ask for, and a csr_ca.json that is there already.
//
// Errors: *InputError for that file, *usageError for the flags.
func (o caInit) settings(p process) (pki.Options, error) {
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

	if s.Request, err = o.over(base); err == nil {
		err = s.Check()
	}

	return s, o.usage(p, err)
}

// usage makes an error one of the command line.
func (o caInit) usage(p process, err error) error {
	if err != nil {
		err = &usageError{err.Error(), p.name + " ca init"}
	}
	return err
}

// conflict finds flags that have no meaning together: a CA that is brought is as it is.
func (o caInit) conflict() error {
	switch {
	case o.dir == "":
		return errors.New("--dir needs a folder")
	case o.from == "" && o.given("from"):
		return errors.New("--from needs a folder")
	case o.from == "":
		return nil
	}

	for _, flag := range []string{"intermediate", "algo", "size", "common-name", "subject", "expiry"} {
		if o.given(flag) {
			return fmt.Errorf("--from brings a CA as it is: --%s has no meaning with it", flag)
		}
	}

	return nil
}

func (o caInit) serving() pki.Serving {
	return pki.Serving{
		CertExpiry: time.Duration(o.certExpiry), Image: o.image, Namespace: o.namespace,
		MeshNamespaces: o.meshNamespaces, AllowNamespaces: o.allowedFrom,
	}
}

// over returns a request with what flags say.
func (o caInit) over(r pki.Request) (pki.Request, error) {
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

// warnings are what is done as asked, and perhaps not as meant.
func (o caInit) warnings(setup pki.Setup, settings pki.Options) (texts []string) {
	if o.from == "" && settings.Request.Differs(o.dir) {
		texts = append(texts, fmt.Sprintf("%s stays as it is: flags say something else, and win", filepath.Join(o.dir, pki.RequestFile)))
	}

	if missing := pki.Unignored(o.dir, setup.Files); len(missing) > 0 {
		texts = append(texts, fmt.Sprintf("%s stays as it is, and does not name these secret files: %s",
			filepath.Join(o.dir, pki.IgnoreFile), strings.Join(missing, ", ")))
	}

	if o.namespace == pki.DefaultServing().Namespace || slices.Contains(o.meshNamespaces, o.namespace) {
		texts = append(texts, fmt.Sprintf("any pod of namespace %s can mount the CA's key: give %s a namespace without apps with -n NAMESPACE", o.namespace, ca.ServerName))
	}

	if end := setup.Certificate.NotAfter; end.Before(settings.Now.Add(settings.Serving.CertExpiry)) {
		texts = append(texts, fmt.Sprintf("the CA expires on %s, before the certificates that it signs from now on", end.UTC().Format(time.DateOnly)))
	}

	return texts
}
