package ca_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/catest"
)

// rawCollection returns the ledger's collection.
func rawCollection(t *testing.T, uri string) *mongo.Collection {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })

	u, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}

	return client.Database(strings.Trim(u.Path, "/")).Collection("k8s_ca")
}

// legacyDocument returns a record in the form of tyk-k8s: the fields of its struct in lower case,
// in their order.
func legacyDocument(id bson.ObjectID, fingerprint, key string, b ca.Bundle, mesh bool) bson.D {
	return bson.D{
		{Key: "_id", Value: id},
		{Key: "uid", Value: "0b7c4a55-6b9b-4f0f-8a5e-1c1e7f1b3d11"},
		{Key: "bundle", Value: bson.D{
			{Key: "privatekey", Value: []byte(key)},
			{Key: "certificate", Value: b.Certificate},
			{Key: "bundled", Value: []byte(key + "bundled")},
			{Key: "fingerprint", Value: fingerprint},
		}},
		{Key: "bundlehistory", Value: bson.A{bson.D{{Key: "privatekey", Value: []byte(key)}, {Key: "fingerprint", Value: "older"}}}},
		{Key: "created", Value: b.Leaf.NotBefore},
		{Key: "expires", Value: b.Leaf.NotAfter},
		{Key: "clientegressids", Value: nil},
		{Key: "serviceid", Value: ""},
		{Key: "ismeshcert", Value: mesh},
	}
}

// Records of tyk-k8s are listed, too. The private keys in them do not even cross the wire.
func TestLegacyRecords(t *testing.T) {
	const planted = "-----BEGIN RSA PRIVATE KEY----- planted"
	uri := catest.Mongo(t)
	tap := newTap(t, uri)
	raw := rawCollection(t, uri)

	b, err := ca.Issue(t.Context(), newLocal(t, t.TempDir()), ca.Request{Hosts: []string{"echo.default"}})
	if err != nil {
		t.Fatal(err)
	}

	ids := []bson.ObjectID{{1}, {2}, {3}}
	unreadable := b
	unreadable.Certificate = []byte("garbage")

	documents := []any{
		legacyDocument(ids[0], "fp1", planted, b, false),
		legacyDocument(ids[1], "fp2", planted, b, true),
		legacyDocument(ids[2], "fp3", planted, unreadable, false),
	}
	if _, err := raw.InsertMany(t.Context(), documents); err != nil {
		t.Fatal(err)
	}

	l := openMongo(t, tap.uri)

	ours := record("echo", "e1")
	if err := l.Insert(t.Context(), ours); err != nil {
		t.Fatal(err)
	}

	legacy := func(id bson.ObjectID, fingerprint, role string) ca.Record {
		return ca.Record{
			ID: id.Hex(), Role: role, Hosts: []string{"echo.default"}, Serial: b.Leaf.SerialNumber.String(), Certificate: b.Certificate,
			Fingerprint: fingerprint, NotBefore: b.Leaf.NotBefore, Expires: b.Leaf.NotAfter, Created: b.Leaf.NotBefore, State: ca.Active,
			History: []ca.Past{{Fingerprint: "older"}}, Legacy: true,
		}
	}

	want := []ca.Record{legacy(ids[0], "fp1", ca.RoleInbound), legacy(ids[1], "fp2", ca.RoleMesh), legacy(ids[2], "fp3", ca.RoleInbound), ours}
	want[2].Certificate, want[2].Hosts, want[2].Serial, want[2].NotBefore = []byte("garbage"), nil, "", time.Time{}
	if diff := cmp.Diff(want, mustRecords(t, l), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}

	changed := want[0]
	changed.Fingerprint = "fp9"
	if err := l.Replace(t.Context(), "fp1", changed); !errors.Is(err, ca.ErrRecordChanged) {
		t.Errorf("changing a record of tyk-k8s: %v", err)
	}

	if err := l.Delete(t.Context(), want[0].ID, "fp1"); err != nil {
		t.Errorf("deleting a record of tyk-k8s: %v", err)
	}

	if n := len(mustRecords(t, l)); n != 3 {
		t.Errorf("%d records are left", n)
	}

	if tap.sent("planted") {
		t.Error("a private key crossed the wire")
	}

	if !tap.sent("fp1") {
		t.Fatal("the tap saw nothing: this test proves nothing")
	}
}

// Stored documents have tyk-k8s's names in lower case, and never a private key.
func TestStoredDocument(t *testing.T) {
	uri := catest.Mongo(t)
	l, raw := openMongo(t, uri), rawCollection(t, uri)
	if err := l.Insert(t.Context(), record("echo", "e1")); err != nil {
		t.Fatal(err)
	}

	if err := l.Replace(t.Context(), "e1", record("echo", "e2")); err != nil {
		t.Fatal(err)
	}

	var got bson.M
	if err := raw.FindOne(t.Context(), bson.D{{Key: "_id", Value: "inbound/shop/echo"}}).Decode(&got); err != nil {
		t.Fatal(err)
	}

	binary := func(text string) bson.Binary { return bson.Binary{Data: []byte(text)} }
	date := bson.NewDateTimeFromTime

	r := record("echo", "e2")
	want := bson.M{
		"_id": r.ID, "uid": r.ID, "clientegressids": bson.A{}, "serviceid": "", "ismeshcert": false,
		"bundle": bson.D{{Key: "certificate", Value: binary("certificate e2")}, {Key: "fingerprint", Value: "e2"}},
		"bundlehistory": bson.A{bson.D{
			{Key: "certificate", Value: binary("certificate e1")}, {Key: "fingerprint", Value: "e1"}, {Key: "replaced", Value: bson.DateTime(0)},
		}},
		"created": date(r.Created), "expires": date(r.Expires), "notbefore": date(r.NotBefore),
		"namespace": "shop", "app": "echo", "role": "inbound", "hosts": bson.A{"echo.shop"}, "serial": r.Serial, "state": "pending",
	}

	inHistory := func(p cmp.Path) bool { return strings.Contains(p.GoString(), `["bundlehistory"]`) }
	if diff := cmp.Diff(want, got, cmp.FilterPath(inHistory, cmpopts.IgnoreTypes(bson.DateTime(0)))); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
}

// The database is the one in the connection string, or else the default of tyk-k8s's driver.
func TestDatabase(t *testing.T) {
	uri := catest.Mongo(t)
	for path, want := range map[string]string{"": "test", "tyk%2Ddashboard?maxPoolSize=2": "tyk-dashboard"} {
		if err := openMongo(t, strings.Replace(uri, "tykmesh", path, 1)).Insert(t.Context(), record("echo", "e1")); err != nil {
			t.Fatal(err)
		}
		n, err := rawCollection(t, strings.Replace(uri, "tykmesh", want, 1)).CountDocuments(t.Context(), bson.D{})
		if n != 1 || err != nil {
			t.Errorf("%q: %d records in %s, %v", path, n, want, err)
		}
	}
}

// An invalid document stops the listing and is named: only a complete listing proves that a record
// is absent.
func TestForeignDocument(t *testing.T) {
	uri := catest.Mongo(t)
	l, raw := openMongo(t, uri), rawCollection(t, uri)
	if _, err := raw.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "odd"}, {Key: "hosts", Value: 7}}); err != nil {
		t.Fatal(err)
	}

	_, err := l.Records(t.Context())
	wantError(t, err, nil, `the document "odd" in k8s_ca is not a record`)
	if errors.Is(err, ca.ErrLedgerUnreachable) {
		t.Error("a document that cannot be read is said to be a server that cannot be reached")
	}
}

func TestConnectionStrings(t *testing.T) {
	const password = "s3cr3t-pw"
	nobody := unused(t)
	for _, test := range []struct {
		uri  string
		is   error
		want string
	}{
		{"", nil, "want mongodb://"},
		{"localhost", nil, "want mongodb://"},
		{"postgres://user:" + password + "@localhost", nil, "want mongodb://"},
		{"mongodb://user:" + password + "/x@localhost/db", nil, "percent-encoded"},
		{"mongodb://user:" + password + "%zz@localhost/db", nil, "want mongodb://"},
		{"mongodb://user:" + password + "@localhost/db?maxPoolSize=" + password, nil, "want mongodb://"},
		{"mongodb://user:" + password + "@" + nobody + "/db?serverSelectionTimeoutMS=200",
			ca.ErrLedgerUnreachable, "connecting: MongoDB at " + nobody + ": no answer: dial tcp " + nobody},
		{"mongodb+srv://user:" + password + "@nobody.invalid/db", ca.ErrLedgerUnreachable, "nobody.invalid"},
	} {
		_, err := ca.OpenMongo(t.Context(), test.uri)
		wantError(t, err, test.is, test.want)
		wantHidden(t, printed(t, err), password)
	}
}

// Wrong passwords, missing rights and other refusals are different errors. FerretDB knows no users,
// so a stub answers here.
func TestMongoRefusals(t *testing.T) {
	const password = "s3cr3t-pw"
	for _, test := range []struct {
		command string // the one that is refused
		code    int32
		is      error
		want    string
	}{
		{"saslStart", 18, ca.ErrLedgerUnauthorized, "refused the user or the password"},
		{"saslStart", 8000, ca.ErrLedgerUnauthorized, "refused the user or the password"},
		{"find", 13, ca.ErrLedgerForbidden, "listing the records: MongoDB at"},
		{"insert", 13, ca.ErrLedgerForbidden, "inserting record inbound/shop/echo: MongoDB at"},
		{"find", 59, nil, "stub says no"},
	} {
		uri := newStub(t, test.command, test.code)
		if test.command == "saslStart" {
			uri = strings.Replace(uri, "//", "//user:"+password+"@", 1)
		}

		l, err := ca.OpenMongo(t.Context(), uri)
		if err == nil {
			if _, err = l.Records(t.Context()); err == nil {
				err = l.Insert(t.Context(), record("echo", "e1"))
			}
			wantHidden(t, printed(t, l), password)
			_ = l.Close(t.Context())
		}

		wantError(t, err, test.is, test.want)
		wantHidden(t, printed(t, err), password)
	}
}

// TestMongoEchoesThePassword: with the mechanism PLAIN the server learns the password, and may
// repeat it in its answer.
func TestMongoEchoesThePassword(t *testing.T) {
	const password = "s3cr3t-pw"
	uri := serveStub(t, func(request bson.Raw) bson.D {
		if payload, err := request.LookupErr("payload"); err == nil {
			_, sent := payload.Binary()
			return bson.D{{Key: "ok", Value: 0}, {Key: "errmsg", Value: "no such user: " + string(sent)}, {Key: "code", Value: 59}}
		}
		return stubAnswer(request, "", 0)
	})

	uri = strings.Replace(strings.Replace(uri, "//", "//user:"+password+"@", 1), "authSource=admin", "authSource=$external&authMechanism=PLAIN", 1)
	_, err := ca.OpenMongo(t.Context(), uri)
	wantError(t, err, nil, "no such user: user [redacted]")
	wantHidden(t, printed(t, err), password)
}

// tap forwards a connection and records the server's answers.
type tap struct {
	uri string

	mu    sync.Mutex
	bytes bytes.Buffer
}

func newTap(t *testing.T, uri string) *tap {
	t.Helper()
	u, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}

	listener := listen(t)
	server := u.Host
	u.Host = listener.Addr().String()

	tapped := &tap{uri: u.String()}
	go accept(listener, func(client net.Conn) {
		upstream, err := net.Dial("tcp", server)
		if err != nil {
			return
		}
		defer upstream.Close()
		go io.Copy(upstream, client)
		_, _ = io.Copy(client, io.TeeReader(upstream, tapped))
	})

	return tapped
}

func (t *tap) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bytes.Write(p)
}

// sent reports whether the server sent a text.
func (t *tap) sent(text string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Contains(t.bytes.Bytes(), []byte(text))
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func accept(l net.Listener, serve func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}

		go func() {
			defer c.Close()
			serve(c)
		}()
	}
}
