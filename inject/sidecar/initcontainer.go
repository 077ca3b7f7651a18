package sidecar

import "github.com/tykmesh/tykmesh/inject/manifest"

// Tool says how rules are made (Injector.rulesTool).
type Tool string

const (
	// IPTables is a shell script around iptables, whichever kind of it the image and the node have.
	IPTables Tool = "iptables"
	// NFT is a file for nft, for images without a shell.
	NFT Tool = "nft"
)

// DefaultRulesImage is the one with which k3s sets up its load balancers: Alpine with a shell, iptables, ip6tables, nftables and the public CAs,
// for all architectures, some 10 MB, and renewed with each of its releases.
const DefaultRulesImage = "rancher/klipper-lb:v0.4.17"

// Where NFT finds its file, and the annotation of the pod that holds it.
const (
	rulesPath       = "/etc/tykmesh/rules"
	rulesFile       = "rules.nft"
	AnnotationRules = "injector.tyk.io/rules"
)

// Container is the init container that sets the rules up. It may administer its pod's network and nothing else.
func (r Rules) Container(image string, tool Tool) manifest.Map {
	c := manifest.Map{{Key: "name", Value: RulesName}, {Key: "image", Value: image}}
	if tool == NFT {
		c = append(c, manifest.Entry{Key: "command", Value: manifest.List{"nft", "-f", rulesPath + "/" + rulesFile}})
	} else {
		c = append(c, manifest.Entry{Key: "command", Value: manifest.List{"/bin/sh", "-c", r.Script()}})
	}
	capabilities := manifest.Map{{Key: "drop", Value: manifest.List{"ALL"}}, {Key: "add", Value: manifest.List{"NET_ADMIN"}}}
	context := restricted(0).With("runAsNonRoot", false).With("capabilities", capabilities)
	c = append(c, manifest.Entry{Key: "resources", Value: once}, manifest.Entry{Key: "securityContext", Value: context})
	if tool == NFT {
		c = append(c, manifest.Entry{Key: "volumeMounts", Value: manifest.List{
			manifest.Map{{Key: "name", Value: RulesName}, {Key: "mountPath", Value: rulesPath}, {Key: "readOnly", Value: true}},
		}})
	}
	return c
}

// Volume is the file of NFT: an annotation of the pod, so that it needs no object of its own.
func (r Rules) Volume() manifest.Map {
	item := manifest.Map{
		{Key: "path", Value: rulesFile},
		{Key: "fieldRef", Value: manifest.Map{{Key: "fieldPath", Value: "metadata.annotations['" + AnnotationRules + "']"}}},
	}
	return manifest.Map{{Key: "name", Value: RulesName}, {Key: "downwardAPI", Value: manifest.Map{{Key: "items", Value: manifest.List{item}}}}}
}
