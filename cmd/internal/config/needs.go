package config

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// checkNeeds reports keys that are missing, and keys that contradict each other.
func (l *loader) checkNeeds() {
	if l.wrong[InjectorMode] {
		return // everything else depends on it
	}
	if l.unconfigured() && !l.src.Local {
		if len(l.errors) == 0 { // else there is an attempt at one
			l.errors = append(l.errors, Finding{Msg: "there is no configuration", Hint: ways})
		}
		return
	}

	l.checkSecrets()
	if l.config.CA.LedgerPath != "" {
		l.excludes(CALedgerPath, "records the certificates", CAMongoConnStr)
	}

	l.checkMode()
	if l.config.Standalone() {
		l.checkStandalone()
		return
	}

	l.config.Injector.MutualTLS = false
	l.checkDashboardMode()
}

// checkDashboardMode reports keys that a mesh with a Dashboard needs.
func (l *loader) checkDashboardMode() {
	injector := &l.config.Injector
	if injector.CreateRoutes && !l.src.Local {
		l.need(InjectorCreateRoutes, TykURL, TykSecret, TykOrg)
		if l.config.Tyk.Org == placeholderOrg {
			l.fail(l.settings[TykOrg], "is the placeholder that config init writes; write the organisation id that the Dashboard shows in the profile of the user whose key is in "+TykSecret)
		}
	}

	if injector.EnableMeshTLS && (!l.src.Local || injector.EmitCA) {
		l.readTrust()
	}
	if injector.EnableMeshTLS && !l.src.Local {
		l.checkCA()
	}

	l.checkMeshHosts()
	if injector.EnableMeshTLS && !injector.CreateRoutes && !l.failed[InjectorCreateRoutes] {
		l.fail(l.settings[InjectorEnableMeshTLS], "needs "+InjectorCreateRoutes+", because certificates belong to the APIs that it creates")
	}

	l.checkEmitCA()
	l.checkSidecar()
}

// checkEmitCA reports that the CA to add to manifests is not known.
func (l *loader) checkEmitCA() {
	injector := l.config.Injector
	switch {
	case !injector.EmitCA || !injector.EnableMeshTLS || l.config.CA.BundlePath != "":
	case l.src.Local:
		l.missing(CABundlePath, missingFor(InjectorEmitCA), "with --local DIR it is DIR/ca/ca.pem, which a run without emitCA creates")
	default:
		l.need(InjectorEmitCA, CABundlePath)
	}
}

// checkSecrets reports the secrets that were not found, if the features that need them are on.
func (l *loader) checkSecrets() {
	for _, f := range l.unresolved {
		needed := l.config.Injector.EnableMeshTLS
		switch {
		case l.config.Standalone():
			needed = slices.Contains(l.src.Secrets, f.Key)
		case sectionOf(f.Key) == "Tyk":
			needed = l.config.Injector.CreateRoutes
		}

		if needed {
			l.failed[f.Key] = true
			l.errors = append(l.errors, f)
		}
	}
}

// checkMeshHosts reports hosts that no certificate can name, before the certificates of services
// are issued.
func (l *loader) checkMeshHosts() {
	injector := &l.config.Injector
	s, ok := l.settings[InjectorMeshHosts]
	inCertificates := injector.EnableMeshTLS || l.config.Certificates()
	if !ok || !inCertificates || injector.MeshCertificateID != "" || l.failed[s.key] {
		return
	}

	l.accepts(s, ca.CheckHosts(injector.MeshHosts))
}

// checkCA reports keys that are missing for signing, by CFSSL or with a key file.
func (l *loader) checkCA() {
	c := l.config.CA
	if c.KeyPath != "" {
		l.checkKeyFile()
		return
	}

	l.need(InjectorEnableMeshTLS, CAAddr, CAKey)
	l.checkCFSSL()
}

// checkKeyFile reports keys that are missing beside CA.keyPath, or useless.
func (l *loader) checkKeyFile() {
	l.need(CAKeyPath, CACertPath)
	l.excludes(CAKeyPath, "signs locally", localSigner...)
}

// checkCFSSL reports keys that are missing for TLS with CFSSL, or useless.
func (l *loader) checkCFSSL() {
	c := l.config.CA
	if c.MutualTLSKey != "" {
		l.need(CAMutualTLSKey, CAMutualTLSCert)
	}
	if c.MutualTLSCert != "" {
		l.need(CAMutualTLSCert, CAMutualTLSKey)
	}

	if !c.Secure && c.Addr != "" && !strings.Contains(c.Addr, "https://") {
		for _, key := range []string{CATLSRemoteCA, CAMutualTLSCert} {
			if s, ok := l.settings[key]; ok {
				l.fail(s, "is for TLS, but no address in "+CAAddr+" begins with https://; set "+CASecure+": true to use TLS")
			}
		}
	}
}

// readTrust reads the file of CA.bundlePath.
func (l *loader) readTrust() {
	path := l.config.CA.BundlePath
	if path == "" {
		return
	}
	text, err := l.src.ReadFile(path)
	if err == nil {
		l.config.CA.Trust, err = ca.ParseTrustBundle(text)
	}

	if err != nil {
		l.failMissing(CABundlePath, "the CAs that pods trust cannot be read", "tykmesh ca init", err)
	}
}

// failMissing reports a file that cannot be read. If it does not exist, the command makes it.
func (l *loader) failMissing(key, what, command string, err error) {
	msg := what + ": " + err.Error()
	if errors.Is(err, fs.ErrNotExist) {
		msg += "; make it with " + command + ", or correct the path"
	}
	l.fail(l.settings[key], msg)
}

// excludes reports keys that are set although another key, which is set too, makes them useless.
func (l *loader) excludes(key, does string, others ...string) {
	for _, other := range others {
		if s, ok := l.settings[other]; ok {
			l.fail(s, fmt.Sprintf("conflicts with %s, which %s; remove one of the two", key, does))
		}
	}
}

// need reports keys that are not set although another key, which is on, requires them.
func (l *loader) need(because string, required ...string) {
	for _, name := range required {
		if k, _, _ := findKey(name); k.show(&l.config) == nil {
			l.missing(name, missingFor(because), l.howToSet(name))
		}
	}
}

// howToSet returns the hint for a key that is missing.
func (l *loader) howToSet(name string) string {
	hint := "set it in the file or as " + variableOf(envPrefix, name)
	if l.config.Standalone() {
		return hint
	}
	return hint + "; or use --local DIR, which works without servers"
}

// missingFor returns the message about a key that another one requires.
func missingFor(because string) string { return "is not set, but " + because + " requires it" }

// Hint tells how to get a configuration.
const Hint = "name a file with --config FILE, or write one with: tykmesh config init > tykmesh.yaml"

// missing reports a key that is not there, with the place of the section where it would stand. It
// is silent if another error is the reason.
func (l *loader) missing(key, msg, hint string) {
	section := sectionOf(key)
	if l.failed[key] || l.failed[section] {
		return
	}

	pos, ok := l.sections[section]
	if !ok {
		pos = manifest.Position{File: l.src.Name}
	}
	if s, ok := l.settings[key]; ok && s.variable == "" {
		pos = s.pos
	}

	if l.src.Name == "" {
		hint = "no configuration file was found; " + Hint + "; for a mesh without a Dashboard add --mode standalone"
	}
	l.errors = append(l.errors, Finding{Pos: pos, Key: key, Msg: msg, Hint: hint})
}
