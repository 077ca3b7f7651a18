package ca_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/tykmesh/tykmesh/ca"
)

// Any stored text gives either an error, or a record that both ledgers preserve and that contains
// no key.
func FuzzStored(f *testing.F) {
	b, err := ca.Issue(f.Context(), newLocal(f, f.TempDir()), ca.Request{Hosts: []string{"echo.default"}})
	if err != nil {
		f.Fatal(err)
	}

	legacy, err := bson.MarshalExtJSON(legacyDocument(bson.ObjectID{1}, "fp", "s3cr3t-key", b, true), false, false)
	if err != nil {
		f.Fatal(err)
	}

	f.Add(legacy)
	f.Add(ca.StoredRecord(record("echo", "e1")))
	for _, seed := range []string{
		`{}`, `{"_id": {"$oid": "5d64a47fed63100001b2f2ac"}}`, `{"_id": 7, "bundle": null, "hosts": []}`, `{"_id": "a", "expires": {"$date": {"$numberLong": "9223372036854775807"}}}`,
		`{"bundle": {"certificate": {"$binary": {"base64": "AA==", "subType": "80"}}}}`, `{"bundlehistory": [{"fingerprint": "x", "replaced": null}]}`, `[`, `{"hosts": "x"}`,
	} {
		f.Add([]byte(seed))
	}

	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := ca.ReadStored(text)
		if err != nil {
			return
		}

		if strings.Contains(string(ca.StoredRecord(r)), "s3cr3t-key") && !bytes.Contains(r.Certificate, []byte("s3cr3t-key")) {
			t.Fatalf("a key is written again: %s", ca.StoredRecord(r))
		}

		if r.Legacy {
			return // such a record is never written
		}

		again, err := ca.ReadStored(ca.StoredRecord(r))
		again.History = r.History // which is the ledger's
		if err != nil {
			t.Fatalf("%+v is written, and read: %v", r, err)
		}

		if diff := cmp.Diff(r, again, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("-read +written and read:\n%s", diff)
		}
	})
}

// No message about a connection string contains its secrets, and every accepted one names a
// database.
func FuzzConnectionString(f *testing.F) {
	const password = "s3cr3tpw"
	for _, seed := range []string{
		"mongodb://user:s3cr3tpw@h/db", "mongodb://user:s3cr3tpw@h:1,i:2/db?replicaSet=r", "mongodb://user:s3cr3tpw/x@h", "mongodb://user:s3cr3tpw%zz@h/db",
		"mongodb://h/?authMechanism=s3cr3tpw", "mongodb://h/%2f?tls=true&tlsCAFile=s3cr3tpw", "mongodb://s3cr3tpw", "mongodb://u:s3cr3tpw@h/a b", "mongodb://:s3cr3tpw@/", "s3cr3tpw",
	} {
		f.Add(seed)
	}

	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "+srv") {
			return // it asks DNS
		}
		database, said := ca.CheckConnectionString(text, errors.New("dialling "+text+" with "+password))
		if database == "" && said == "" {
			t.Fatalf("%q is accepted, and names no database", text)
		}

		if whole := strings.Contains(text, "mongodb://") && strings.Contains(text, password); whole && strings.Contains(said, text) {
			t.Fatalf("%q is shown: %s", text, said)
		}
	})
}
