package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	mongooptions "go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// world is the servers of one test and what they hold.
type world struct {
	folder    string // of the script
	dashboard *dashboardtest.Server
	cfssl     *catest.Server
	mongo     string      // connection string
	ledger    *mongoProxy // before mongo

	dashboardOptions dashboardtest.Options

	clock atomic.Pointer[time.Time] // of all servers; nil is the system's

	admissions byte // what tyk-k8s has recorded (legacy_test.go)

	hanging     chan struct{} // receives when a request begins to hang
	background  *exec.Cmd     // the program that hung waited for
	web         string        // the address of the server of files
	seenOfDash  int           // requests that the script has seen
	seenOfCFSSL int
	folders     map[string][]string // what remember has seen
	authorities []string            // whose names anonymous has seen
	secrets     map[string]string   // what has been one, and what of (secretseen_test.go)
}

// now is what the servers take the time to be.
func (w *world) now() time.Time {
	if t := w.clock.Load(); t != nil {
		return *t
	}
	return time.Now()
}

// setClock is the command clock TIME.
func setClock(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: clock TIME")
	}
	t, err := time.Parse(time.RFC3339, args[0])
	ts.Check(err)
	worldOf(ts).clock.Store(&t)
	ts.Setenv(testClock, args[0])
}

type worldKey struct{}

func newWorld(folder string) *world {
	return &world{folder: folder, hanging: make(chan struct{}, 100), folders: map[string][]string{}, secrets: map[string]string{}}
}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

// named replaces what differs from run to run by names: addresses of servers, ids of certificates,
// the script's folder.
func (w *world) named(text string) string {
	replace := []string{w.folder + string(os.PathSeparator), ""}
	if w.dashboard != nil {
		scheme, host, _ := strings.Cut(w.dashboard.URL, "://")
		replace = append(replace, w.dashboard.URL, scheme+"://dashboard", host, "dashboard:80")
	}

	if w.cfssl != nil {
		scheme, host, _ := strings.Cut(w.cfssl.URL, "://")
		replace = append(replace, w.cfssl.URL, scheme+"://cfssl", host, "cfssl:80")
	}

	if u, err := url.Parse(w.mongo); err == nil && u.Host != "" {
		replace = append(replace, u.Host, "mongo:27017")
	}

	if w.web != "" {
		replace = append(replace, w.web, "web")
	}

	if w.ledger != nil {
		replace = append(replace, w.ledger.Addr().String(), "mongo:27017")
	}

	for id, name := range w.certificateNames() {
		replace = append(replace, id, name)
	}

	return strings.NewReplacer(replace...).Replace(text)
}

// certificateNames gives the ids of stored certificates the names of whom they are for:
// {echo.default}, and {echo.default 2} for the next one of the same.
func (w *world) certificateNames() map[string]string {
	names := map[string]string{}
	if w.dashboard == nil {
		return names
	}

	count := map[string]int{}
	for _, c := range w.dashboard.Certificates() {
		count[c.SubjectCN]++
		name := c.SubjectCN
		if n := count[name]; n > 1 {
			name += fmt.Sprint(" ", n)
		}
		names[c.ID] = "{" + name + "}"
	}

	return names
}

// setOptions sets fields of a struct by words: NAME for true, NAME=VALUE for a number or a text, with
// commas for several, in which an underscore is a space.
func setOptions(into any, words []string) error {
	fields := reflect.ValueOf(into).Elem()
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		field := fields.FieldByName(name)
		if !field.IsValid() {
			return fmt.Errorf("%T has no %s", into, name)
		}

		if field.Type() == reflect.TypeFor[time.Duration]() {
			d, err := time.ParseDuration(value)
			if err != nil {
				return err
			}
			field.SetInt(int64(d))
			continue
		}

		switch field.Kind() {
		case reflect.Bool:
			field.SetBool(true)
		case reflect.String:
			field.SetString(value)
		case reflect.Int:
			n, err := strconv.Atoi(value)
			if err != nil {
				return err
			}
			field.SetInt(int64(n))

		case reflect.Slice: // of texts
			field.Set(reflect.ValueOf(strings.Split(strings.ReplaceAll(value, "_", " "), ",")))
		default:
			return fmt.Errorf("%s is a %s", name, field.Type())
		}
	}

	return nil
}

// startDashboard is the command dashboard [OPTION...]. Of the options that are no texts, numbers or
// switches it knows readonly and apis-only.
func startDashboard(ts *testscript.TestScript, _ bool, args []string) {
	o := dashboardtest.Options{Secret: plantedDashboardKey}
	rights := map[string]dashboardtest.Rights{
		"readonly":  {APIs: dashboardtest.Read, Certificates: dashboardtest.Read},
		"apis-only": {Certificates: dashboardtest.Read},
		"team-a":    {User: "ann", Groups: []string{"A"}},
		"admin":     {User: "root", Admin: true},
	}

	if len(args) > 0 {
		if r, ok := rights[args[0]]; ok {
			o.Rights, args = r, args[1:]
		}
	}

	ts.Check(setOptions(&o, args))
	w := worldOf(ts)
	o.Now = w.now
	w.dashboard, w.dashboardOptions, w.seenOfDash = dashboardtest.New(o), o, 0
	ts.Defer(func() { w.dashboard.Close() })
	ts.Setenv("TYKMESH_TYK_URL", w.dashboard.URL)
	ts.Setenv("TYK_DASHBOARD_KEY", plantedDashboardKey)
	_, address, _ := strings.Cut(w.dashboard.URL, "://")
	ts.Setenv("DASHBOARD_ADDRESS", address)
	ts.Setenv("DASHBOARD_PORT", address[strings.LastIndex(address, ":")+1:])
	if o.TLS {
		text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.dashboard.Certificate()})
		ts.Check(os.WriteFile(ts.MkAbs("dashboard-ca.pem"), text, 0o644))
	}
}

// stopDashboard is the command stop-dashboard: connections are cut, and from now on nothing listens
// at its address.
func stopDashboard(ts *testscript.TestScript, _ bool, _ []string) { worldOf(ts).dashboard.Close() }

// restartDashboard is the command restart-dashboard, after stop-dashboard: it is back at its
// address with what it held.
func restartDashboard(ts *testscript.TestScript, _ bool, _ []string) {
	w := worldOf(ts)
	former, o := w.dashboard, w.dashboardOptions
	o.Addr = ts.Getenv("DASHBOARD_ADDRESS")
	w.dashboard, w.seenOfDash = dashboardtest.New(o), 0
	for _, a := range former.APIs() {
		w.dashboard.PutAPI(a)
	}

	for _, c := range former.Certificates() {
		w.dashboard.PutCertificate(former.PEM(c.ID))
	}
}

// startCFSSL is the command cfssl [OPTION...]. It leaves the CA in cfssl-ca.pem and
// cfssl-ca-key.pem, and for a CFSSL that wants one a client's certificate in client.pem and
// client-key.pem. SignWith makes another CA sign than the one that CFSSL shows; Expired is a CA of
// another time; ca=DIR serves the CA of a folder.
func startCFSSL(ts *testscript.TestScript, _ bool, args []string) {
	o := catest.Options{Key: plantedCFSSLKey, CA: catest.NewCA("Mesh CA")}
	if i := slices.Index(args, "SignWith"); i >= 0 {
		o.SignWith = catest.NewCA("Another CA")
		args = slices.Delete(args, i, i+1)
	}

	if len(args) > 0 && strings.HasPrefix(args[0], "ca=") {
		dir := strings.TrimPrefix(args[0], "ca=") + "/"
		o.CA = catest.ReadCA([]byte(ts.ReadFile(dir+pki.CertFile)), []byte(ts.ReadFile(dir+pki.KeyFile)))
		o.Key, args = strings.TrimSpace(ts.ReadFile(dir+pki.AuthKeyFile)), args[1:]
	}

	if i := slices.Index(args, "Expired"); i >= 0 {
		year := func(y int) time.Time { return time.Date(y, time.January, 1, 0, 0, 0, 0, time.UTC) }
		o.CA = catest.NewCAFor("Mesh CA", year(2020), year(2025))
		args = slices.Delete(args, i, i+1)
	}

	ts.Check(setOptions(&o, args))
	w := worldOf(ts)
	o.Now = w.now
	w.cfssl, w.seenOfCFSSL = catest.New(o), 0
	ts.Defer(w.cfssl.Close)
	ts.Setenv("TYKMESH_CA_ADDR", w.cfssl.URL)
	_, address, _ := strings.Cut(w.cfssl.URL, "://")
	ts.Setenv("CFSSL_ADDRESS", address)
	ts.Setenv("CFSSL_PORT", address[strings.LastIndex(address, ":")+1:])
	ts.Setenv("CFSSL_KEY", o.Key)
	ts.Check(os.WriteFile(ts.MkAbs("cfssl-ca.pem"), w.cfssl.CA.PEM(), 0o644))
	ts.Check(os.WriteFile(ts.MkAbs("cfssl-ca-key.pem"), w.cfssl.CA.KeyPEM(), 0o600))
	if o.MutualTLS {
		certificate, key := w.cfssl.ClientPair()
		ts.Check(os.WriteFile(ts.MkAbs("client.pem"), certificate, 0o644))
		ts.Check(os.WriteFile(ts.MkAbs("client-key.pem"), key, 0o600))
	}
}

// stopCFSSL is the command stop-cfssl: from now on nothing listens at its address.
func stopCFSSL(ts *testscript.TestScript, _ bool, _ []string) { worldOf(ts).cfssl.Close() }

// startMongo is the command mongo.
func startMongo(ts *testscript.TestScript, _ bool, _ []string) {
	uri, stop, err := catest.StartMongo(context.Background())
	ts.Check(err)
	ts.Defer(stop)
	w := worldOf(ts)
	ts.Check(w.connect(uri, "tykmesh"))
	ts.Defer(func() { w.ledger.Close() })
	ts.Setenv("TYKMESH_CA_MONGOCONNSTR", w.ledger.uri)
}

// hasMongo reports whether the machine can run a MongoDB. CI must, so there a script that needs one
// fails instead of being skipped.
func hasMongo() bool {
	if !catest.MongoWanted() {
		return false
	}
	if ci := os.Getenv("CI"); ci == "1" || ci == "true" {
		return true
	}
	_, stop, err := catest.StartMongo(context.Background())
	if err != nil {
		return false
	}
	stop()

	return true
}

// connect makes a database of a MongoDB the world's.
func (w *world) connect(uri, database string) (err error) {
	u, err := url.Parse(uri)
	if err != nil {
		return err
	}
	u.Path = "/" + database
	w.mongo = u.String()
	w.ledger, err = newMongoProxy(uri, database)

	return err
}

// startSilent is the command silent mongo|cfssl: it starts a server that takes connections and
// never says a word.
func startSilent(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })

	w := worldOf(ts)
	switch {
	case slices.Equal(args, []string{"mongo"}):
		w.mongo = "mongodb://tykmesh:" + plantedMongoPassword + "@" + l.Addr().String() + "/tykmesh"
		ts.Setenv("TYKMESH_CA_MONGOCONNSTR", w.mongo)
	case slices.Equal(args, []string{"cfssl"}):
		ts.Setenv("TYKMESH_CA_ADDR", "http://"+l.Addr().String())
		ts.Setenv("CFSSL_KEY", plantedCFSSLKey)
	default:
		ts.Fatalf("usage: silent mongo|cfssl")
	}

	w.forgetHanging()
	go func() {
		var taken []net.Conn
		for {
			c, err := l.Accept()
			if err != nil {
				break
			}
			taken = append(taken, c)
			w.hanging <- struct{}{}
		}

		for _, c := range taken {
			c.Close()
		}
	}()
}

// forgetHanging makes hung wait for what hangs from now on.
func (w *world) forgetHanging() {
	for len(w.hanging) > 0 {
		<-w.hanging
	}
}

// documents are what MongoDB's collection k8s_ca holds, by _id.
func (w *world) documents() ([]bson.D, error) {
	ctx := context.Background()
	client, err := mongo.Connect(mongooptions.Client().ApplyURI(w.mongo))
	if err != nil {
		return nil, err
	}

	defer client.Disconnect(ctx)
	u, err := url.Parse(w.mongo)
	if err != nil {
		return nil, err
	}

	cursor, err := client.Database(strings.TrimPrefix(u.Path, "/")).Collection("k8s_ca").Find(ctx, bson.D{})
	if err != nil {
		return nil, err
	}

	var all []bson.D
	if err := cursor.All(ctx, &all); err != nil {
		return nil, err
	}

	id := func(d bson.D) string { return fmt.Sprint(lookUp(d, "_id")) }
	slices.SortFunc(all, func(a, b bson.D) int { return strings.Compare(id(a), id(b)) })

	return all, nil
}

// lookUp returns a field of a document, nil if it has none of that name.
func lookUp(d bson.D, name string) any {
	for _, e := range d {
		if e.Key == name {
			return e.Value
		}
	}
	return nil
}

// leaves returns the stored certificates, parsed, by id.
func (w *world) leaves() (map[string]*x509.Certificate, error) {
	all := map[string]*x509.Certificate{}
	for _, c := range w.dashboard.Certificates() {
		leaf, err := parseLeaf(w.dashboard.PEM(c.ID))
		if err != nil {
			return nil, err
		}
		all[c.ID] = leaf
	}

	return all, nil
}

// sorted returns the keys of a map in order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
