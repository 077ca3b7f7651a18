package apply

import (
	"context"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// past is a world of tyk-k8s: what its webhook piled up with every pod.
type past struct {
	*world
	plant func(id bson.ObjectID, document bson.D) // a record as tyk-k8s wrote it
	n     byte
}

// The ledgers that a past can have.
const (
	inFile  = "file"
	inMongo = "MongoDB"
	nowhere = "no ledger"
)

// nothingPlanted leaves what is uploaded without a record.
func nothingPlanted(bson.ObjectID, bson.D) {}

func newPast(t *testing.T, ledger string) *past {
	p := &past{world: newWorld(t, dashboardtest.Options{}), plant: nothingPlanted}
	p.settings.MeshHosts, p.settings.Settle = []string{"mesh"}, time.Nanosecond

	ctx := context.Background()
	switch ledger {
	case nowhere:
		p.remote.Ledger = nil
	case inFile:
		path := filepath.Join(t.TempDir(), "ledger.db")
		opened, err := ca.OpenFileLedger(ctx, path)
		must(t, err)
		p.remote.Ledger = opened
		p.plant = func(id bson.ObjectID, document bson.D) {
			value, err := bson.MarshalExtJSON(document, false, false)
			must(t, err)
			db, err := bbolt.Open(path, 0o600, nil)
			must(t, err)
			defer db.Close()
			must(t, db.Update(func(tx *bbolt.Tx) error {
				bucket, err := tx.CreateBucketIfNotExists([]byte("k8s_ca"))
				must(t, err)
				return bucket.Put([]byte(id.Hex()), value)
			}))
		}

	case inMongo:
		uri := catest.Mongo(t)
		opened, err := ca.OpenMongo(ctx, uri)
		must(t, err)
		t.Cleanup(func() { _ = opened.Close(ctx) })
		p.remote.Ledger = opened
		client, err := mongo.Connect(options.Client().ApplyURI(uri))
		must(t, err)
		t.Cleanup(func() { _ = client.Disconnect(ctx) })
		u, err := url.Parse(uri)
		must(t, err)
		p.plant = func(_ bson.ObjectID, document bson.D) {
			_, err := client.Database(strings.Trim(u.Path, "/")).Collection("k8s_ca").InsertOne(ctx, document)
			must(t, err)
		}
	}

	return p
}

// upload stores a certificate for hosts, with a record of tyk-k8s.
func (p *past) upload(hosts ...string) (id string) {
	p.tb.Helper()
	bundle, err := p.remote.Issuer.Issue(context.Background(), hosts)
	must(p.tb, err)
	id = p.dash.PutCertificate(bundle.PEM())
	p.n++
	isMesh := hosts[0] == mesh.Tag

	fingerprint := strings.TrimPrefix(id, p.settings.Org)
	if isMesh {
		fingerprint = id
	}

	key := bson.ObjectID{0x5f, p.n}
	p.plant(key, bson.D{
		{Key: "_id", Value: key},
		{Key: "uid", Value: "0b7c4a55-6b9b-4f0f-8a5e-1c1e7f1b3d11"},
		{Key: "bundle", Value: bson.D{
			{Key: "privatekey", Value: []byte(bundle.Key)}, {Key: "certificate", Value: bundle.Certificate},
			{Key: "bundled", Value: bundle.PEM()}, {Key: "fingerprint", Value: fingerprint},
		}},
		{Key: "bundlehistory", Value: bson.A{}},
		{Key: "created", Value: bundle.Leaf.NotBefore}, {Key: "expires", Value: bundle.Leaf.NotAfter},
		{Key: "clientegressids", Value: nil}, {Key: "serviceid", Value: ""}, {Key: "ismeshcert", Value: isMesh},
	})

	return id
}

// pods is what a webhook leaves behind that saw so many pods of an app: a certificate for each on
// the inbound API, and that of the mesh as often on the mesh API.
func (p *past) pods(app string, n int, meshID string) {
	var own, shared []any
	for range n {
		own, shared = append(own, p.upload(app+".shop")), append(shared, meshID)
	}

	made := func(tag string, certificates []any) dashboard.Definition {
		return dashboard.Definition{
			"api_id": app + tag, "tags": []any{tag}, "certificates": certificates, "active": true, "version_data": map[string]any{"not_versioned": true},
		}
	}
	p.put(app+"-inbound", app+".shop", "/", "http://localhost:6767", made(app, own))
	p.put(app+"-mesh", "mesh", "/"+app, "https://"+app+".shop:8080", made("mesh", shared))
}

// pile returns a past with two services of three pods each, a controller that started twice, and a
// service that is gone.
func pile(t *testing.T, ledger string) *past {
	p := newPast(t, ledger)
	started := p.upload("mesh")
	p.pods("echo", 3, p.upload("mesh"))
	p.pods("sleep", 2, started)
	p.upload("gone.shop")
	p.put("shop", "shop.example", "/", "http://shop", nil)
	p.later(2 * time.Hour)

	return p
}
