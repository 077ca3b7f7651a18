package main

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	mongooptions "go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/dashboard"
)

// pods is the command pods APP N, after clock: tyk-k8s starts and admits N pods of an app in
// default, a minute each. That leaves one certificate of the mesh, which the app's mesh API gets N
// times, and a certificate on its inbound API with every pod, all of them recorded with their keys.
func pods(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: pods APP N")
	}

	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	w, app := worldOf(ts), args[0]
	var own, shared []any
	started, err := w.admitted("mesh")
	ts.Check(err)
	for range n {
		id, err := w.admitted(app + ".default")
		ts.Check(err)
		own, shared = append(own, id), append(shared, started)
	}

	w.attach(app+"-inbound", own, dashboard.Definition{
		"domain": app + ".default", "tags": []any{app}, "proxy": map[string]any{"listen_path": "/", "target_url": "http://localhost:6767"},
	})
	w.attach(app+"-mesh", shared, dashboard.Definition{
		"domain": "mesh", "tags": []any{"mesh"}, "proxy": map[string]any{"listen_path": "/" + app, "target_url": "https://" + app + ".default:8080"},
	})
}

// attach puts certificates on the API of a slug, beside those that it has; d is the API if there is
// none yet.
func (w *world) attach(slug string, certificates []any, d dashboard.Definition) {
	d["name"], d["slug"], d["api_id"], d["active"], d["version_data"] = slug, slug, "of-"+slug, true, map[string]any{"not_versioned": true}
	for _, there := range w.definitions() {
		if there.Slug() == slug {
			d = there
		}
	}

	held, _ := d["certificates"].([]any)
	d["certificates"] = append(held, certificates...)
	w.dashboard.PutAPI(dashboard.API{Definition: d})
}

// admitted makes a certificate as tyk-k8s does, and returns its id in the store.
func (w *world) admitted(host string) (id string, err error) {
	ctx := context.Background()
	client, err := ca.New(ca.Config{Addr: w.cfssl.URL, Key: plantedCFSSLKey, Now: w.now})
	if err != nil {
		return "", err
	}

	bundle, err := ca.Issue(ctx, client, ca.Request{Hosts: []string{host}, Key: ca.KeyRequest{Algo: ca.ECDSA, Size: 256}, Now: w.now})
	if err != nil {
		return "", err
	}

	w.clock.Store(new(w.now().Add(time.Minute)))
	id = w.dashboard.PutCertificate(bundle.PEM())
	if w.mongo == "" {
		return id, nil
	}

	database, err := mongo.Connect(mongooptions.Client().ApplyURI(w.mongo))
	if err != nil {
		return "", err
	}

	defer database.Disconnect(ctx)
	u, err := url.Parse(w.mongo)
	if err != nil {
		return "", err
	}

	w.admissions++

	fingerprint := id
	if host != "mesh" {
		fingerprint = strings.TrimPrefix(id, w.dashboard.Org)
	}

	_, err = database.Database(strings.TrimPrefix(u.Path, "/")).Collection("k8s_ca").InsertOne(ctx, bson.D{
		{Key: "_id", Value: bson.ObjectID{0x5f, w.admissions}},
		{Key: "uid", Value: "0b7c4a55-6b9b-4f0f-8a5e-1c1e7f1b3d11"},
		{Key: "bundle", Value: bson.D{
			{Key: "privatekey", Value: []byte(bundle.Key)}, {Key: "certificate", Value: bundle.Certificate},
			{Key: "bundled", Value: bundle.PEM()}, {Key: "fingerprint", Value: fingerprint},
		}},
		{Key: "bundlehistory", Value: nil},
		{Key: "created", Value: w.now()}, {Key: "expires", Value: bundle.Leaf.NotAfter},
		{Key: "clientegressids", Value: nil}, {Key: "serviceid", Value: ""}, {Key: "ismeshcert", Value: host == "mesh"},
	})

	return id, err
}
