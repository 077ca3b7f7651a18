package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/cmd/internal/exit"
	"github.com/tykmesh/tykmesh/cmd/internal/explain"
	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/cmd/internal/plan"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject/display"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// caRotate are the flags of ca rotate.
type caRotate struct {
	serverFlags
	reportFlags
	liveFlags
	dir, rootKey string
	step         int
	root         bool
	unchecked    bool

	given func(flag string) bool
	mesh  *pki.Standalone // nil for a mesh with a Dashboard
}

func newCARotateCmd(p process) *cobra.Command {
	o := &caRotate{}
	c := newCommand(p, &cobra.Command{
		Use:   "rotate",
		Short: "Replace the CA step by step, without an outage",
		Long:  pki.RotateHelp,
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
	f.BoolVar(&o.unchecked, "unchecked", false, "take step 3 without asking which certificates are in use")
	o.liveFlags.add(c)
	o.serverFlags.add(c)
	o.reportFlags.add(c)

	return c.Command
}

// run takes the requested step, if it is next, and prints the work that follows.
func (o *caRotate) run(ctx context.Context, p process, r *report.Run) (report.Output, error) {
	if o.dir == "" {
		return nil, &usageError{msg: "--dir is empty: name the directory of the CA", command: p.name + " ca rotate"}
	}
	if err := o.checkAuthority(r); err != nil {
		return nil, err
	}
	if err := o.readMode(p, r); err != nil {
		return nil, err
	}

	rotation, err := o.read(p)
	if err != nil {
		return nil, err
	}
	if err := o.conflict(rotation); err != nil {
		return nil, &usageError{msg: err.Error(), command: p.name + " ca rotate"}
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

	return func() error { return o.take(p, change) }, nil
}

// take writes the change of a step, and prints what to do now.
func (o *caRotate) take(p process, change pki.Change) error {
	if err := change.Write(o.dir); err != nil {
		return fmt.Errorf("rotating the CA of %s: %w", o.dir, err)
	}
	after, err := o.read(p)
	if err == nil {
		err = o.say(p, after)()
	}

	if err != nil {
		return advise(err, "the step is taken; "+o.again(p.name)+" prints what to do now")
	}

	return nil
}

// read reads the state of the rotation.
func (o *caRotate) read(p process) (pki.Rotation, error) {
	r, err := pki.ReadRotation(o.dir, p.now())
	switch {
	case err == nil:
		return r, nil
	case errors.Is(err, fs.ErrNotExist):
		return r, advise(fmt.Errorf("reading the CA of %s: %w", o.dir, err), o.noCAHint())
	}

	return r, fmt.Errorf("reading the CA of %s: %w", o.dir, err)
}

// noCAHint returns how to make a directory with a CA that can be rotated.
func (o *caRotate) noCAHint() string {
	switch dir := shellWord(o.dir); {
	case !files.Exists(filepath.Join(o.dir, pki.CertFile)):
		return fmt.Sprintf("--dir must name the directory that ca init made; tykmesh ca init --dir %s makes a CA there", dir)
	case !files.Exists(filepath.Join(o.dir, pki.BundleFile)):
		return fmt.Sprintf("tykmesh ca init --from %s --dir ANOTHER makes a directory in which that CA can be rotated", dir)
	}
	return ""
}

// again returns the command line that prints the state of the same CA.
func (o *caRotate) again(program string) string { return o.commands(program, o.dir).Rotate }

// say returns the output that says how far the rotation is, what to do now, and what comes next.
func (o *caRotate) say(p process, r pki.Rotation) report.Output {
	return func() error {
		var text bytes.Buffer
		commands := o.commands(p.name, o.dir)
		commands.Standalone = o.mesh
		for _, line := range r.NextSteps(commands, p.now()) {
			fmt.Fprintln(display.Lines(&text), line)
		}

		_, err := text.WriteTo(p.stdout)
		return err
	}
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

	return o.liveConflict()
}

// liveConflict refuses live objects that have no effect here.
func (o *caRotate) liveConflict() error {
	given := o.liveFlags.given()
	switch {
	case (given || o.recursive) && pki.Step(o.step) != pki.StepSettle:
		return errors.New("--filename names live objects, which step 3 alone reads: add --step 3")
	case given && o.unchecked:
		return errors.New("--filename and --unchecked exclude each other: live objects show which certificates are in use")
	case given && o.mesh == nil:
		return errors.New("--filename has an effect with Injector.mode: standalone alone; without it, step 3 asks the Dashboard")
	}

	return nil
}

// checkNext refuses a step that is not next.
func (o *caRotate) checkNext(p process, r pki.Rotation) error {
	var err error
	switch last := r.LastStep(); {
	case r.Taken == pki.StepSettle:
		err = fmt.Errorf("the last rotation left the previous CA in %s: delete that directory, then step 1 is next", filepath.Join(o.dir, pki.PreviousDir))
	case last == 0 && o.step != 1:
		err = fmt.Errorf("no rotation is under way: step 1 is next, not step %d", o.step)
	case o.step != last+1:
		err = fmt.Errorf("step %d was taken last: step %d is next, not step %d", last, last+1, o.step)
	default:
		return nil
	}

	return &advisedError{err, o.again(p.name) + " prints what to do now", exit.Usage}
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
		err = o.refuseEdits(err, r)
	case err != nil && exit.Of(err) == exit.Failed:
		err = fmt.Errorf("rotating the CA of %s: %w", o.dir, err)
	}

	return change, err
}

// begin makes the next CA.
func (o *caRotate) begin(ctx context.Context, p process, rotation pki.Rotation, r *report.Run) (pki.Change, error) {
	request, err := rotation.Request()
	if err != nil {
		return pki.Change{}, &advisedError{err, fmt.Sprintf("edit %s: %s", filepath.Join(o.dir, pki.RequestFile), pki.RequestHelp), exit.Usage}
	}

	rootKey, err := rotation.ReadRootKey(o.rootKey)
	if err != nil {
		err = fmt.Errorf("the root must sign the next CA: %w", err)
		return pki.Change{}, advise(err, "provide the root's private key for this step alone, with --root-key FILE")
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
		err := fmt.Errorf("the root %q expires on %s, and every CA under it", root.Subject.CommonName, end)
		return advise(err, "--root replaces the root too")
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

	switch {
	case o.unchecked && o.mesh != nil:
		r.Warn("step 3 did not look for certificates of the previous CA in the Secrets of the mesh; pods that start from now on refuse them")
		return nil
	case o.unchecked:
		r.Warn("the Dashboard was not asked whether certificates of the previous CA are in use; pods that start from now on refuse them")
		return nil
	case o.mesh != nil:
		return o.checkLive(ctx, p, rotation, r)
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

	return previousUnused(there.snapshot, rotation)
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
func previousUnused(snapshot *plan.Snapshot, r pki.Rotation) error {
	if err := r.CheckCurrent(snapshot.CA()); err != nil {
		return err
	}

	var old []string
	for _, c := range plan.NewCertificateList(snapshot) {
		if len(c.UsedBy) > 0 && c.SignedBy != plan.SignedByCurrentCA && (c.Ours || r.SignedByPrevious(c.Issuer)) {
			old = append(old, c.Name)
		}
	}

	if len(old) > 0 {
		err := fmt.Errorf("%s of the previous CA in use: %s", report.Plural(len(old), "certificate"), strings.Join(old, ", "))
		return advise(err, "tykmesh certs renew replaces them")
	}

	return nil
}

// refuseEdits prints the difference between the manifests that an error names and those that
// tykmesh would write, and returns the error with the ways to keep an edit.
func (o *caRotate) refuseEdits(err error, r *report.Run) error {
	for _, f := range explain.Faults(err) {
		var e *pki.EditedError
		if !errors.As(f.Err, &e) {
			continue
		}
		whole := manifest.Patch{{From: 0, To: len(e.Was), Text: string(e.Now)}}
		for line := range strings.Lines(string(manifest.Diff(e.Path, e.Was, whole.Least(e.Was)))) {
			r.PrintError(strings.TrimSuffix(line, "\n"))
		}
	}

	hint := fmt.Sprintf("put the edit into a kustomize patch over %s, undo it in the manifest as the diff shows, and run the step again; "+
		"or move the manifest out of that directory: then rotate leaves it to you and says what to change in it", shellWord(filepath.Join(o.dir, pki.Manifests)))

	return advise(err, hint)
}
