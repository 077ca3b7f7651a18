package kube

import (
	"slices"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Quota is a ResourceQuota. Where it counts a resource, the API server refuses pods of which a
// container does not say how much of it it wants (k8s.io/kubernetes pkg/quota/v1/evaluator/core,
// Constraints). A LimitRange may say it for them.
//
//	the quota counts              every container needs
//	cpu, requests.cpu             requests.cpu, or limits.cpu, which is the request then
//	limits.cpu                    limits.cpu
//	memory, ...                   the same of memory
type Quota struct {
	*Meta
	Counts []Counted
}

// Counted is an amount that a quota counts.
type Counted struct {
	Amount string // as amounts has it
	At     manifest.Place
}

// amounts maps the resources that a quota counts to the amounts that every container must then set.
var amounts = map[string]string{
	"cpu": "requests.cpu", "requests.cpu": "requests.cpu", "limits.cpu": "limits.cpu",
	"memory": "requests.memory", "requests.memory": "requests.memory", "limits.memory": "limits.memory",
}

// addQuota reads a ResourceQuota, but none that counts only some pods: whether it counts those of a
// workload cannot be told.
func addQuota(f *Facts, o Object) *Meta {
	for _, s := range o.Node.Get("spec", "scopes").Items() {
		if s.Text() != "NotBestEffort" {
			return nil
		}
	}

	if len(o.Node.Get("spec", "scopeSelector", "matchExpressions").Items()) > 0 {
		return nil
	}

	q := &Quota{Meta: f.meta(o)}
	for name := range o.Node.Get("spec", "hard").Entries() {
		amount := amounts[name.Text()]
		if amount != "" && !slices.ContainsFunc(q.Counts, func(c Counted) bool { return c.Amount == amount }) {
			q.Counts = append(q.Counts, Counted{amount, o.Document.PlaceOf(name)})
		}
	}

	f.Quotas = append(f.Quotas, q)
	return q.Meta
}
