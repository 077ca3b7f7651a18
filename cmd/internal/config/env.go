package config

import (
	"regexp"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/spelling"
)

// The prefixes of environment variables that set keys: that of tykmesh, which wins, and that of
// tyk-k8s.
const (
	envPrefix    = "TYKMESH_"
	envOldPrefix = "TK8S_"
)

// envConfig names the configuration file.
const envConfig = "TYKMESH_CONFIG"

// kubernetesVariable matches the variables that Kubernetes sets in every pod for a Service called
// tykmesh or tykmesh-ca (Kubernetes documentation, "Service", environment variables). They are not
// mistakes of the user.
var kubernetesVariable = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT|PORT)(_|$)`)

// readEnviron replaces settings by those of the environment. An empty variable counts as not set,
// because a pipeline without a secret sets it so.
func (l *loader) readEnviron() {
	known, suggested := []string{}, []string{strings.TrimPrefix(envConfig, envPrefix)}
	for _, k := range keys {
		suggested = append(suggested, variableOf("", k.name))
		for _, alias := range k.aliases {
			known = append(known, variableOf("", alias))
		}
		for _, prefix := range []string{envPrefix, envOldPrefix} {
			if l.override(k, prefix) {
				break
			}
		}
	}

	known = append(known, suggested...)
	for _, pair := range l.src.Environ {
		variable, _, _ := strings.Cut(pair, "=")
		if name, ours := strings.CutPrefix(variable, envPrefix); ours && !slices.Contains(known, name) {
			l.unknownVariable(name, suggested)
		}
	}
}

// override takes a key from its environment variable, or from that of an old name, and reports
// whether one is set.
func (l *loader) override(k key, prefix string) bool {
	var found []setting
	for _, name := range k.names() {
		variable := variableOf(prefix, name)
		if text := lookupEnv(l.src.Environ, variable); text != "" {
			found = append(found, setting{key: k.name, name: name, variable: variable, value: &manifest.Node{Tag: tagString, Value: text}})
		}
	}

	if len(found) == 0 {
		return false
	}

	for _, other := range found[1:] {
		l.both(other, found[0])
	}

	if k.fileOnly {
		l.fail(found[0], "can be set in the configuration file only")
		delete(l.settings, k.name)
	} else {
		l.set(found[0])
	}

	return true
}

// unknownVariable reports a variable that was probably meant to configure tykmesh: its name begins
// with a section, or is almost that of a key. name and known have no prefix.
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
func variableOf(prefix, key string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// lookupEnv returns the value of an environment variable, or "" if it is not set.
func lookupEnv(environ []string, name string) string {
	for _, pair := range environ {
		if n, value, ok := strings.Cut(pair, "="); ok && n == name {
			return value
		}
	}
	return ""
}
