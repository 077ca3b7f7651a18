package config

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// Certificates reports whether each service of a mesh without a Dashboard has a certificate.
func (c Config) Certificates() bool { return c.Standalone() && c.CA.BundlePath != "" }

// readMode reads the mode before all other keys, because defaults depend on it: in standalone mode
// they are the values that config init writes for a mesh with a Dashboard.
func (l *loader) readMode() {
	mode, _, _ := findKey(InjectorMode)
	s, isSet := l.settings[InjectorMode]
	if !isSet {
		return
	}

	errors, failed := len(l.errors), l.failed[InjectorMode]
	mode.read(l, s, &l.config)
	l.errors, l.failed[InjectorMode] = l.errors[:errors], failed // they are reported when all keys are read
	if !l.config.Standalone() {
		return
	}

	for _, k := range keys {
		if k.modal {
			text := &manifest.Node{Tag: tagString, Value: k.begin}
			k.read(l, setting{key: k.name, variable: variableOf(envPrefix, k.name), value: text}, &l.config)
		}
	}
}

// checkMode reports keys that have no meaning in the mode of the mesh.
func (l *loader) checkMode() {
	for _, k := range keys {
		s, isSet := l.settings[k.name]
		if !isSet || k.of == "" || k.of == l.config.Injector.Mode || l.failed[k.name] {
			continue
		}

		if k.of == ModeStandalone {
			l.fail(s, "needs "+InjectorMode+": "+ModeStandalone+"; set that, or delete this key")
		} else {
			l.fail(s, "has no meaning with "+InjectorMode+": "+ModeStandalone+", "+k.meaningless()+"; delete it")
		}
	}
}

// meaningless returns why a key of mode dashboard has no meaning in the other mode, as a clause.
func (k key) meaningless() string {
	switch {
	case k.name == InjectorContainers || k.name == InjectorInitContainers:
		return "in which all pods get the built-in sidecar"
	case slices.Contains([]string{SidecarRedis, SidecarRedisCluster, SidecarRedisTLS, SidecarRedisUsername, SidecarRedisDatabase}, k.name):
		return "in which sidecars need no Redis"
	case k.name == InjectorEmitCA:
		return "in which the ConfigMap of each workload holds the CAs"
	}

	return "in which there is no Dashboard"
}

// checkStandalone reports keys that are missing for a mesh without a Dashboard, and keys that
// contradict each other.
func (l *loader) checkStandalone() {
	injector := &l.config.Injector
	if l.src.Local {
		l.fail(l.settings[InjectorMode], "a mesh without a Dashboard has nothing to keep in a directory; leave out --local")
		return
	}

	l.checkIdentities()
	l.checkMeshHosts()
	l.checkTokens()
	if s, isSet := l.settings[InjectorMutualTLS]; isSet && injector.MutualTLS && !injector.EnableMeshTLS && !l.failed[InjectorEnableMeshTLS] {
		l.fail(s, "needs "+InjectorEnableMeshTLS+": true; set that, or delete this key")
	}

	injector.MutualTLS = injector.MutualTLS && injector.EnableMeshTLS
	if n := len(l.config.Sidecar.Methods); n > standalone.MaxMethods {
		l.fail(l.settings[SidecarMethods], fmt.Sprintf("has %d methods, and definitions with more than %d would be too large; delete some", n, standalone.MaxMethods))
	}

	l.checkSidecar()
}

// checkIdentities reports keys that are missing for certificates, and issuers that exclude each
// other. It requires no issuer, because users may make the Secrets of services themselves.
//
//	issuerRef    | cert-manager signs
//	keyPath      | tykmesh certs secrets signs
//	addr and key | CFSSL signs for tykmesh certs secrets
//	none         | the user makes the Secrets
func (l *loader) checkIdentities() {
	c := &l.config.CA
	l.readTrust()
	switch {
	case l.isSet(CAIssuerRef):
		l.excludes(CAIssuerRef, "lets cert-manager sign", managerSigner...)
	case c.KeyPath != "":
		l.checkKeyFile()
	case l.isSet(CAAddr) && slices.Contains(l.src.Secrets, CAKey):
		l.need(CAAddr, CAKey)
	case l.isSet(CAKey):
		l.need(CAKey, CAAddr)
	}

	if c.KeyPath == "" && !l.isSet(CAIssuerRef) {
		l.checkCFSSL()
	}

	for _, key := range []string{InjectorEnableMeshTLS, CAIssuerRef, CAKeyPath, CAAddr} {
		if l.isSet(key) && (key != InjectorEnableMeshTLS || l.config.Injector.EnableMeshTLS) {
			l.need(key, CABundlePath)
			return
		}
	}
}

// isSet reports whether a key has a value in the file or in the environment.
func (l *loader) isSet(key string) bool {
	_, isSet := l.settings[key]
	return isSet
}

// checkTokens reports keys that are missing for tokens, and reads the public key.
func (l *loader) checkTokens() {
	c, injector := &l.config.CA, l.config.Injector
	if c.TokenKeyPath != "" {
		l.need(CATokenKeyPath, CATokenPath)
	}
	if c.TokenPath == "" {
		return
	}

	if !injector.EnableMeshTLS || !injector.MutualTLS {
		l.fail(l.settings[CATokenPath], "tokens are safe only between sidecars that know each other; set "+InjectorEnableMeshTLS+" and "+InjectorMutualTLS+" to true")
	}

	if err := sidecar.CheckTokens(cmp.Or(l.config.Sidecar.Image, sidecar.DefaultImage)); err != nil {
		l.failAt(err, SidecarImage)
	}

	text, err := l.src.ReadFile(c.TokenPath)
	if err == nil {
		c.TokenKey, err = string(text), standalone.CheckTokenKey(string(text))
	}
	if err != nil {
		l.failMissing(CATokenPath, "the public key of tokens cannot be read", "tykmesh ca token", err)
	}
}
