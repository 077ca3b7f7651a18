package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
)

// defaultCADir is the directory in which ca init makes a CA.
const defaultCADir = "ca-quickstart"

// caInit holds the flags of ca init.
type caInit struct {
	reportFlags
	configFlags
	dir, from, subject string
	intermediate       bool
	request            pki.Request
	serving            pki.Serving

	given func(flag string) bool
}

func newCAInitCmd(p process) *cobra.Command {
	o := &caInit{}
	c := newCommand(p, &cobra.Command{
		Use:   "init",
		Short: pki.InitTitle,
		Long:  pki.InitHelp,
		Example: "  tykmesh ca init --config tykmesh.yaml                  # sets the keys of its section CA\n" +
			"  tykmesh ca init >> tykmesh.yaml                        # prints the section, for a configuration without one\n" +
			"  tykmesh ca init --subject 'C=GB, L=London, O=Example Ltd' --algo ecdsa --mesh-namespace retail --allow-namespace ci\n" +
			"  tykmesh ca init --intermediate                         # under a root whose key can be kept offline\n" +
			"  tykmesh ca init --from ca-quickstart --dir ca          # with a CA that exists",
		Args: noArgs,
	}, o.run)

	o.flags(c)
	return c.Command
}

func (o *caInit) flags(c *command) {
	o.request, o.serving = pki.GuideRequest(), pki.DefaultServing()
	f := c.Flags()
	o.given = f.Changed
	f.StringVar(&o.config, "config", "", "write the section CA into the configuration `FILE`, which keeps everything else, and print nothing")
	f.StringVar(&o.dir, "dir", defaultCADir, "make everything in `DIR`")
	f.StringVar(&o.from, "from", "", "take the CA in `DIR` (ca.pem and ca-key.pem) instead of making one")
	f.BoolVar(&o.intermediate, "intermediate", false, "make a root, and a CA under it that signs, so that the root's key can be kept offline")
	f.StringVar(&o.request.CommonName, "common-name", o.request.CommonName, "common `NAME` of the CA; tykmesh adds a few characters that make it unique")
	f.StringVar(&o.subject, "subject", pki.FormatSubject(o.request.Names[0]), "rest of the CA's subject: `KEY=VALUE` pairs of C, ST, L, O and OU, separated by commas")
	f.StringVar(&o.request.Key.Algo, "algo", o.request.Key.Algo, "make the CA's key with `ALGORITHM`: rsa or ecdsa")
	f.IntVar(&o.request.Key.Size, "size", 0, "size of the CA's key in `BITS`: rsa 2048 to 8192, ecdsa 256, 384 or 521 (default 4096, or 256)")
	f.Var((*span)(&o.request.Expiry), "expiry", "let the CA live for `LIFETIME`, such as 5y")
	f.Var((*span)(&o.serving.CertExpiry), "cert-expiry", "let issued certificates live for `LIFETIME`, such as 1y or 30d")
	f.StringVar(&o.serving.Image, "image", o.serving.Image, pki.ImageHelp)
	f.StringVarP(&o.serving.Namespace, "namespace", "n", o.serving.Namespace, pki.NamespaceHelp)
	f.StringArrayVar(&o.serving.MeshNamespaces, "mesh-namespace", nil, pki.MeshNamespaceHelp)
	f.StringArrayVar(&o.serving.AllowNamespaces, "allow-namespace", nil, pki.AllowNamespaceHelp)
	o.addQuiet(c)
}

// run makes the CA, and returns the output that writes its files and prints the section of the
// configuration, or writes it there. Files that cannot be written print nothing, and a section that
// cannot be printed leaves no file.
func (o *caInit) run(ctx context.Context, p process, r *report.Run) (report.Output, error) {
	if err := o.conflict(); err != nil {
		return nil, o.usage(p, err)
	}

	into, err := o.destination(p, r)
	if err != nil {
		return nil, err
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

	for _, text := range setup.Warnings(o.dir, into.standalone) {
		r.Warn("%s", text)
	}

	write, err := into.section(p, r, setup)
	if err != nil {
		return nil, err
	}

	o.tell(p, r, setup, into)

	return func() error { return pki.Write(o.dir, setup.Files, write) }, nil
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
	s := pki.Options{Intermediate: o.intermediate, Serving: o.serving, Now: p.now()}
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
		err = &usageError{msg: err.Error(), command: p.name + " ca init"}
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

// override returns a request with the values of flags.
func (o *caInit) override(r pki.Request) (pki.Request, error) {
	if o.given("common-name") {
		r.CommonName = o.request.CommonName
	}

	if o.given("subject") {
		name, err := pki.ParseSubject(o.subject)
		if err != nil {
			return r, fmt.Errorf("--subject: %w", err)
		}
		r.Names = []ca.Name{name}
	}

	if o.given("algo") {
		r.Key = ca.KeyRequest{Algo: o.request.Key.Algo, Size: 256}
		if r.Key.Algo == ca.RSA {
			r.Key.Size = pki.GuideRequest().Key.Size
		}
	}

	if o.given("size") {
		r.Key.Size = o.request.Key.Size
	}

	if o.given("expiry") {
		r.Expiry = o.request.Expiry
	}

	return r, nil
}

// tell reports the new CA, which of its files are secret, and what to type next.
func (o *caInit) tell(p process, r *report.Run, setup pki.Setup, into destination) {
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

	for _, line := range setup.NextSteps(o.dir, o.config == "", into.commands(p, o)) {
		r.Lastly("%s", line)
	}
}
