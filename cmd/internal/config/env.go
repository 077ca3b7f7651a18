package config

import (
	"regexp"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/spelling"
)

// The prefixes of environment variables that configure: ours, and that of tyk-k8s. Ours wins.
const (
	envPrefix    = "TYKMESH_"
	envOldPrefix = "TK8S_"
)

// envConfig names the configuration file.
const envConfig = "TYKMESH_CONFIG"

// kubernetesVariable matches what Kubernetes tells every pod of a Service called tykmesh or
// tykmesh-ca (Kubernetes documentation, "Service", environment variables). Nobody set it, so it is
// no mistake.
var kubernetesVariable = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT|PORT)(_|$)`)

// readEnviron replaces settings by those of the environment. An empty variable counts as not set:
// that is what a pipeline makes of a secret that it does not have.
func (l *loader) readEnviron() {
	known := []string{strings.TrimPrefix(envConfig, envPrefix)}
	for _, section := range schema {
		for _, key := range section.keys {
			name := strings.ToUpper(section.name + "_" + key.name)
			known = append(known, name)
			for _, variable := range []string{envPrefix + name, envOldPrefix + name} {
				if l.override(dotted(section.name, key.name), key, variable) {
					break
				}
			}
		}
	}

	for _, pair := range l.src.Environ {
		variable, _, _ := strings.Cut(pair, "=")
		if name, ours := strings.CutPrefix(variable, envPrefix); ours && !slices.Contains(known, name) {
			l.unknownVariable(name, known)
		}
	}
}

// override takes a setting from an environment variable, and tells whether it is set.
func (l *loader) override(full string, key key, variable string) bool {
	value := lookupEnv(l.src.Environ, variable)
	if value == "" {
		return false
	}

	s := setting{key: full, variable: variable, text: value}
	if key.fileOnly {
		l.fail(s, "can be set in the configuration file only")
		delete(l.settings, full)
		return true
	}

	l.settings[full] = s

	return true
}

// unknownVariable reports a variable that was meant to configure something: one of a section, or
// one that is spelt almost like a known one. name and known are without prefix.
func (l *loader) unknownVariable(name string, known []string) {
	if strings.HasPrefix(name, "TEST_") || kubernetesVariable.MatchString(name) {
		return
	}
	word, _, _ := strings.Cut(name, "_")

	_, ofSection := findSection(word)
	if question := spelling.DidYouMean(envPrefix, name, known); ofSection || question != "" {
		l.errors = append(l.errors, Finding{Variable: envPrefix + name, Msg: "unknown variable" + question})
	}
}

// variableOf returns the environment variable that sets a key.
func variableOf(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// lookupEnv returns the value of an environment variable, and "" where it is not set.
func lookupEnv(environ []string, name string) string {
	for _, pair := range environ {
		if n, value, ok := strings.Cut(pair, "="); ok && n == name {
			return value
		}
	}
	return ""
}
