package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/ca/pki"
)

// command is how to call ca rotate for the same CA.
func (o caRotate) command(program string, args ...string) string {
	words := []string{program, "ca rotate --dir", shellWord(o.dir)}
	if o.config != "" {
		words = append(words, "--config", shellWord(o.config))
	}
	return strings.Join(append(words, args...), " ")
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
	case pki.None:
		a.none()
	case pki.Trust:
		a.trust()
	case pki.Sign:
		a.sign()
	case pki.Settle:
		a.settle()
	}
	return func() error {
		_, err := io.WriteString(p.stdout, a.String())
		return err
	}
}

func (a *advice) none() {
	ca, end := a.r.Present.Certificate, "until "
	if a.expired {
		end = "and has expired on "
	}
	a.line("no change of the CA is under way: %q signs, %s", ca.Subject.CommonName, end+day(ca.NotAfter))
	if a.r.Intermediate() {
		root := a.r.Present.Root()
		a.line("under the root %q, until %s, which stays unless --root is added", root.Subject.CommonName, day(root.NotAfter))
	}
	a.line("to begin one:")
	a.next(pki.Trust)
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func (a *advice) trust() {
	a.line("step 1 of 3 is taken: pods are to trust %q beside %q", a.r.Next.Root().Subject.CommonName, a.r.Present.Root().Subject.CommonName)
	a.now(pki.BundleFile)
	a.applyTrust()
	if a.expired {
		a.line("at once, because %q has expired and no pod accepts what it signed:", a.r.Present.Certificate.Subject.CommonName)
		a.next(pki.Sign)
		return
	}
	a.roll()
	a.replaced()
	if !a.r.CrossSigned() {
		a.line("none may be left: %q may not sign another CA, so they would refuse what comes next", a.r.Present.Root().Subject.CommonName)
	}
	a.line("then:")
	a.next(pki.Sign)
}

func (a *advice) sign() {
	a.line("step 2 of 3 is taken: CFSSL is to sign with %q", a.r.Present.Certificate.Subject.CommonName)
	a.now(pki.ChainFile)
	a.serve()
	a.roll()
	a.replaced()
	a.line("then, which asks the Dashboard whether certificates of the former CA are in use:")
	a.next(pki.Settle)
}

func (a *advice) settle() {
	if a.r.Reissued() {
		a.line("the change is done: CFSSL is to sign with %q; pods trust its root and need not be replaced", a.r.Present.Certificate.Subject.CommonName)
		a.now(pki.ChainFile)
		a.serve()
	} else {
		a.line("the change is done: pods are to trust %q alone", a.r.Present.Root().Subject.CommonName)
		a.now(pki.BundleFile, pki.ChainFile)
		a.applyTrust()
		a.roll()
		a.replaced()
	}
	a.line("then nobody needs the former CA and its key any more:")
	a.line("  rm -r %s", a.path(pki.FormerFolder))
}

func (a *advice) next(s pki.Step) {
	a.line("  %s", a.o.command(a.program, "--step", fmt.Sprint(int(s))))
}

func (a *advice) line(format string, args ...any) { fmt.Fprintf(a, format+"\n", args...) }

// path is a file of the CA as a word of a shell.
func (a *advice) path(name string) string {
	return shellWord(filepath.Join(a.o.dir, filepath.FromSlash(name)))
}

// now begins what is to be done, with the files that have changed.
func (a *advice) now(changed ...string) {
	a.line("now:")
	for i, name := range changed {
		changed[i] = a.path(name)
	}
	a.line("  # wherever else tykmesh runs: bring %s", strings.Join(changed, " and "))
}

func (a *advice) applyTrust() {
	a.byHand(pki.TrustFile)
	a.line("  kubectl apply -f %s", a.path(pki.TrustFile))
}

// byHand says what manifests would not do, because people have changed them or moved them elsewhere.
func (a *advice) byHand(manifests ...string) {
	for _, name := range manifests {
		for _, text := range a.r.ByHand[name] {
			a.line("  # %s is not as it was made: %s", a.path(name), text)
		}
	}
}

// serve is how CFSSL gets another CA.
func (a *advice) serve() {
	a.byHand(pki.SecretsFile, pki.ServerFile)
	namespace := a.r.Namespace()
	if namespace == "" {
		namespace = "NAMESPACE"
	}
	config := ""
	if a.o.config != "" {
		config = " --config " + shellWord(a.o.config)
	}
	a.line("  kubectl apply -f %s", a.path(pki.Manifests))
	a.line("  kubectl -n %s rollout status deployment/%s", namespace, pki.Deployment)
	a.line("  kubectl -n %s port-forward service/%s %d &     # from outside of the cluster: the former one has ended", namespace, pki.Service, pki.Port)
	a.line("  %s check%s", a.program, config)
	a.line("  %s certs renew%s     # every certificate, by the new CA", a.program, config)
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
	a.line("  %s inject -f ... | kubectl apply -f -     # all that is meshed: pod templates name the CAs of CA.bundlePath", a.program)
}

// columns are those of pods that show what they trust.
const columns = `NAMESPACE:.metadata.namespace,POD:.metadata.name,` +
	`MESH:.metadata.annotations.injector\.tyk\.io/status,CAS:.metadata.annotations.injector\.tyk\.io/ca-bundle`

// replaced is how to see that no pod runs that trusts what pods trusted before.
func (a *advice) replaced() {
	a.line("until this prints no pod any more:")
	a.line("  kubectl get pods -A -o custom-columns='%s' | grep injected | grep -v %s", columns, a.r.Bundle.Hash())
}
