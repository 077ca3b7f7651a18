package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/exit"
	"github.com/tykmesh/tykmesh/cmd/internal/live"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
)

// listsMesh is the command that prints the live objects of a mesh without a Dashboard.
const listsMesh = "kubectl get " + liveKinds + " -A -o yaml"

// readMode reads who signs, if the configuration is of a mesh without a Dashboard: the text of each
// step depends on it. The configuration may be incomplete otherwise.
func (o *caRotate) readMode(p process, r *report.Run) error {
	var (
		c      config.Config
		reader configReader
	)
	src, err := reader.find(p, o.configFlags)
	if err == nil {
		c, err = config.Peek(src)
	}
	if err := cmp.Or(reader.apart(r, c), err); err != nil || !c.Standalone() {
		return err
	}

	o.mesh = &pki.Standalone{Issuer: pki.IssuedByUser, Secrets: o.line(p.name, "certs secrets"), Live: listsMesh}
	switch {
	case c.CA.IssuerRef.Name != "":
		o.mesh.Issuer = pki.IssuedByManager
	case c.CA.KeyPath != "":
		o.mesh.Issuer = pki.IssuedWithKey
	case c.CA.Addr != "":
		o.mesh.Issuer = pki.IssuedByCFSSL
	}

	return nil
}

// checkLive makes sure before the last step that the Secrets of the mesh hold certificates of the
// new CA only.
func (o *caRotate) checkLive(ctx context.Context, p process, rotation pki.Rotation, r *report.Run) error {
	ask := fmt.Sprintf("%s | %s --step %d -f -", listsMesh, o.again(p.name), pki.StepSettle)
	if !o.liveFlags.given() {
		return &advisedError{errors.New("step 3 must know whether certificates of the previous CA are in use"), ask, exit.Usage}
	}

	mesh, err := readLive(ctx, p, o.liveFlags, r)
	if err != nil {
		return err
	}

	authority := rotation.Current.Certificate.Subject.CommonName

	var old, unknown []string
	certified := 0
	for _, s := range mesh.Services {
		name := s.Namespace + "/" + s.App
		switch c := s.Certificate; {
		case c.Secret == "":
		case c.State != live.Present || c.Issuer == "":
			unknown = append(unknown, name)
		case c.Issuer != authority:
			old = append(old, fmt.Sprintf("%s (signed by %q)", name, c.Issuer))
		default:
			certified++
		}
	}

	switch {
	case len(old) > 0:
		err := fmt.Errorf("%s not signed by %q: %s", report.Plural(len(old), "certificate"), authority, strings.Join(old, ", "))
		return advise(err, o.again(p.name)+" prints how the new CA issues them")
	case len(unknown) > 0:
		return advise(fmt.Errorf("the certificates of these services are unknown: %s", strings.Join(unknown, ", ")), ask)
	case certified == 0:
		return advise(errors.New("the live objects hold no service with a certificate"), ask)
	}

	return nil
}
