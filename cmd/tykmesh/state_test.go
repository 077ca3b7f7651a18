package main

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/tykmesh/tykmesh/dashboard"
)

// requests is the command requests: what the Dashboard and CFSSL were asked since it was last
// called. The lines are sorted, because a run asks for several things at once.
func requests(ts *testscript.TestScript, _ bool, _ []string) {
	for _, line := range worldOf(ts).newRequests() {
		fmt.Fprintln(ts.Stdout(), line)
	}
	fmt.Fprint(ts.Stdout())
}

func (w *world) newRequests() (lines []string) {
	if w.cfssl != nil {
		all := w.cfssl.Requests()
		for _, r := range all[w.seenOfCFSSL:] {
			lines = append(lines, "cfssl "+r.String())
		}
		w.seenOfCFSSL = len(all)
	}

	if w.dashboard != nil {
		all := w.dashboard.Requests()
		for _, r := range all[w.seenOfDash:] {
			lines = append(lines, "dashboard "+r.String())
		}
		w.seenOfDash = len(all)
	}

	slices.Sort(lines)
	return lines
}

// lose is the command lose [listed]: the Dashboard's store loses all certificates, and with listed
// shows their ids still.
func lose(ts *testscript.TestScript, _ bool, args []string) {
	d := worldOf(ts).dashboard
	for _, c := range d.Certificates() {
		if slices.Equal(args, []string{"listed"}) {
			d.LoseCertificate(c.ID)
		} else {
			d.DropCertificate(c.ID)
		}
	}
}

// apis is the command apis [SLUG]: a line for each API that the Dashboard holds, or all of one
// definition. Certificates have the names of whom they are for.
func apis(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	fmt.Fprint(ts.Stdout()) // no API is no line
	for _, d := range w.definitions() {
		switch {
		case len(args) == 0:
			fmt.Fprintln(ts.Stdout(), w.named(describeAPI(d)))
		case d.Slug() == args[0]:
			text, err := indented(d)
			ts.Check(err)
			fmt.Fprint(ts.Stdout(), w.named(text))
		}
	}
}

// indented is JSON that people can read.
func indented(v any) (string, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return out.String(), err
}

// definitions returns those that the Dashboard holds, by slug.
func (w *world) definitions() []dashboard.Definition {
	var all []dashboard.Definition
	for _, a := range w.dashboard.APIs() {
		all = append(all, a.Definition)
	}
	slices.SortStableFunc(all, func(a, b dashboard.Definition) int { return strings.Compare(a.Slug(), b.Slug()) })
	return all
}

func describeAPI(d dashboard.Definition) string {
	return fmt.Sprintf("%s: %s%s -> %s, tags %v, certificates %v", d.Slug(), d.Domain(), d.ListenPath(), d.TargetURL(), d.Tags(), d.Certificates())
}

// editAPI is the command edit-api SLUG FIELD JSON: somebody changes an API in the Dashboard, or
// makes one of that slug.
func editAPI(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: edit-api SLUG FIELD JSON")
	}

	var value any
	ts.Check(json.Unmarshal([]byte(args[2]), &value))

	w := worldOf(ts)
	for _, a := range w.dashboard.APIs() {
		if a.Definition.Slug() == args[0] {
			ts.Check(a.Definition.Set(args[1], value))
			w.dashboard.PutAPI(a)
			return
		}
	}

	d := dashboard.Definition{"name": args[0], "slug": args[0], "api_id": "of-" + args[0], "active": true}
	ts.Check(d.Set(args[1], value))
	w.dashboard.PutAPI(dashboard.API{Definition: d})
}

// giveAPI runs the command give-api SLUG TEAM: the Dashboard has a team own an API.
func giveAPI(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: give-api SLUG TEAM")
	}

	w := worldOf(ts)
	for _, a := range w.dashboard.APIs() {
		if a.Definition.Slug() == args[0] {
			w.dashboard.GiveAPI(a.Definition.ID(), nil, []string{args[1]})
			return
		}
	}

	ts.Fatalf("no API has the slug %s", args[0])
}

// lend is the command lend SLUG OTHER: somebody lets another API use the certificates of one.
func lend(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	var certificates any
	for _, d := range w.definitions() {
		if d.Slug() == args[0] {
			certificates = d["certificates"]
		}
	}

	text, err := json.Marshal(certificates)
	ts.Check(err)
	editAPI(ts, false, []string{args[1], "certificates", string(text)})
}

// records is the command records: the documents of MongoDB's collection k8s_ca, field by field.
// What differs from run to run is checked against the certificates in the Dashboard's store, and
// named.
func records(ts *testscript.TestScript, _ bool, _ []string) {
	lines, err := worldOf(ts).describeRecords()
	ts.Check(err)
	fmt.Fprint(ts.Stdout())
	for _, line := range lines {
		fmt.Fprintln(ts.Stdout(), line)
	}
}

func (w *world) describeRecords() (lines []string, err error) {
	documents, err := w.documents()
	if err != nil {
		return nil, err
	}

	leaves, err := w.leaves()
	if err != nil {
		return nil, err
	}

	for _, d := range documents {
		bundle, _ := lookUp(d, "bundle").(bson.D)
		leaf := leaves[fmt.Sprint(lookUp(bundle, "fingerprint"))]
		if leaf == nil {
			return nil, fmt.Errorf("the record %v is of a certificate that is not in the store", lookUp(d, "_id"))
		}

		for _, e := range d {
			text, err := w.describeField(e, leaf)
			if err != nil {
				return nil, fmt.Errorf("the record %v: %s: %w", lookUp(d, "_id"), e.Key, err)
			}
			lines = append(lines, text)
		}
	}

	return lines, nil
}

// describeField returns a line of a record; leaf is the certificate that the record is of.
func (w *world) describeField(e bson.E, leaf *x509.Certificate) (string, error) {
	var value any
	if former, ok := e.Value.(bson.A); ok && e.Key == "bundlehistory" {
		return fmt.Sprintf("%s: %d certificates", e.Key, len(former)), nil
	}

	switch v := e.Value.(type) {
	case bson.D:
		var parts []string
		for _, e := range v {
			part, err := w.describeField(e, leaf)
			if err != nil {
				return "", err
			}
			parts = append(parts, part)
		}

		return e.Key + ": {" + strings.Join(parts, ", ") + "}", nil

	case bson.A:
		value = []any(v)
	case bson.DateTime:
		return w.describeTime(e.Key, v.Time(), leaf)
	case bson.Binary:
		held, err := parseLeaf(v.Data)
		if err != nil || !held.Equal(leaf) {
			return "", fmt.Errorf("it is not the certificate in the store: %v", err)
		}
		value = "the leaf"

	default:
		value = v
	}

	if e.Key == "serial" {
		if e.Value != leaf.SerialNumber.String() {
			return "", fmt.Errorf("it is %v, not %v", e.Value, leaf.SerialNumber)
		}
		value = "of the leaf"
	}

	return w.named(fmt.Sprintf("%s: %v", e.Key, value)), nil
}

// describeTime names a time of a record; leaf is the certificate that the record is of.
func (w *world) describeTime(field string, t time.Time, leaf *x509.Certificate) (string, error) {
	switch {
	case t.Equal(leaf.NotBefore):
		return field + ": the leaf's NotBefore", nil
	case t.Equal(leaf.NotAfter):
		return field + ": the leaf's NotAfter", nil
	case w.now().Sub(t).Abs() < time.Minute:
		return field + ": now", nil
	}

	return "", fmt.Errorf("what is %v?", t)
}

// parseLeaf reads the first certificate of a PEM file.
func parseLeaf(text []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}
