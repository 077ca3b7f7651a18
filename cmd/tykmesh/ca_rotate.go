package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/cmd/internal/exit"
	"github.com/tykmesh/tykmesh/cmd/internal/explain"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
)

// caRotate are the flags of ca rotate.
type caRotate struct {
	serverFlags
	reportFlags
	dir, rootKey string
	step         int
	root         bool
	unchecked    bool

	given func(flag string) bool
}

func newCARotateCmd(p process) *cobra.Command {
	o := &caRotate{}
	c := newCommand(p, &cobra.Command{
		Use:   "rotate",
		Short: "Replace the CA step by step, while every pod keeps accepting every certificate in use",
		Long: "rotate prints how far a rotation of the CA is, what to apply and wait for now, and which step is next. With --step it takes\n" +
			"that step, which changes files in the CA's directory and nothing else.\n\n" +
			"  step 1  makes a new CA, which pods are to trust beside the old one\n" +
			"  step 2  makes CFSSL sign with the new CA. The old CA has signed it too, so pods that trust only the old CA accept it\n" +
			"  step 3  makes pods trust the new CA alone. First it asks the Dashboard whether certificates of the old CA are in use\n\n" +
			"A CA under a root (ca init --intermediate) is replaced in one step, because pods trust the root. --root replaces the root too.\n\n" +
			"The new CA is like the old one, with new keys and with what csr_ca.json in the directory says: edit it to change the kind of key,\n" +
			"the lifetime or the subject. The common name stays. Steps are idempotent; the next run completes an interrupted step.\n\n" +
			"Each step writes the manifests in k8s anew. Edits of the image and the namespaces are kept. A manifest with other edits is\n" +
			"refused with a diff: put such edits into a kustomize patch.",
		Example: "  tykmesh ca rotate                  # how far the rotation is, and what to do now\n" +
			"  tykmesh ca rotate --step 1",
		Args: noArgs,
	}, o.run)

	f := c.Flags()
	o.given = f.Changed
	f.StringVar(&o.dir, "dir", "ca-quickstart", "directory `DIR` that ca init made")
	f.IntVar(&o.step, "step", 0, "take step `STEP`, 1 to 3, which must be the next one")
	f.BoolVar(&o.root, "root", false, "replace the root too, if the CA is under one")
	f.StringVar(&o.rootKey, "root-key", "", "read the root's private key from `FILE` (default: root-key.pem in DIR)")
	f.BoolVar(&o.unchecked, "unchecked", false, "take step 3 without asking the Dashboard which certificates are in use")
	o.serverFlags.add(c)
	o.reportFlags.add(c)

	return c.Command
}

// run takes the requested step, if it is next, and prints the work that follows.
func (o *caRotate) run(ctx context.Context, p process, r *report.Run) (report.Output, error) {
	if o.dir == "" {
		return nil, &usageError{"--dir is empty: name the directory of the CA", p.name + " ca rotate"}
	}
	if err := o.checkAuthority(r); err != nil {
		return nil, err
	}

	rotation, err := o.read(p)
	if err != nil {
		return nil, err
	}
	if err := o.conflict(rotation); err != nil {
		return nil, &usageError{err.Error(), p.name + " ca rotate"}
	}
	if again := o.step == rotation.LastStep() && (rotation.Taken != pki.StepSettle || !o.root); o.step == 0 || again {
		return o.say(p, rotation), nil
	}
	if err := o.checkNext(p, rotation); err != nil {
		return nil, err
	}
	if err := o.checkUse(ctx, p, rotation, r); err != nil {
		return nil, err
	}

	change, err := o.change(ctx, p, rotation, r)
	if err != nil {
		return nil, err
	}

	return func() error {
		if err := change.Write(o.dir); err != nil {
			return fmt.Errorf("rotating the CA of %s: %w", o.dir, err)
		}
		after, err := o.read(p)
		if err == nil {
			err = o.say(p, after)()
		}

		if err != nil {
			return &unprintedNextSteps{err, o.again(p.name)}
		}

		return nil
	}, nil
}

// read reads the state of the rotation.
func (o *caRotate) read(p process) (pki.Rotation, error) {
	r, err := pki.ReadRotation(o.dir, p.now())
	switch {
	case err == nil:
		return r, nil
	case errors.Is(err, fs.ErrNotExist):
		return r, &noCAError{o.dir, err}
	}

	return r, fmt.Errorf("reading the CA of %s: %w", o.dir, err)
}

// conflict refuses flags that have no effect here.
func (o *caRotate) conflict(r pki.Rotation) error {
	begins := pki.Step(o.step) == pki.StepTrust
	switch {
	case o.given("step") && (o.step < int(pki.StepTrust) || o.step > int(pki.StepSettle)):
		return fmt.Errorf("--step is 1, 2 or 3, not %d", o.step)
	case (o.root || o.rootKey != "") && !r.Intermediate():
		return fmt.Errorf("the CA of %s is its own root: remove --root and --root-key", o.dir)
	case (o.root || o.rootKey != "") && !begins:
		return errors.New("--root and --root-key have an effect in step 1 alone: add --step 1")
	case o.unchecked && pki.Step(o.step) != pki.StepSettle:
		return errors.New("--unchecked has an effect in step 3 alone: add --step 3")
	}

	return nil
}

// checkNext refuses a step that is not next.
func (o *caRotate) checkNext(p process, r pki.Rotation) error {
	previous := filepath.Join(o.dir, pki.PreviousDir)
	wrong := &stepError{hint: o.again(p.name) + " prints what to do now"}
	switch last := r.LastStep(); {
	case r.Taken == pki.StepSettle:
		wrong.msg = fmt.Sprintf("the last rotation left the previous CA in %s: delete that directory, then step 1 is next", previous)
	case last == 0 && o.step != 1:
		wrong.msg = fmt.Sprintf("no rotation is under way: step 1 is next, not step %d", o.step)
	case o.step != last+1:
		wrong.msg = fmt.Sprintf("step %d was taken last: step %d is next, not step %d", last, last+1, o.step)
	default:
		return nil
	}

	return wrong
}

// change returns the change that a step makes.
func (o *caRotate) change(ctx context.Context, p process, rotation pki.Rotation, r *report.Run) (change pki.Change, err error) {
	switch pki.Step(o.step) {
	case pki.StepTrust:
		change, err = o.begin(ctx, p, rotation, r)
	case pki.StepSign:
		change, err = rotation.Sign()
	default:
		change, err = rotation.Settle()
	}

	switch {
	case errors.As(err, new(*pki.EditedError)):
		err = refuseEdits(o.dir, err, r)
	case err != nil && exit.Of(err) == exit.Failed:
		err = fmt.Errorf("rotating the CA of %s: %w", o.dir, err)
	}

	return change, err
}

// begin makes the next CA.
func (o *caRotate) begin(ctx context.Context, p process, rotation pki.Rotation, r *report.Run) (pki.Change, error) {
	request, err := rotation.Request()
	if err != nil {
		return pki.Change{}, &requestError{err, filepath.Join(o.dir, pki.RequestFile)}
	}

	var rootKey crypto.Signer
	if rotation.Intermediate() {
		if rootKey, err = rotation.ReadRootKey(o.rootKey); err != nil {
			return pki.Change{}, &rootKeyError{err}
		}
	}

	next := rotation.Trust
	if rotation.Intermediate() && !o.root {
		if err := checkRoot(rotation, request, p.now(), r); err != nil {
			return pki.Change{}, err
		}
		next = rotation.Reissue
	}

	r.Progress("making keys ...")

	return next(ctx, request, rootKey, p.now())
}

// checkRoot refuses a root that is about to expire, and warns if the new CA would expire early with
// it.
func checkRoot(rotation pki.Rotation, request pki.Request, now time.Time, r *report.Run) error {
	root := rotation.Current.Root()
	end := root.NotAfter.UTC().Format(time.DateOnly)
	switch left := root.NotAfter.Sub(now); {
	case left < time.Hour:
		return &rootEndsError{fmt.Sprintf("the root %q expires on %s, and every CA under it", root.Subject.CommonName, end)}
	case left < request.Expiry:
		r.Warn("the CA will expire on %s with its root %q; --root replaces the root too", end, root.Subject.CommonName)
	}

	return nil
}

// checkUse makes sure before the last step that no certificate of the previous CA is in use.
func (o *caRotate) checkUse(ctx context.Context, p process, rotation pki.Rotation, r *report.Run) error {
	if pki.Step(o.step) != pki.StepSettle {
		return nil
	}

	if o.unchecked {
		r.Warn("the Dashboard was not asked whether certificates of the previous CA are in use; pods that start from now on refuse them")
		return nil
	}

	c, err := loadConfig(p, o.configFlags, r)
	if err != nil {
		return err
	}

	settings, err := registeredSettings(c, o.serverFlags)
	if err != nil {
		return err
	}
	if !settings.TLS {
		return explain.Setting(c, "Injector.enableMeshTLS", errors.New("must be true: without it tykmesh knows no certificates; --unchecked skips this check"))
	}

	there, err := survey(ctx, o.serverFlags, c, settings, r)
	if err != nil {
		return err
	}

	defer there.close()
	partial, err := there.partial(ctx, o.timeout, r)
	if err != nil {
		return err
	}
	if partial != nil {
		return fmt.Errorf("cannot tell whether an API uses a certificate of the previous CA: %w", partial)
	}

	return previousUnused(there.snapshot, rotation, o.dir)
}

// checkAuthority refuses targets in the directory of the CA, and the root's key.
func (o *caRotate) checkAuthority(r *report.Run) error {
	if len(r.Targets) == 0 {
		return nil
	}

	var read []string
	if o.rootKey != "" {
		read = append(read, o.rootKey)
	}

	_ = filepath.WalkDir(o.dir, func(path string, _ fs.DirEntry, _ error) error { // reading reports errors
		read = append(read, path)
		return nil
	})

	return r.Targets.CheckApart("a file of the CA in "+o.dir, read...)
}

// previousUnused refuses to go on while an API uses a certificate of a previous CA.
func previousUnused(snapshot *mesh.Snapshot, r pki.Rotation, dir string) error {
	if snapshot.CA() == nil || !ca.SameAuthority(snapshot.CA(), r.Current.Certificate) {
		return fmt.Errorf("the CA of the configuration (CA.certPath, or else CFSSL's) is not the CA of %s, so tykmesh cannot tell which certificates are in use: let CA.certPath name chain.pem of that directory", dir)
	}

	var old []string
	for _, c := range mesh.NewCertificateList(snapshot) {
		if len(c.UsedBy) > 0 && c.SignedBy != mesh.SignedByCurrentCA && (c.Ours || r.SignedByPrevious(c.Issuer)) {
			old = append(old, c.Name)
		}
	}

	if len(old) > 0 {
		return &inUseError{old}
	}

	return nil
}
