package live

import (
	"bytes"

	"github.com/tykmesh/tykmesh/inject/kube"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
	"github.com/tykmesh/tykmesh/inject/standalone"
)

// kubectl prints objects as one document, of which a mesh is a small part: a cluster has more other
// Secrets and ConfigMaps. So a list in kubectl's own form is cut at its items, and they are parsed
// one by one. Any other text is parsed as a whole.
var (
	listBegin = []byte("apiVersion: v1\nitems:\n- ")
	listEnd   = []byte("\nkind: List\n")
	itemBegin = []byte("\n- ")
)

// itemsOf returns the items of a list in the form of kubectl get -o yaml, each as a document with a
// list of one; nil for any other text. Only a line of the list itself begins with a dash: all that
// is in an item is indented.
func itemsOf(d *manifest.Document) (items []*manifest.Document) {
	text := bytes.TrimPrefix(d.Text, []byte("---\n"))
	end := bytes.LastIndex(text, listEnd)
	if !bytes.HasPrefix(text, listBegin) || end < 0 {
		return nil
	}

	rest := text[len(listBegin)-len("- ") : end+1]
	for len(rest) > 0 {
		item, next := rest, []byte(nil)
		if i := bytes.Index(rest, itemBegin); i >= 0 {
			item, next = rest[:i+1], rest[i+1:]
		}
		items = append(items, &manifest.Document{File: d.File, Number: d.Number, Text: item})
		rest = next
	}

	return items
}

// addItems adds the items of a list in kubectl's own form; ok is false for any other text. Items
// that it has added count once, if the text must then be parsed as a whole.
func (c *cluster) addItems(d *manifest.Document) (ok bool) {
	items := itemsOf(d)
	for _, item := range items {
		if kind := strangerOf(item.Text); kind != "" {
			c.seen[kind] = true
			continue
		}

		root, err := item.Root()
		if err != nil || len(root.Items()) != 1 {
			return false
		}

		n := root.Items()[0]
		c.add(kube.Object{Document: item, Node: n, Kind: kube.Text(n.Get("kind")), APIVersion: kube.Text(n.Get("apiVersion"))})
		item.Forget()
	}

	return len(items) > 0
}

// strangerOf returns the kind of an item that is a ConfigMap or a Secret of another owner, which
// need not be parsed; "" for any other item.
func strangerOf(item []byte) string {
	for _, kind := range []string{"ConfigMap", "Secret"} {
		if bytes.Contains(item, []byte("\n  kind: "+kind+"\n")) && !bytes.Contains(item, []byte(standalone.Manager)) && !bytes.Contains(item, []byte(sidecar.Authority)) {
			return kind
		}
	}
	return ""
}
