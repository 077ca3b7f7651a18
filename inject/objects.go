package inject

import (
	"fmt"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// addFiles makes the objects that pods of a mesh without a Dashboard need, and writes the names of
// their ConfigMaps into the pod templates.
func (in *injection) addFiles() {
	mesh := in.settings.Standalone
	if mesh == nil {
		return
	}

	in.checkRelays()
	in.checkCertificates()
	routes := in.routeServices()
	namespaces := make(map[string]*standalone.Namespace)
	certified := make(map[Service]bool)
	names := make(map[int][]string) // of ConfigMaps, by document: with the mark, and with the hash
	for _, o := range in.Objects {
		if o.Outcome != Injected || o.workload == nil {
			continue
		}

		svc := o.workload.Service
		if namespaces[svc.Namespace] == nil {
			namespaces[svc.Namespace] = mesh.Namespace(svc.Namespace)
		}

		config := namespaces[svc.Namespace].Config(o.definitions())
		names[o.at] = append(names[o.at], standalone.ConfigMapName(standalone.Service(svc), o.files.mark), standalone.ConfigMapName(standalone.Service(svc), config.Hash))
		in.add(o, "what its sidecar loads", mesh.ConfigMap(standalone.Service(svc), config))
		if mesh.Issuer != nil && !certified[svc] {
			in.add(o, "its certificate", mesh.Certificate(standalone.Service(svc), in.identities[svc].Hosts))
		}

		certified[svc] = true
		if o.files.relays.Line > 0 {
			in.closeRelay(o)
		}
		if route, ok := routes[o]; ok {
			in.add(o, "its route", route)
		}
	}

	in.nameConfigMaps(names)
}

// checkRelays refuses the pods that other pods could call through, unless the user accepts that.
func (in *injection) checkRelays() {
	for _, o := range in.Objects {
		if !o.joins() || o.files == nil || o.files.relays.Line == 0 || in.accepts(o.Meta, string(RuleRelay)) {
			continue
		}

		o.Outcome = Refused
		in.problems = append(in.problems, Problem{Rule: RuleRelay, Pos: o.files.relays, Object: o.Title(), Msg: fmt.Sprintf(
			"no rules close the sidecar's ports %d and %d (intercept: none), so other pods could call the mesh as this one; write intercept: mesh, or accept %s for a NetworkPolicy that closes them",
			standalone.HTTPPort, standalone.HTTPSPort, RuleRelay)})
	}
}

// definitions returns a workload as its definitions need it.
func (o *Object) definitions() standalone.Pod {
	return standalone.Pod{Service: standalone.Service(o.workload.Service), Target: o.workload.Target(), Listen: o.ports.listen, Allow: o.files.allow}
}

// nameConfigMaps writes the names of ConfigMaps into the pod templates of each document, where the
// marks stand for their hashes.
func (in *injection) nameConfigMaps(names map[int][]string) {
	for i, marked := range names {
		replacer, patch := strings.NewReplacer(marked...), in.documents[i].patch
		for k := range patch {
			if strings.Contains(patch[k].Text, standalone.NameSuffix) {
				patch[k].Text = replacer.Replace(patch[k].Text)
			}
		}
	}
}

// closeRelay adds the policy that closes the mesh's ports of a workload's pods. It refuses a
// workload that the policy of its service, which another workload has, does not select.
func (in *injection) closeRelay(o *Object) {
	svc := o.workload.Service
	if label, ok := in.closed[svc]; ok && label != o.files.label {
		o.Outcome = Refused
		in.problems = append(in.problems, Problem{Rule: RuleRelay, Pos: o.files.relays, Object: o.Title(), Msg: fmt.Sprintf(
			"the NetworkPolicy that closes the ports of %s selects pods by the label %s, which these do not have; write %[2]s: %s into the pod template", svc, label.Key, label.Value)})
		return
	}

	in.closed[svc] = o.files.label
	in.add(o, "closes the ports on which its sidecar answers its own pod",
		standalone.NetworkPolicy(standalone.Service(svc), manifest.Map{{Key: "matchLabels", Value: labelMap(o.files.label)}}))
}

// addedObject is an object that is to be added behind a document.
type addedObject struct {
	object  manifest.Map // without annotations
	comment string       // its purpose, as half a sentence
}

// add adds an object behind the document of a workload, unless an earlier run has. It refuses the
// workload if the stream has another one of that name.
func (in *injection) add(o *Object, comment string, object manifest.Map) {
	meta, _ := object.Lookup("metadata")
	names, _ := meta.(manifest.Map)
	ref := o.Ref
	ref.Kind, ref.Name = object.String("kind"), names.String("name")
	if in.emitted[ref] {
		return
	}

	if in.facts.Provides(o.Namespace, ref) {
		o.Outcome = Refused
		in.problems = append(in.problems, Problem{Rule: RuleIdentity, Pos: o.Pos, Object: o.Title(), Msg: fmt.Sprintf(
			"the stream has a %s %s, and inject adds one of this name; delete or rename that of the stream", ref.Kind, ref.Name)})
		return
	}

	in.emitted[ref] = true
	meta = namespaced(names, o.Namespace, o.Implicit)
	in.addAt(o.at, addedObject{object: object.With("metadata", meta), comment: o.workload.Service.App + ": " + comment})
}

// namespaced returns metadata with a namespace behind the name, unless that is implicit.
func namespaced(meta manifest.Map, namespace string, implicit bool) manifest.Map {
	if implicit {
		return meta
	}
	return append(append(manifest.Map{}, meta[0], manifest.Entry{Key: "namespace", Value: namespace}), meta[1:]...)
}
