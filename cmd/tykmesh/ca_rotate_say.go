package main

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject/display"
)

// command returns a command line with the configuration of this run.
func (o *caRotate) command(program, command string) string {
	line := program + " " + command
	if o.config != "" {
		line += " --config " + shellWord(o.config)
	}
	return line
}

// again returns a command line of ca rotate for the same CA.
func (o *caRotate) again(program string) string {
	return o.command(program, "ca rotate --dir "+shellWord(o.dir))
}

// advice collects what ca rotate prints: the last step, what to do now, and what comes next.
type advice struct {
	strings.Builder
	o       *caRotate
	r       pki.Rotation
	program string
	expired bool
}

// say returns the output that says how far the rotation is, what to do now, and what comes next.
func (o *caRotate) say(p process, r pki.Rotation) report.Output {
	a := &advice{o: o, r: r, program: p.name, expired: r.Expired(p.now())}
	switch r.Taken {
	case pki.StepNone:
		a.none()
	case pki.StepTrust:
		a.trust()
	case pki.StepSign:
		a.sign()
	case pki.StepSettle:
		a.settle()
	}

	return func() error {
		_, err := io.WriteString(p.stdout, a.String())
		return err
	}
}

func (a *advice) none() {
	ca, signs := a.r.Current.Certificate, "signs until"
	if a.expired {
		signs = "signs, but expired on"
	}

	a.line("no rotation is under way: %q %s %s", ca.Subject.CommonName, signs, day(ca.NotAfter))
	if a.r.Intermediate() {
		root := a.r.Current.Root()
		a.line("its root %q is valid until %s, and stays unless you add --root", root.Subject.CommonName, day(root.NotAfter))
	}

	if files.Exists(filepath.Join(a.o.dir, pki.RequestFile)) {
		a.line("to begin one, with a new CA as %s describes it:", a.path(pki.RequestFile))
	} else {
		a.line("to begin one, with a new CA like this one:")
	}

	a.next(pki.StepTrust)
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func (a *advice) trust() {
	current := a.r.Current.Root().Subject.CommonName
	a.line("step 1 of 3 is taken: pods are to trust %q beside %q", a.r.Next.Root().Subject.CommonName, current)

	due := a.r.Due()
	due.Roll = !a.expired
	a.now(due)
	switch {
	case a.expired:
		a.line("at once, because %q has expired and pods refuse its certificates:", a.r.Current.Certificate.Subject.CommonName)
	case !a.r.CrossSigned():
		a.line("wait for every pod: %q may not sign another CA, so a pod that does not trust the next one yet would refuse its certificates", current)
		fallthrough
	default:
		a.line("then:")
	}

	a.next(pki.StepSign)
}

func (a *advice) sign() {
	a.line("step 2 of 3 is taken: CFSSL is to sign with %q", a.r.Current.Certificate.Subject.CommonName)
	a.now(a.r.Due())
	a.line("then take the last step, which asks the Dashboard whether certificates of the previous CA are in use:")
	a.next(pki.StepSettle)
}

func (a *advice) settle() {
	if a.r.Reissued() {
		a.line("the only step is taken: CFSSL is to sign with %q; pods trust its root and need not be replaced", a.r.Current.Certificate.Subject.CommonName)
	} else {
		a.line("step 3 of 3 is taken: pods are to trust %q alone", a.r.Current.Root().Subject.CommonName)
	}

	a.now(a.r.Due())
	a.line("then delete the previous CA and its key:")
	a.line("  rm -r %s", a.path(pki.PreviousDir))
}

func (a *advice) next(s pki.Step) {
	a.line("  %s --step %d", a.o.again(a.program), s)
}

func (a *advice) line(format string, args ...any) { fmt.Fprintf(display.Lines(a), format, args...) }

// path returns a file of the CA as a word of a shell.
func (a *advice) path(name string) string {
	return shellWord(filepath.Join(a.o.dir, filepath.FromSlash(name)))
}

// now prints the commands that have to follow a step.
func (a *advice) now(due pki.Due) {
	paths := make([]string, len(due.Copy))
	for i, name := range due.Copy {
		paths[i] = a.path(name)
	}

	a.line("now:")
	a.line("  # copy %s to every other place where tykmesh runs", strings.Join(paths, " and "))
	a.apply(due.Apply)
	if due.Renew {
		a.renew()
	}
	if due.Roll {
		a.roll()
	}
}

// apply prints how to apply manifests. A manifest that does not hold the directory's files was
// edited or moved, and applying it would undo the step.
func (a *advice) apply(manifests []string) {
	for _, m := range manifests {
		clauses := a.r.ByHand(m)
		for _, text := range clauses {
			a.line("  # by hand, because %s does not do it: %s", a.path(m), text)
		}
		if len(clauses) == 0 {
			a.line("  kubectl apply -f %s", a.path(m))
		}
	}
}

// renew prints how every certificate is issued anew, once CFSSL runs with another CA.
func (a *advice) renew() {
	namespace := cmp.Or(a.r.Namespace(), "NAMESPACE")
	a.line("  kubectl -n %s rollout status deployment/%s", namespace, pki.Deployment)
	a.line("  kubectl -n %s port-forward service/%s %d &     # from outside the cluster: the last one has ended", namespace, pki.Service, pki.Port)
	a.line("  %s", a.o.command(a.program, "check"))
	a.line("  %s     # the new CA issues every certificate", a.o.command(a.program, "certs renew"))
	if key := filepath.Join(a.o.dir, pki.RootKeyFile); a.r.Intermediate() && files.Exists(key) {
		a.line("  # move %s offline: only the next CA under this root needs it", shellWord(key))
	}
}

// columns are those of kubectl get pods that show the CAs that a pod trusts.
const columns = `NAMESPACE:.metadata.namespace,POD:.metadata.name,` +
	`MESH:.metadata.annotations.injector\.tyk\.io/status,CAS:.metadata.annotations.injector\.tyk\.io/ca-bundle`

// roll prints how to replace pods, which read the CAs that they trust when they start, and how to
// see that no old pod is left.
func (a *advice) roll() {
	a.line("  %s -f ... | kubectl apply -f -     # every workload on the mesh: its pod template names the CAs of CA.bundlePath", a.o.command(a.program, "inject"))
	a.line("wait until this prints no pod:")
	a.line("  kubectl get pods -A --field-selector status.phase=Running -o custom-columns='%s' | grep injected | grep -v %s", columns, a.r.Bundle.Hash())
}
