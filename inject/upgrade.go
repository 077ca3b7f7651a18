package inject

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// formerAPI is a version of some kinds that Kubernetes no longer serves.
type formerAPI struct {
	apiVersion, now, removed string
	kinds                    []string
	gone                     []string // fields of spec that there are no more
}

// formerAPIs are versions of workloads that Kubernetes no longer serves, and what took their place
// (Kubernetes documentation, Deprecated API Migration Guide).
var formerAPIs = []formerAPI{
	{"extensions/v1beta1", "apps/v1", "1.16", []string{"Deployment", "DaemonSet", "ReplicaSet"}, []string{"rollbackTo", "templateGeneration"}},
	{"apps/v1beta1", "apps/v1", "1.16", []string{"Deployment", "StatefulSet"}, []string{"rollbackTo"}},
	{"apps/v1beta2", "apps/v1", "1.16", []string{"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"}, nil},
	{"batch/v2alpha1", "batch/v1", "1.21", []string{"CronJob"}, nil},
	{"batch/v1beta1", "batch/v1", "1.25", []string{"CronJob"}, nil},
}

// examineAPI looks for workloads that today's clusters refuse: with Settings.UpgradeAPI they become
// others, else that is a warning, and with Settings.Strict an error.
func (o *target) examineAPI(s Settings) {
	i := slices.IndexFunc(formerAPIs, func(f formerAPI) bool { return f.apiVersion == o.APIVersion && slices.Contains(f.kinds, o.Kind) })
	if i < 0 {
		return
	}

	former, report := formerAPIs[i], o.warn
	if s.UpgradeAPI {
		o.planUpgrade(former)
		return
	}
	if s.Strict {
		report = o.refuse
	}

	report(RuleAPI, cmp.Or(o.object.Node.Get("apiVersion"), o.object.Node),
		"apiVersion %s: Kubernetes %s removed it; use %s, or --upgrade-api, which rewrites it", former.apiVersion, former.removed, former.now)
}

// isFormer reports whether an API version is one that Kubernetes no longer serves.
func isFormer(apiVersion string) bool {
	return slices.ContainsFunc(formerAPIs, func(f formerAPI) bool { return f.apiVersion == apiVersion })
}

// planUpgrade finds the changes that bring an object to a served API version, or the reason against
// it.
func (o *target) planUpgrade(former formerAPI) {
	if o.object.Node.Get("apiVersion") == nil {
		o.refuse(RuleAPI, o.object.Node, "apiVersion %s comes from the surrounding list; write it into the item, so that --upgrade-api can rewrite it", former.apiVersion)
		return
	}

	spec := o.object.Node.Get("spec")
	for _, field := range former.gone {
		if key, _ := spec.Entry(field); key != nil {
			o.refuse(RuleAPI, key, "spec.%s: %s no longer has this field; delete it", field, former.now)
		}
	}

	if former.now == "apps/v1" {
		if key, selector := spec.Entry("selector"); selector != nil && isEmptySelector(selector) {
			o.refuse(RuleAPI, key, "spec.selector: %s requires a selector that is not empty; delete it, and tykmesh writes the labels of the template", former.now)
		} else if key == nil {
			o.selector = o.templateLabels()
		}
	}

	o.upgrade = former.now
}

func isEmptySelector(n *manifest.Node) bool {
	for range n.Resolve().Get("matchLabels").Entries() {
		return false
	}
	return len(n.Resolve().Get("matchExpressions").Items()) == 0
}

// templateLabels returns a selector of all labels of the pod template, which was the default of the
// old API versions.
func (o *target) templateLabels() manifest.Map {
	var labels manifest.Map
	for k, v := range o.meta.Get("labels").Entries() {
		labels = append(labels, manifest.Entry{Key: k.Text(), Value: v.Text()})
	}
	return manifest.Map{{Key: "matchLabels", Value: labels}}
}

// upgradeEdits make an object one of today's API.
func (o *target) upgradeEdits(r *record) ([]manifest.Edit, error) {
	if o.upgrade == "" {
		return nil, nil
	}

	_, version := o.object.Node.Entry("apiVersion")
	text, ok := o.object.Document.Source(version)
	if !ok {
		return nil, &manifest.EditError{Pos: o.object.Document.PositionOf(version), Msg: "apiVersion: cannot be edited as it is written; write it on one line"}
	}

	r.APIVersion = text
	r.keepPlain("apiVersion", version)
	edits := []manifest.Edit{manifest.Replace{Node: version, Value: o.upgrade}}
	o.Change += ", " + o.upgrade
	if o.selector != nil {
		spec := o.object.Node.Get("spec").Resolve()
		put := manifest.Put{Into: spec, Entries: manifest.Map{{Key: "selector", Value: o.selector}}}
		put.Before, _ = spec.Entry("template")
		if i := slices.Index(spec.Content, put.Before); i > 0 { // before the comments about the template
			put.Before, put.After = nil, spec.Content[i-2].Text()
		}

		r.Selector = true
		edits = append(edits, put)
	}

	return edits, nil
}

// upgrade takes back the changes of upgradeEdits, except a selector that has changed since.
func (u *undo) upgrade() {
	if u.record.APIVersion == "" || u.served {
		return
	}

	if version := u.object.Node.Get("apiVersion"); version != nil {
		if was := strings.Trim(u.record.APIVersion, `"'`); isFormer(was) {
			u.warn(RuleAPI, version, "apiVersion %s: inject wrote it instead of %s, which Kubernetes no longer serves; keep it with --upgrade-api, or restore %[2]s with --upgrade-api=false",
				version.Text(), was)
		}
		u.edits = append(u.edits, manifest.Restore{Node: version, Text: u.was("apiVersion", u.record.APIVersion)})
	}

	key, selector := u.object.Node.Get("spec").Entry("selector")
	if u.record.Selector && key != nil && selects(selector, u.node.Get("metadata", "labels")) {
		u.edits = append(u.edits, manifest.Remove{Node: key})
	}
}

// selects reports whether a selector is one of exactly these labels.
func selects(selector, labels *manifest.Node) bool {
	texts := func(n *manifest.Node) (out []string) {
		for k, v := range n.Entries() {
			out = append(out, k.Text()+"="+v.Text())
		}
		slices.Sort(out)
		return out
	}

	return len(selector.Resolve().Content) == 2 && strings.Join(texts(selector.Get("matchLabels")), "\n") == strings.Join(texts(labels), "\n")
}
