package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

const (
	// envUseSSL turns TLS of a gateway's listener on (Tyk documentation, gateway environment
	// variables).
	envUseSSL = "TYK_GW_HTTPSERVEROPTIONS_USESSL"
)

// checkNeeds reports what is missing for what is switched on, and what does not go together.
func (l *loader) checkNeeds() {
	injector := &l.config.Injector
	l.checkSecrets()
	if injector.CreateRoutes && !l.src.Local {
		l.need("Tyk.url", l.config.Tyk.URL != "", "Injector.createRoutes")
		l.need("Tyk.secret", l.config.Tyk.Secret.IsSet(), "Injector.createRoutes")
		l.need("Tyk.org", l.config.Tyk.Org != "", "Injector.createRoutes")
		if l.config.Tyk.Org == placeholderOrg {
			l.fail(l.settings["Tyk.org"], "is what config init writes, and no organisation: it is in the Dashboard, in the profile of the user whose key Tyk.secret is")
		}
	}

	if injector.EnableMeshTLS && (!l.src.Local || injector.EmitCA) {
		l.readTrust()
	}

	if injector.EnableMeshTLS && !l.src.Local {
		l.checkCA()
	}

	l.checkMeshHosts()
	if injector.EnableMeshTLS && !injector.CreateRoutes && !l.failed["Injector.createRoutes"] {
		l.fail(l.settings["Injector.enableMeshTLS"],
			"needs Injector.createRoutes: certificates hang on the APIs that it creates")
	}

	l.checkEmitCA()
	l.checkSidecar()
}

// checkEmitCA reports that nobody says which CA is to be added to manifests.
func (l *loader) checkEmitCA() {
	injector := l.config.Injector
	switch {
	case !injector.EmitCA || !injector.EnableMeshTLS || l.config.CA.BundlePath != "":
	case l.src.Local:
		l.missing("CA.bundlePath", "is not set, and Injector.emitCA needs it", "with --local DIR it is DIR/ca/ca.pem, which a run without emitCA makes")
	default:
		l.need("CA.bundlePath", false, "Injector.emitCA")
	}
}

// checkSecrets reports the secrets that are not where they should be, if what needs them is
// switched on.
func (l *loader) checkSecrets() {
	for _, f := range l.unresolved {
		section, _, _ := strings.Cut(f.Key, ".")
		if section == "Tyk" && l.config.Injector.CreateRoutes || section == "CA" && l.config.Injector.EnableMeshTLS {
			l.failed[f.Key] = true
			l.errors = append(l.errors, f)
		}
	}
}

// checkMeshHosts reports hosts that no certificate can name: here, and not when the certificates of
// services are made already.
func (l *loader) checkMeshHosts() {
	injector := &l.config.Injector
	s, ok := l.settings["Injector.meshHosts"]
	if !ok || !injector.EnableMeshTLS || injector.MeshCertificateID != "" || l.failed[s.key] {
		return
	}

	if err := ca.CheckHosts(injector.MeshHosts); err != nil {
		l.fail(s, err.Error())
	}
}

// checkCA reports what is missing to have certificates signed, by CFSSL or by a key here.
func (l *loader) checkCA() {
	c := l.config.CA
	if c.KeyPath != "" {
		l.need("CA.certPath", c.CertPath != "", "CA.keyPath")
		l.excludes("CA.keyPath", "signs here", "CA.addr", "CA.key", "CA.profile", "CA.tlsRemoteCA", "CA.mutualTLSCert", "CA.mutualTLSKey")
		return
	}

	l.need("CA.addr", c.Addr != "", "Injector.enableMeshTLS")
	l.need("CA.key", c.Key.IsSet(), "Injector.enableMeshTLS")
	if c.MutualTLSCert != "" || c.MutualTLSKey != "" {
		l.need("CA.mutualTLSCert", c.MutualTLSCert != "", "CA.mutualTLSKey")
		l.need("CA.mutualTLSKey", c.MutualTLSKey != "", "CA.mutualTLSCert")
	}

	if !c.Secure && c.Addr != "" && !strings.Contains(c.Addr, "https://") {
		for _, key := range []string{"CA.tlsRemoteCA", "CA.mutualTLSCert"} {
			if s, ok := l.settings[key]; ok {
				l.fail(s, "is about TLS, and no address in CA.addr says https: CA.secure: true speaks TLS all the same")
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
		l.config.CA.Trust, err = ca.ParseTrust(text)
	}

	if err != nil {
		l.fail(l.settings["CA.bundlePath"], "what pods trust cannot be read: "+err.Error())
	}
}

// excludes reports keys that are set although another one, which is set too, leaves nothing for
// them to say.
func (l *loader) excludes(key, does string, others ...string) {
	for _, other := range others {
		if s, ok := l.settings[other]; ok {
			l.fail(s, fmt.Sprintf("has no say, because %s %s: one of them has to go", key, does))
		}
	}
}

// need reports a key that is not set although another, which is on, cannot do without.
func (l *loader) need(key string, isSet bool, because string) {
	if isSet {
		return
	}
	l.missing(key, "is not set, and "+because+" needs it", "set it in the file or as "+variableOf(key)+"; --local DIR works without servers")
}

// Hint is how to come by a configuration.
const Hint = "--config FILE names one, tykmesh config init > tykmesh.yaml writes one"

// missing reports a key that is not there: at its section, where it would go. It keeps quiet where
// an error explains why.
func (l *loader) missing(key, msg, hint string) {
	section, _, _ := strings.Cut(key, ".")
	if l.failed[key] || l.failed[section] {
		return
	}

	pos, ok := l.sections[section]
	if !ok {
		pos = manifest.Position{File: l.src.Name}
	}

	if s, ok := l.settings[key]; ok && s.variable == "" {
		pos = s.value.pos
	}

	if l.src.Name == "" {
		hint = "no configuration file was found; " + Hint
	}

	l.errors = append(l.errors, Finding{Pos: pos, Key: key, Msg: msg, Hint: hint})
}

// warn collects what is allowed but hardly meant.
func (l *loader) warn() {
	if l.config.Tyk.InsecureSkipVerify && !l.src.Local {
		l.warning(l.settings["Tyk.insecureSkipVerify"], "the Dashboard's TLS certificate is not verified")
	}

	if url := l.config.Tyk.URL; l.config.Injector.CreateRoutes && !l.src.Local && isOpen(url) {
		l.warning(l.settings["Tyk.url"], "is http:// to another machine: the key goes there unencrypted; use https://")
	}

	if mongo := l.config.CA.MongoConnStr; l.config.Injector.EnableMeshTLS && !l.src.Local && mongo.IsSet() && trustsAnyMongo(mongo.Reveal()) {
		l.warning(l.settings["CA.mongoConnStr"], "has tlsInsecure: MongoDB's TLS certificate is not verified")
	}

	if c := l.config.CA; c.SkipCACheck && !l.src.Local {
		what := "CFSSL's TLS certificate is not verified"
		if !c.Secure {
			what = "counts only with CA.secure: true: CFSSL's TLS certificate is verified"
		}
		l.warning(l.settings["CA.skipCACheck"], what)
	}

	if domain := l.config.Injector.MeshDomain; domain != "" && !slices.Contains(l.config.Injector.MeshHosts, domain) {
		l.warning(l.settings["Injector.meshDomain"], "is none of Injector.meshHosts, so the mesh certificate does not name it")
	}

	l.warnSidecar()
}

func (l *loader) warning(s setting, msg string) {
	l.warnings = append(l.warnings, s.finding(msg))
}

// warnSidecar looks at the container that gets the tags, the one that makes a pod part of the mesh.
//
//	enableMeshTLS | USESSL in the sidecar | warning
//	true          | true, or from elsewhere | -
//	true          | false or not set      | callers speak TLS, the sidecar does not
//	false         | true                  | the sidecar speaks TLS, callers do not
//	false         | false or not set      | -
func (l *loader) warnSidecar() {
	if len(l.config.Injector.Containers) == 0 {
		return // the built-in one is as it has to be
	}

	i := slices.IndexFunc(l.read, func(c container) bool {
		return c.Name == sidecar.Name && strings.HasPrefix(c.setting.key, "Injector.containers[")
	})
	if i < 0 {
		l.warning(l.settings["Injector.containers"], fmt.Sprintf("no container is named %s, so no sidecar gets the tags of its service", sidecar.Name))
		return
	}

	found, tls := l.read[i], l.config.Injector.EnableMeshTLS

	on := false
	for _, v := range found.Env {
		if v.Name != envUseSSL {
			continue
		}
		if v.ValueFrom != nil {
			return
		}
		on, _ = parseBool(v.Value)
	}

	switch {
	case tls && !on:
		l.warning(found.setting, envUseSSL+" is not true, but Injector.enableMeshTLS is: callers speak TLS, this sidecar does not")
	case !tls && on:
		l.warning(found.setting, envUseSSL+" is true, but Injector.enableMeshTLS is not: this sidecar speaks TLS, callers do not")
	}
}
