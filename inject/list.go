package inject

import (
	"strings"

	"github.com/tykmesh/tykmesh/inject/display"
	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// addItems adds objects to the items of the list that is the stream's document.
func (in *injection) addItems() {
	d := &in.documents[0]
	patched := d.Patched(d.patch)

	var items manifest.List
	for _, o := range in.additions[0] {
		items = append(items, o.marked(emittedPlainly))
	}

	root, err := patched.Root()
	if err == nil {
		var more manifest.Patch
		more, err = patched.Apply(manifest.Insert{Into: root.Get("items"), Items: items})
		changed := *d.change
		changed.patch = d.patch.Then(more)
		d.change = &changed
	}

	if err != nil {
		in.problems = append(in.problems, Problem{
			Rule: RuleEdit, Pos: d.Position(0), Object: "document 1", Msg: "objects cannot be added to the items: " + display.Line(err.Error()) + "; write the list in another way",
		})
	}

	in.Emitted += len(items)
}

// withdrawal is an edit that takes objects out of a list that emit has added to it.
type withdrawal struct {
	edit    manifest.Edit
	owner   *target
	objects int
}

// withdrawnItems returns the edits that take the objects of emit out of the lists of a document:
// those of a KRM function, and those that kubectl get prints.
func withdrawnItems(d *manifest.Document) []withdrawal {
	root, err := d.Root()
	if err != nil {
		return nil
	}
	return withdrawnFrom(kube.Object{Document: d, Node: root})
}

func withdrawnFrom(object kube.Object) (all []withdrawal) {
	list := object.Node.Get("items")
	if !strings.HasSuffix(object.Node.Get("kind").Text(), "List") || list == nil || list.Kind != manifest.Sequence {
		return nil
	}

	gone := 0
	for _, item := range list.Items() {
		inner := kube.Object{Document: object.Document, Node: item, Kind: item.Get("kind").Text(), APIVersion: kube.Text(item.Get("apiVersion"))}
		if emittedHow(item) == "" {
			all = append(all, withdrawnFrom(inner)...)
			continue
		}
		gone++
		all = append(all, withdrawal{manifest.Remove{Node: item}, Settings{}.newTarget(inner), 1})
	}

	if gone > 0 && gone == len(list.Items()) { // the user has deleted the workloads
		return []withdrawal{{manifest.Empty{Node: list, Text: " []"}, Settings{}.newTarget(object), gone}}
	}

	return all
}
