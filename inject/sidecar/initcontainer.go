package sidecar

import "github.com/tykmesh/tykmesh/inject/manifest"

// Tool says how rules are made (Injector.rulesTool).
type Tool string

const (
	// IPTables is a shell script around iptables, whichever kind of it the image and the node have.
	IPTables Tool = "iptables"
	// NFT is a text for nft, for images without a shell.
	NFT Tool = "nft"
)

// DefaultRulesImage is the one with which k3s sets up its load balancers: Alpine with a shell,
// iptables, ip6tables, nftables and the public CAs, for all architectures, some 10 MB, and renewed
// with each of its releases.
const DefaultRulesImage = "rancher/klipper-lb:v0.4.17"

// Container returns the init container that sets the rules up. It may administer its pod's network
// and nothing else.
func (r Rules) Container(image string, tool Tool, resources Resources) manifest.Map {
	c := manifest.Map{{Key: "name", Value: RulesName}, {Key: "image", Value: image}}
	command := manifest.List{"/bin/sh", "-c", r.Script()}
	if tool == NFT {
		command = manifest.List{"nft", r.Ruleset()}
	}

	capabilities := manifest.Map{{Key: "drop", Value: manifest.List{"ALL"}}, {Key: "add", Value: manifest.List{"NET_ADMIN"}}}
	context := restricted(0).With("runAsNonRoot", false).With("capabilities", capabilities)

	return append(c, manifest.Entry{Key: "command", Value: command}, manifest.Entry{Key: "resources", Value: resources.value()},
		manifest.Entry{Key: "securityContext", Value: context},
		manifest.Entry{Key: "terminationMessagePolicy", Value: "FallbackToLogsOnError"}) // kubectl describe shows what the script said
}
