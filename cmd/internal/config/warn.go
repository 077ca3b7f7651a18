package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// envUseSSL turns TLS of a gateway's listener on (Tyk documentation, gateway environment
// variables).
const envUseSSL = "TYK_GW_HTTPSERVEROPTIONS_USESSL"

// warn collects warnings about settings that are allowed but probably not meant.
func (l *loader) warn() {
	if l.config.Tyk.InsecureSkipVerify && !l.src.Local {
		l.warning(l.settings[TykInsecureSkipVerify], "the Dashboard's TLS certificate is not verified")
	}

	if url := l.config.Tyk.URL; l.config.Injector.CreateRoutes && !l.src.Local && isOpen(url) {
		l.warning(l.settings[TykURL], "is http:// to another machine, so the API key is sent unencrypted; use https://")
	}

	if !l.src.Local {
		l.warnCA()
	}

	if domain := l.config.Injector.MeshDomain; domain != "" && !slices.Contains(l.config.Injector.MeshHosts, domain) {
		l.warning(l.settings[InjectorMeshDomain], "is not in "+InjectorMeshHosts+", so the mesh certificate does not name it")
	}

	l.warnSidecar()
}

// warnCA warns of servers of the CA that are not verified.
func (l *loader) warnCA() {
	c := l.config.CA
	if records := l.config.Injector.EnableMeshTLS || l.config.Standalone(); records && c.MongoConnStr.IsSet() && trustsAnyMongo(c.MongoConnStr.Reveal()) {
		l.warning(l.settings[CAMongoConnStr], "has tlsInsecure, so MongoDB's TLS certificate is not verified")
	}

	if c.SkipCACheck {
		msg := "CFSSL's TLS certificate is not verified"
		if !c.Secure {
			msg = "has no effect without " + CASecure + ": true; CFSSL's TLS certificate is verified"
		}
		l.warning(l.settings[CASkipCACheck], msg)
	}
}

func (l *loader) warning(s setting, msg string) {
	l.warnings = append(l.warnings, s.finding(msg))
}

// warnSidecar compares enableMeshTLS with the container that gets the tags, which makes a pod part
// of the mesh.
//
//	enableMeshTLS | USESSL in the sidecar   | warning
//	true          | true, or from elsewhere | -
//	true          | false or not set        | callers speak TLS, the sidecar does not
//	false         | true                    | the sidecar speaks TLS, callers do not
//	false         | false or not set        | -
func (l *loader) warnSidecar() {
	if len(l.config.Injector.Containers) == 0 {
		return // the built-in one follows enableMeshTLS
	}

	i := slices.IndexFunc(l.read, func(c container) bool {
		return c.Name == sidecar.Name && strings.HasPrefix(c.setting.key, InjectorContainers+"[")
	})
	if i < 0 {
		l.warning(l.settings[InjectorContainers], fmt.Sprintf("no container is named %s, so no sidecar gets the tags of its service", sidecar.Name))
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
		l.warning(found.setting, envUseSSL+" is not true, but "+InjectorEnableMeshTLS+" is: callers speak TLS, this sidecar does not")
	case !tls && on:
		l.warning(found.setting, envUseSSL+" is true, but "+InjectorEnableMeshTLS+" is not: this sidecar speaks TLS, callers do not")
	}
}
