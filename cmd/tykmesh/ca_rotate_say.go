package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/inject/display"
)

// command is how to call the program with the same configuration.
func (o caRotate) command(program, command string) string {
	line := program + " " + command
	if o.config != "" {
		line += " --config " + shellWord(o.config)
	}
	return line
}

// again is how to call ca rotate for the same CA.
func (o caRotate) again(program string) string {
	return o.command(program, "ca rotate --dir "+shellWord(o.dir))
}

// advice is what is said of a change: where it is, what to do now and what next.
type advice struct {
	strings.Builder
	o       caRotate
	r       pki.Rotation
	program string
	expired bool
}

// say prints where the change is, what to do now and what next.
func (o caRotate) say(p process, r pki.Rotation) output {
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
	ca, end := a.r.Current.Certificate, "until "
	if a.expired {
		end = "and has expired on "
	}

	a.line("no change of the CA is under way: %q signs, %s", ca.Subject.CommonName, end+day(ca.NotAfter))
	if a.r.Intermediate() {
		root := a.r.Current.Root()
		a.line("under the root %q, until %s, which stays unless --root is added", root.Subject.CommonName, day(root.NotAfter))
	}

	if isThere(filepath.Join(a.o.dir, pki.RequestFile)) {
		a.line("to begin one, with a new CA as %s says:", a.path(pki.RequestFile))
	} else {
		a.line("to begin one, with a new CA like it:")
	}

	a.next(pki.StepTrust)
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func (a *advice) trust() {
	a.line("step 1 of 3 is taken: pods are to trust %q beside %q", a.r.Next.Root().Subject.CommonName, a.r.Current.Root().Subject.CommonName)
	a.now(pki.BundleFile)
	a.apply(pki.TrustFile)
	if a.expired {
		a.line("at once, because %q has expired and no pod accepts what it signed:", a.r.Current.Certificate.Subject.CommonName)
		a.next(pki.StepSign)
		return
	}

	a.roll()
	a.replaced()
	if !a.r.CrossSigned() {
		a.line("none may be left: %q may not sign another CA, so they would refuse what comes next", a.r.Current.Root().Subject.CommonName)
	}

	a.line("then:")
	a.next(pki.StepSign)
}

func (a *advice) sign() {
	a.line("step 2 of 3 is taken: CFSSL is to sign with %q", a.r.Current.Certificate.Subject.CommonName)
	a.now(pki.ChainFile)
	a.serve()
	a.roll()
	a.replaced()
	a.line("then, which asks the Dashboard whether certificates of the former CA are in use:")
	a.next(pki.StepSettle)
}

func (a *advice) settle() {
	if a.r.Reissued() {
		a.line("the only step is taken: CFSSL is to sign with %q; pods trust its root and need not be replaced", a.r.Current.Certificate.Subject.CommonName)
		a.now(pki.ChainFile)
		a.serve()
	} else {
		a.line("step 3 of 3 is taken: pods are to trust %q alone", a.r.Current.Root().Subject.CommonName)
		a.now(pki.BundleFile, pki.ChainFile)
		a.apply(pki.TrustFile)
		a.roll()
		a.replaced()
	}

	a.line("then nobody needs the former CA and its key any more:")
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

// now begins what is to be done, with the files that have changed.
func (a *advice) now(changed ...string) {
	a.line("now:")
	for i, name := range changed {
		changed[i] = a.path(name)
	}
	a.line("  # bring %s to wherever else tykmesh runs", strings.Join(changed, " and "))
}

// apply applies manifests, each unless it does not have what changes, because people have changed
// it or moved it elsewhere: it would take back what they have done instead.
func (a *advice) apply(manifests ...string) {
	for _, m := range manifests {
		for _, text := range a.r.ByHand(m) {
			a.line("  # by hand, because %s does not do it: %s", a.path(m), text)
		}
		if len(a.r.ByHand(m)) == 0 {
			a.line("  kubectl apply -f %s", a.path(m))
		}
	}
}

// serve is how CFSSL gets another CA.
func (a *advice) serve() {
	namespace := cmp.Or(a.r.Namespace(), "NAMESPACE")
	a.apply(pki.KeysFile, pki.ServerFile)
	a.line("  kubectl -n %s rollout status deployment/%s", namespace, pki.Deployment)
	a.line("  kubectl -n %s port-forward service/%s %d &     # from outside of the cluster: the former one has ended", namespace, pki.Service, pki.Port)
	a.line("  %s", a.o.command(a.program, "check"))
	a.line("  %s     # every certificate, by the new CA", a.o.command(a.program, "certs renew"))
	if key := filepath.Join(a.o.dir, pki.RootKeyFile); a.r.Intermediate() && isThere(key) {
		a.line("  # move %s to where no machine reads it: it is needed again only for the next CA under this root", shellWord(key))
	}
}

func isThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// roll replaces pods, which read what they trust when they start.
func (a *advice) roll() {
	a.line("  %s -f ... | kubectl apply -f -     # all that is meshed: pod templates name the CAs of CA.bundlePath", a.o.command(a.program, "inject"))
}

// columns are those of pods that show what they trust.
const columns = `NAMESPACE:.metadata.namespace,POD:.metadata.name,` +
	`MESH:.metadata.annotations.injector\.tyk\.io/status,CAS:.metadata.annotations.injector\.tyk\.io/ca-bundle`

// replaced is how to see that no pod runs that trusts what pods trusted before.
func (a *advice) replaced() {
	a.line("until this prints no pod any more:")
	a.line("  kubectl get pods -A --field-selector status.phase=Running -o custom-columns='%s' | grep injected | grep -v %s", columns, a.r.Bundle.Hash())
}
