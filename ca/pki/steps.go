package pki

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Commands are command lines of tykmesh with the flags of this run, to be typed next.
type Commands struct {
	Rotate, Check, Renew, Inject string
	Word                         func(path string) string // returns a path as one word of a shell

	Standalone *Standalone // nil for a mesh with a Dashboard
}

// steps collects the lines that tell the user what to do.
type steps struct {
	Commands
	dir   string // of the CA
	lines []string
}

func (s *steps) add(format string, args ...any) {
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

// in returns the path of a file of the CA, and path the same as a word of a shell.
func (s *steps) in(name string) string   { return filepath.Join(s.dir, filepath.FromSlash(name)) }
func (s *steps) path(name string) string { return s.Word(s.in(name)) }

// serve adds how to wait for CFSSL, and how to reach it.
func (s *steps) serve(namespace, comment string) {
	s.add("  kubectl -n %s rollout status deployment/%s", namespace, Deployment)
	s.add("  kubectl -n %s port-forward service/%s %d &     # from outside the cluster%s", namespace, Service, Port, comment)
}

// offline names the root's key, which only the next CA needs.
const offline = "move %s offline: only the next CA under this root needs it"

// NextSteps returns what to do with a new CA in a directory, line by line. printed says that the
// section CA is not in the configuration yet.
func (s Setup) NextSteps(dir string, printed bool, c Commands) []string {
	list := &steps{Commands: c, dir: dir}
	if s.holds(RootKeyFile) {
		list.add(offline, list.in(RootKeyFile))
	}

	if printed {
		list.add("next, when the printed section is in tykmesh.yaml:")
	} else {
		list.add("next:")
	}

	switch {
	case c.Standalone == nil || c.Standalone.Issuer == IssuedByCFSSL:
		list.add("  kubectl apply -f %s", list.path(Manifests))
		list.serve(s.options.Serving.Namespace, "; then")
		list.add("  export TYKMESH_CA_ADDR=http://localhost:%d", Port)
	case c.Standalone.Issuer == IssuedWithKey && c.Standalone.Secrets != "":
		list.add("  %s -f app.yaml | kubectl apply -f -", c.Standalone.Secrets)
	case c.Standalone.Issuer == IssuedWithKey:
		list.add("  kubectl apply -f %s", list.path(TrustFile))
	case c.Standalone.Issuer == IssuedByManager:
		list.add("  kubectl -n NAMESPACE create secret tls SECRET --cert=%s --key=%s     # for the issuer of cert-manager", list.path(ChainFile), list.path(KeyFile))
	}
	list.add("  %s", c.Check)

	return list.lines
}

// NextSteps returns how far the rotation is, what to do now, and the next step, line by line.
func (r Rotation) NextSteps(c Commands, now time.Time) []string {
	list := &rotationSteps{steps{Commands: c, dir: r.dir}, r, r.expired(now)}
	switch r.Taken {
	case StepNone:
		list.none()
	case StepTrust:
		list.trust()
	case StepSign:
		list.sign()
	case StepSettle:
		list.settle()
	}

	return list.lines
}

// rotationSteps collects the lines about a rotation.
type rotationSteps struct {
	steps
	r       Rotation
	expired bool
}

func (s *rotationSteps) none() {
	ca, signs := s.r.Current.Certificate, "signs until"
	if s.expired {
		signs = "signs, but expired on"
	}

	s.add("no rotation is under way: %q %s %s", ca.Subject.CommonName, signs, day(ca.NotAfter))
	if s.r.Intermediate() {
		root := s.r.Current.Root()
		s.add("its root %q is valid until %s, and stays unless you add --root", root.Subject.CommonName, day(root.NotAfter))
	}

	if exists(s.in(RequestFile)) {
		s.add("to begin one, with a new CA as %s describes it:", s.path(RequestFile))
	} else {
		s.add("to begin one, with a new CA like this one:")
	}

	s.take(StepTrust)
}

func (s *rotationSteps) trust() {
	current := s.r.Current.Root().Subject.CommonName
	s.add("step 1 of 3 is taken: pods are to trust %q beside %q", s.r.Next.Root().Subject.CommonName, current)
	s.copy(BundleFile)
	s.applyTrust()

	if s.expired {
		s.add("at once, because %q has expired and pods refuse its certificates:", s.r.Current.Certificate.Subject.CommonName)
		s.take(StepSign)
		return
	}

	s.roll()
	if s.r.cross == nil {
		s.add("wait for every pod: %q may not sign another CA, so a pod that does not trust the next one yet would refuse its certificates", current)
	}

	s.add("then:")
	s.take(StepSign)
}

func (s *rotationSteps) sign() {
	s.add("step 2 of 3 is taken: %s %q", s.signs(), s.r.Current.Certificate.Subject.CommonName)
	s.copy(s.signing()...)
	s.renew()
	s.inject()
	s.waitForFiles()
	s.wait()
	s.last()
}

func (s *rotationSteps) settle() {
	if s.r.reissued() {
		s.add("the only step is taken: %s %q; pods trust its root and need not be replaced", s.signs(), s.r.Current.Certificate.Subject.CommonName)
		s.copy(s.signing()...)
		s.renew()
		s.waitForFiles()
	} else {
		s.add("step 3 of 3 is taken: pods are to trust %q alone", s.r.Current.Root().Subject.CommonName)
		s.copy(s.settled()...)
		s.applyTrust()
		s.roll()
	}

	s.add("then delete the previous CA and its key:")
	s.add("  rm -r %s", s.path(PreviousDir))
}

// take adds the command that takes a step.
func (s *rotationSteps) take(next Step) { s.add("  %s --step %d", s.Rotate, next) }

// copy begins the work to do now with the files that have to be copied.
func (s *rotationSteps) copy(names ...string) {
	for i, name := range names {
		names[i] = s.path(name)
	}

	s.add("now:")
	if len(names) == 0 {
		return
	}

	s.add("  # copy %s to every other place where tykmesh runs", strings.Join(names, " and "))
}

// apply adds how to apply manifests. A manifest that does not hold the directory's files was edited
// or moved, and applying it would undo the step.
func (s *rotationSteps) apply(manifests ...string) {
	for _, m := range manifests {
		clauses := s.r.byHand(m)
		for _, text := range clauses {
			s.add("  # by hand, because %s does not do it: %s", s.path(m), text)
		}
		if len(clauses) == 0 {
			s.add("  kubectl apply -f %s", s.path(m))
		}
	}
}

// renew adds how the issuer gets another CA, which then issues every certificate anew.
func (s *rotationSteps) renew() {
	if s.Standalone != nil {
		s.renewSecrets()
	} else {
		s.serveCA()
		s.add("  %s     # the new CA issues every certificate", s.Renew)
	}

	if s.r.Intermediate() && exists(s.in(RootKeyFile)) {
		s.add("  # "+offline, s.path(RootKeyFile))
	}
}

// serveCA adds how CFSSL gets another CA.
func (s *rotationSteps) serveCA() {
	s.apply(KeysFile, ServerFile)
	s.serve(cmp.Or(s.r.namespace(), "NAMESPACE"), ": the last one has ended")
	s.add("  %s", s.Check)
}

// columns are those of kubectl get pods that show the CAs that a pod trusts.
const columns = `NAMESPACE:.metadata.namespace,POD:.metadata.name,` +
	`MESH:.metadata.annotations.injector\.tyk\.io/status,CAS:.metadata.annotations.injector\.tyk\.io/ca-bundle`

// roll adds how to replace pods, which read the CAs that they trust when they start, and how to see
// that no old pod is left.
func (s *rotationSteps) roll() {
	s.inject()
	s.wait()
}

func (s *rotationSteps) inject() {
	s.add("  %s -f ... | kubectl apply -f -     # every workload on the mesh: its pod template names the CAs of CA.bundlePath", s.reinject())
}

func (s *rotationSteps) wait() {
	s.add("wait until this prints no pod:")
	s.add("  kubectl get pods -A --field-selector status.phase=Running -o custom-columns='%s' | grep injected | grep -v %s", columns, s.r.Bundle.Hash())
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
