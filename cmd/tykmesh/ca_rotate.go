package main

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
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

	given func(flag string) bool
}

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
			"A CA under a root that stays (ca init --intermediate) changes in one step: pods trust the root. --root changes the root as well.\n\n" +
			"The new CA is like the old one, but for its keys and for what csr_ca.json in the folder says now: edit that for another kind of\n" +
			"key, time or owner; its common name stays. The same step again changes nothing and says the same; one that was broken off is finished by the next run.",
		Example: "  tykmesh ca rotate                  # how far it has come, and what to do now\n" +
			"  tykmesh ca rotate --step 1",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.given = cmd.Flags().Changed
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
	if o.dir == "" {
		return nil, &usageError{"--dir needs a folder", p.name + " ca rotate"}
	}
	if err := o.checkAuthority(report); err != nil {
		return nil, err
	}

	rotation, err := o.read(p)
	if err != nil {
		return nil, err
	}
	if err := o.conflict(rotation); err != nil {
		return nil, &usageError{err.Error(), p.name + " ca rotate"}
	}
	if again := o.step == lastStep(rotation) && (rotation.Taken != pki.Settle || !o.root); o.step == 0 || again {
		return o.say(p, rotation), nil
	}
	if err := o.checkNext(p, rotation); err != nil {
		return nil, err
	}
	if err := o.checkUse(ctx, p, rotation, report); err != nil {
		return nil, err
	}

	change, err := o.change(ctx, p, rotation, report)
	if err != nil {
		return nil, err
	}

	return func() error {
		if err := change.Write(o.dir); err != nil {
			return fmt.Errorf("changing the CA of %s: %w", o.dir, err)
		}
		after, err := o.read(p)
		if err == nil {
			err = o.say(p, after)()
		}

		if err != nil {
			return &untoldError{err, o.again(p.name)}
		}

		return nil
	}, nil
}

// read reads how far the change has come.
func (o caRotate) read(p process) (pki.Rotation, error) {
	r, err := pki.ReadRotation(o.dir, p.now())
	switch {
	case err == nil:
		return r, nil
	case errors.Is(err, fs.ErrNotExist):
		return r, &noCAError{o.dir, err}
	}

	return r, fmt.Errorf("reading the CA of %s: %w", o.dir, err)
}

// lastStep returns the number of the step that was taken last. Under a root that stays there is
// only one.
func lastStep(r pki.Rotation) int {
	if r.Taken == pki.Settle && r.Reissued() {
		return int(pki.Trust)
	}
	return int(r.Taken)
}

// conflict finds flags that have no meaning here.
func (o caRotate) conflict(r pki.Rotation) error {
	begins := pki.Step(o.step) == pki.Trust
	switch {
	case o.given("step") && (o.step < int(pki.Trust) || o.step > int(pki.Settle)):
		return fmt.Errorf("--step is 1, 2 or 3, not %d", o.step)
	case (o.root || o.rootKey != "") && !r.Intermediate():
		return fmt.Errorf("the CA of %s is its own root, which changes with it: --root and --root-key have no meaning", o.dir)
	case (o.root || o.rootKey != "") && !begins:
		return errors.New("--root and --root-key go with --step 1")
	case o.unchecked && pki.Step(o.step) != pki.Settle:
		return errors.New("--unchecked goes with --step 3")
	}

	return nil
}

// checkNext makes sure that the step that was asked for is next.
func (o caRotate) checkNext(p process, r pki.Rotation) error {
	former := filepath.Join(o.dir, pki.FormerFolder)
	wrong := &stepError{hint: o.again(p.name) + " says what to do now"}
	switch last := lastStep(r); {
	case r.Taken == pki.Settle:
		wrong.msg = fmt.Sprintf("the last change of the CA has left %s behind: when that is gone, step 1 is next", former)
	case last == 0 && o.step != 1:
		wrong.msg = fmt.Sprintf("no change of the CA is under way: step 1 is next, not step %d", o.step)
	case o.step != last+1:
		wrong.msg = fmt.Sprintf("step %d was taken last: step %d is next, not step %d", last, last+1, o.step)
	default:
		return nil
	}

	return wrong
}

// change is what a step writes.
func (o caRotate) change(ctx context.Context, p process, r pki.Rotation, report *report) (change pki.Change, err error) {
	switch pki.Step(o.step) {
	case pki.Trust:
		change, err = o.begin(ctx, p, r, report)
	case pki.Sign:
		change, err = r.Sign()
	default:
		change, err = r.Settle()
	}

	if err != nil && exitCode(err) == exitFailed {
		err = fmt.Errorf("changing the CA of %s: %w", o.dir, err)
	}

	return change, err
}

// begin makes the CA to come.
func (o caRotate) begin(ctx context.Context, p process, r pki.Rotation, report *report) (pki.Change, error) {
	request, err := r.Request()
	if err != nil {
		return pki.Change{}, &requestError{err, filepath.Join(o.dir, pki.RequestFile)}
	}

	var rootKey crypto.Signer
	if r.Intermediate() {
		if rootKey, err = r.ReadRootKey(o.rootKey); err != nil {
			return pki.Change{}, &rootKeyError{err}
		}
	}

	next := r.Trust
	if r.Intermediate() && !o.root {
		if err := checkRoot(r, request, p.now(), report); err != nil {
			return pki.Change{}, err
		}
		next = r.Reissue
	}

	report.progress("making keys ...")

	return uninterrupted(ctx, func() (pki.Change, error) { return next(ctx, request, rootKey, p.now()) })
}

// checkRoot looks whether a CA under the root that stays would live as long as it is to.
func checkRoot(r pki.Rotation, request pki.Request, now time.Time, report *report) error {
	root := r.Present.Root()
	end := root.NotAfter.UTC().Format(time.DateOnly)
	switch left := root.NotAfter.Sub(now); {
	case left < time.Hour:
		return &rootEndsError{fmt.Sprintf("the root %q ends on %s, and every CA under it", root.Subject.CommonName, end)}
	case left < request.Expiry:
		report.warn(fmt.Sprintf("the CA will end on %s with its root %q: --root would have changed that too", end, root.Subject.CommonName))
	}

	return nil
}

// checkUse makes sure before the last step that the previous CA is not needed any more.
func (o caRotate) checkUse(ctx context.Context, p process, r pki.Rotation, report *report) error {
	if pki.Step(o.step) != pki.Settle {
		return nil
	}

	if o.unchecked {
		report.warn("nobody was asked whether certificates of the former CA are in use; pods that start from now on refuse them")
		return nil
	}

	c, err := loadConfig(ctx, p, o.options, report)
	if err != nil {
		return err
	}

	settings, err := registeredSettings(c, o.options)
	if err != nil {
		return err
	}
	if !settings.TLS {
		return settingError(c, "Injector.enableMeshTLS", errors.New("is not on, so nothing is known of certificates; --unchecked does without"))
	}

	snapshot, remote, closeRemote, err := survey(ctx, o.options, c, settings, report)
	if err != nil {
		return err
	}

	defer closeRemote()
	partial, err := surveyed{snapshot: snapshot, remote: remote}.partial(ctx, o.options)
	if err != nil {
		return err
	}
	if partial != nil {
		return fmt.Errorf("whether an API uses a certificate of the previous CA cannot be told: %w", partial)
	}

	return previousUnused(snapshot, r, o.dir)
}

// previousUnused makes sure that no API uses a certificate of a previous CA.
func previousUnused(snapshot *mesh.Snapshot, r pki.Rotation, dir string) error {
	if snapshot.CA() == nil || !ca.SameAuthority(snapshot.CA(), r.Present.Certificate) {
		return fmt.Errorf("the CA of the configuration (CA.certPath, else what CFSSL says) is not that of %s: whose certificates are in use cannot be told", dir)
	}

	var old []string
	for _, c := range mesh.NewCertificateList(snapshot) {
		if len(c.UsedBy) > 0 && c.SignedBy != mesh.SignedByCurrentCA && (c.Ours || ofFormer(r, c.Issuer)) {
			old = append(old, c.Name)
		}
	}

	if len(old) > 0 {
		return &inUseError{old}
	}

	return nil
}

// ofFormer reports whether a name is that of a CA that was.
func ofFormer(r pki.Rotation, issuer string) bool {
	return slices.ContainsFunc(r.Former, func(c *x509.Certificate) bool { return c.Subject.CommonName == issuer })
}
