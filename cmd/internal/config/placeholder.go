package config

import (
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// Placeholder is a key that has a value of no use, in a run with --local and without a
// configuration.
type Placeholder struct{ Key, Value string }

// String returns the key with its value.
func (p Placeholder) String() string { return p.Key + ": " + p.Value }

// placeholders are the keys without which the built-in sidecar cannot work.
var placeholders = []Placeholder{
	{SidecarDashboard, sidecar.PlaceholderDashboard},
	{SidecarRedis, sidecar.PlaceholderRedis},
}

// standIn sets the keys that config init sets, with placeholders for the servers of pods, so that a
// first run with --local needs no configuration. A file, or a variable that names a server of pods,
// is a configuration, in which a missing key is an error.
func (l *loader) standIn() {
	if !l.src.Local || l.src.Name != "" || l.isSet(InjectorMode) || l.isSet(SidecarDashboard) || l.isSet(SidecarRedis) || l.isSet(TykURL) {
		return
	}

	for _, k := range keys {
		if k.begin != "" && !k.remote && k.name != TykOrg {
			l.stand(k, k.begin)
		}
	}

	for _, p := range placeholders {
		if k, _, _ := findKey(p.Key); !l.isSet(p.Key) {
			l.stand(k, p.Value)
			l.config.Placeholders = append(l.config.Placeholders, p)
		}
	}
}

// stand sets a key as a variable of the environment would.
func (l *loader) stand(k key, value string) {
	k.read(l, setting{key: k.name, variable: variableOf(envPrefix, k.name), value: &manifest.Node{Tag: tagString, Value: value}}, &l.config)
	l.stood[k.name] = true
}

// unconfigured reports whether neither a file nor a variable configures anything.
func (l *loader) unconfigured() bool { return l.src.Name == "" && len(l.settings) == 0 }

// ways are the hints about a run without a configuration, a line each.
const ways = "for a mesh with a Dashboard: tykmesh config init > tykmesh.yaml\n" +
	"for a mesh without a Dashboard: tykmesh config init --mode standalone > tykmesh.yaml\n" +
	"to try tykmesh without any server: add --local ./mesh\n" +
	"if there is a configuration elsewhere: add --config FILE"
