package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// localSigner and managerSigner are the keys that have no meaning beside CA.keyPath, and beside
// CA.issuerRef.
var (
	localSigner   = []string{CAAddr, CAKey, CAProfile, CATLSRemoteCA, CAMutualTLSCert, CAMutualTLSKey}
	managerSigner = []string{
		CAAddr, CAKey, CAProfile, CACertPath, CAKeyPath, CASecure, CASkipCACheck, CATLSRemoteCA, CAMutualTLSCert, CAMutualTLSKey, CADefaultNames, CADefaultKeyRequest,
	}
)

// dropAmbient drops the variables that have no meaning beside the file, with a warning. A shell or
// a pipeline sets variables for all its runs, whatever their file says; a key of the file is meant
// for this mesh, so it stays an error.
func (l *loader) dropAmbient() {
	because := make(map[string][]string)
	for _, name := range slices.Sorted(maps.Keys(l.settings)) {
		s := l.settings[name]
		reason := ""
		if s.variable != "" {
			reason = l.meaninglessBeside(name)
		}
		if reason == "" {
			continue
		}

		because[reason] = append(because[reason], s.variable)
		delete(l.settings, name)
		if own, ok := l.written[name]; ok {
			l.settings[name] = own
		}
	}

	for _, reason := range slices.Sorted(maps.Keys(because)) {
		verb := "has"
		if len(because[reason]) > 1 {
			verb = "have"
		}
		l.warnings = append(l.warnings, Finding{Msg: fmt.Sprintf("environment: %s: %s no effect, because %s", strings.Join(because[reason], ", "), verb, reason)})
	}
}

// meaninglessBeside returns why a variable for a key has no meaning, as a clause; "" if it has one.
func (l *loader) meaninglessBeside(name string) string {
	k, _, _ := findKey(name)
	mode := l.config.Injector.Mode
	switch {
	case k.of != "" && k.of != mode:
		return InjectorMode + " is " + mode
	case k.builtIn && !l.config.Standalone() && l.writes(InjectorContainers):
		return InjectorContainers + " replaces the built-in sidecar"
	}

	return l.uselessForCA(name)
}

// uselessForCA returns why a variable of the section CA has no meaning; "" if it has one.
func (l *loader) uselessForCA(name string) string {
	isLocal := slices.Contains(localSigner, name)
	plain := l.src.Name != "" && !l.isSet(CABundlePath) && !l.isSet(InjectorEnableMeshTLS)
	switch {
	case name == CAMongoConnStr && l.writes(CALedgerPath):
		return CALedgerPath + " records the certificates"
	case isLocal && l.writes(CAKeyPath):
		return CAKeyPath + " signs locally"
	case !l.config.Standalone():
		return ""
	case l.writes(CAIssuerRef) && slices.Contains(managerSigner, name):
		return CAIssuerRef + " lets cert-manager sign"
	case isLocal && plain:
		return "this mesh has no certificates: " + CABundlePath + " is not set"
	}

	return ""
}

// writes reports whether the file gives a key a value that is not empty.
func (l *loader) writes(name string) bool {
	s, ok := l.written[name]
	return ok && (len(s.value.Content) > 0 || s.value.Kind == manifest.Scalar && s.value.Value != "")
}
