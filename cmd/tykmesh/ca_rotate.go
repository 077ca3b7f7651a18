package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
)

// caRotate are the flags of ca rotate.
type caRotate struct {
	options
	dir, rootKey string
	step         int
	root         bool
	unchecked    bool
}

// lastStep is that of a change in which pods have to learn to trust another CA.
const lastStep = 3

func newCARotateCmd(p process) *cobra.Command {
	var o caRotate
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Change the CA step by step, without a moment in which a pod refuses another's certificate",
		Long: "rotate says how far a change of the CA has come, what to apply and to wait for, and which step is next; with --step it takes that\n" +
			"step, which changes files of the folder and nothing else.\n\n" +
			"  step 1  a new CA is made, and pods are to trust it beside the old one\n" +
			"  step 2  CFSSL is to sign with the new CA, whose certificate the old one has signed too: pods that trust only that accept it\n" +
			"  step 3  pods are to trust the new CA alone; first the Dashboard is asked whether certificates of the old one are still in use\n\n" +
			"A CA under a root that stays (ca init --intermediate) changes in one step: pods trust the root. --root changes the root as well.",
		Example: "  tykmesh ca rotate                  # how far it has come, and what to do now\n" +
			"  tykmesh ca rotate --step 1",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd, p, func(ctx context.Context, p process, _ options, r *report) (output, error) {
				return runCARotate(ctx, p, o, r)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.dir, "dir", "ca-quickstart", "`DIR` of the CA, as ca init made it")
	f.IntVar(&o.step, "step", 0, "take this `STEP`: the one after the last, from 1 to 3")
	f.BoolVar(&o.root, "root", false, "change the root too, where the CA is under one")
	f.StringVar(&o.rootKey, "root-key", "", "`FILE` with the root's private key (default: root-key.pem in DIR)")
	f.BoolVar(&o.unchecked, "unchecked", false, "take step 3 without asking the Dashboard which certificates are in use")
	o.remoteFlags(cmd)
	o.reportFlags(cmd)
	return cmd
}

// runCARotate takes the step that was asked for, if it is next, and says what is to be done then.
func runCARotate(ctx context.Context, p process, o caRotate, report *report) (output, error) {
	rotation, err := pki.ReadRotation(o.dir, p.now())
	if err != nil {
		return nil, fmt.Errorf("reading the CA of %s: %w", o.dir, err)
	}
	taken := int(rotation.Taken)
	switch {
	case o.step == 0 || o.step == taken:
		return o.say(p, rotation, taken), nil
	case o.step != taken%lastStep+1:
		return nil, &usageError{o.wrongStep(taken), p.name + " ca rotate"}
	}
	if o.step == lastStep {
		if err := o.checkUse(ctx, p, rotation, report); err != nil {
			return nil, err
		}
	}
	report.progress("making keys ...")
	change, err := uninterrupted(ctx, func() (pki.Change, error) { return o.change(ctx, p, rotation) })
	if err != nil {
		return nil, fmt.Errorf("changing the CA of %s: %w", o.dir, err)
	}
	if err := change.Write(o.dir); err != nil {
		return nil, fmt.Errorf("writing to %s: %w", o.dir, err)
	}
	for _, text := range change.ByHand {
		report.warn(filepath.Join(o.dir, text))
	}
	after, err := pki.ReadRotation(o.dir, p.now())
	if err != nil {
		return nil, fmt.Errorf("reading the CA of %s: %w", o.dir, err)
	}
	return o.say(p, after, o.step), nil
}

func (o caRotate) wrongStep(taken int) string {
	if taken == 0 {
		return fmt.Sprintf("no change of the CA is under way: step 1 is next, not step %d", o.step)
	}
	return fmt.Sprintf("step %d was taken last: step %d is next, not step %d", taken, taken+1, o.step)
}

// change is what a step writes.
func (o caRotate) change(ctx context.Context, p process, r pki.Rotation) (pki.Change, error) {
	switch pki.Step(o.step) {
	case pki.Trust:
		return o.begin(ctx, p, r)
	case pki.Sign:
		return r.Sign()
	}
	return r.Settle()
}

// begin makes the CA to come.
func (o caRotate) begin(ctx context.Context, p process, r pki.Rotation) (pki.Change, error) {
	request, err := r.Request()
	if err != nil {
		return pki.Change{}, err
	}
	serving := pki.DefaultServing()
	serving.CertExpiry = time.Hour // it has been said when the CA was set up, and nothing here depends on it
	options := pki.Options{Request: request, Serving: serving, Now: p.now()}
	var key crypto.Signer
	if r.Intermediate() {
		if key, err = r.ReadRootKey(o.rootKey); err != nil {
			return pki.Change{}, &rootKeyError{err}
		}
		if !o.root {
			return r.Reissue(ctx, options, key)
		}
	}
	return r.Trust(ctx, options, key)
}

// rootKeyError says that the key of the root is not at hand.
type rootKeyError struct{ error }

func (e *rootKeyError) Error() string { return "the root has to sign the next CA: " + e.error.Error() }

func (e *rootKeyError) Unwrap() error { return e.error }

// Hint is how to bring it.
func (*rootKeyError) Hint() string {
	return "bring the root's private key, for this step alone: --root-key FILE"
}

// checkUse makes sure that the former CA is not needed any more.
func (o caRotate) checkUse(ctx context.Context, p process, r pki.Rotation, report *report) error {
	if o.unchecked {
		report.warn("nobody was asked whether certificates of the former CA are in use; pods that start from now on refuse them")
		return nil
	}
	config, err := loadConfig(ctx, p, o.options, report)
	if err != nil {
		return err
	}
	settings, err := registeredSettings(config, o.options)
	if err != nil {
		return err
	}
	if !settings.TLS {
		return config.fail("Injector.enableMeshTLS", errors.New("is not on, so nothing is known of certificates; --unchecked does without"))
	}
	state, _, closeRemote, err := survey(ctx, o.options, config, settings, report)
	if err != nil {
		return err
	}
	defer closeRemote()
	if state.Authority == nil || !ca.SameAuthority(state.Authority, r.Present.Certificate) {
		return fmt.Errorf("CA.certPath of %s is not that of %s: which certificates are its own cannot be told", config.File, o.dir)
	}
	var old []string
	for _, c := range mesh.NewCertificateList(state, settings) {
		if c.Ours && len(c.UsedBy) > 0 && c.Trust != mesh.Trusted {
			old = append(old, c.Name)
		}
	}
	if len(old) > 0 {
		return &inUseError{old}
	}
	return nil
}

// inUseError says which certificates are not of the present CA.
type inUseError struct{ names []string }

func (e *inUseError) Error() string {
	return fmt.Sprintf("%s of the former CA in use: %s", plural(len(e.names), "certificate"), strings.Join(e.names, ", "))
}

// Hint is how to replace them.
func (*inUseError) Hint() string { return "tykmesh certs renew replaces them" }

// say prints where the change is, what to do now and what next.
func (o caRotate) say(p process, r pki.Rotation, step int) output {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	apply := func(file string) { line("  kubectl apply -f %s", shellWord(filepath.Join(o.dir, file))) }
	roll := func() {
		line("  tykmesh inject -f ... | kubectl apply -f -     # all that is meshed: pod templates name the CAs, so that pods are replaced")
	}
	next := func(n int) { line("  %s ca rotate --dir %s --step %d", p.name, shellWord(o.dir), n) }
	present := r.Present.Certificate.Subject.CommonName
	switch {
	case r.Taken == pki.Trust:
		line("step 1 of 3 is taken: pods are to trust %q beside %q", r.Next.Root().Subject.CommonName, r.Present.Root().Subject.CommonName)
		line("now:")
		apply(pki.Manifests + "/ca-pem.yaml")
		roll()
		line("when all meshed pods have been replaced:")
		next(int(pki.Sign))
	case r.Taken == pki.Sign:
		line("step 2 of 3 is taken: CFSSL is to sign with %q", present)
		line("now:")
		o.serve(apply, line)
		line("when no certificate of the former CA is in use, which step 3 looks after, and all pods run that were injected since step 1:")
		next(lastStep)
	case step == lastStep:
		line("the change is done: pods are to trust %q alone", r.Present.Root().Subject.CommonName)
		line("now:")
		apply(pki.Manifests + "/ca-pem.yaml")
		roll()
		line("when all meshed pods have been replaced, nobody needs the former CA any more: destroy its key in %s", filepath.Join(o.dir, "former"))
	case step == int(pki.Trust): // of a CA under a root that stays
		line("the change is done: CFSSL is to sign with %q; pods trust its root and need not be replaced", present)
		line("now:")
		o.serve(apply, line)
		line("then nobody needs the former CA any more: destroy its key in %s", filepath.Join(o.dir, "former"))
	default:
		line("no change of the CA is under way: %q signs, until %s", present, r.Present.Certificate.NotAfter.UTC().Format(time.DateOnly))
		line("to begin one:")
		next(1)
	}
	return func() error {
		_, err := io.WriteString(p.stdout, b.String())
		return err
	}
}

// serve says how CFSSL gets another CA.
func (o caRotate) serve(apply func(string), line func(string, ...any)) {
	apply(pki.Manifests)
	line("  kubectl -n NAMESPACE rollout status deployment/%s", pki.Deployment)
	line("  tykmesh check")
	line("  tykmesh certs renew                            # every certificate, by the new CA")
}
