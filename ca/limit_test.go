package ca_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/catest"
)

// huge returns a sparse file that is too large for the memory.
func huge(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}

	if err := errors.Join(f.Truncate(1<<36), f.Close()); err != nil {
		t.Fatal(err)
	}

	return path
}

// If any configured file is endless, as a device, the error names it and the limit.
func TestFilesAreReadUpToTheirLimit(t *testing.T) {
	endless := huge(t, filepath.Join(t.TempDir(), "endless.pem"))
	server, _ := newCFSSL(t, catest.Options{})
	certificate, key := server.ClientPair()
	cert, keyFile := file(t, certificate), file(t, key)

	configured := func(c ca.Config) error {
		c.Addr, c.Key = "cfssl", catest.Key
		_, err := ca.New(c)
		return err
	}
	local := func(name string) error {
		dir := t.TempDir()
		newLocal(t, dir)
		huge(t, filepath.Join(dir, name))
		_, err := ca.OpenLocal(dir, nil)
		return err
	}

	_, keyErr := ca.ReadKey(endless)
	for name, err := range map[string]error{
		"CertPath":      configured(ca.Config{CertPath: endless}),
		"TLSRemoteCA":   configured(ca.Config{TLSRemoteCA: endless}),
		"MutualTLSCert": configured(ca.Config{MutualTLSCert: endless, MutualTLSKey: keyFile}),
		"MutualTLSKey":  configured(ca.Config{MutualTLSCert: cert, MutualTLSKey: endless}),
		"ReadKey":       keyErr,
		"ca-key.pem":    local("ca-key.pem"),
		"ca.pem":        local("ca.pem"),
	} {
		var at *fs.PathError
		if !errors.As(err, &at) || !strings.HasSuffix(at.Path, ".pem") || at.Err.Error() != "larger than 4 MiB" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A client hangs up on a MongoDB that never ends a listing, by the number of records or by their
// size.
func TestRecordsAreBounded(t *testing.T) {
	batch := func(records int, certificate []byte) (all bson.A) {
		for range records {
			all = append(all, bson.D{{Key: "_id", Value: "inbound/shop/echo"}, {Key: "bundle", Value: bson.D{{Key: "certificate", Value: certificate}}}})
		}
		return all
	}

	for want, documents := range map[string]bson.A{
		"more than 1000 records in k8s_ca":  batch(90, nil),
		"more than 1 MiB of them in k8s_ca": batch(10, make([]byte, 50<<10)),
	} {
		uri := serveStub(t, func(request bson.Raw) bson.D {
			for command, list := range map[string]string{"find": "firstBatch", "getMore": "nextBatch"} {
				if _, err := request.LookupErr(command); err == nil {
					cursor := bson.D{{Key: "id", Value: int64(7)}, {Key: "ns", Value: "tykmesh.k8s_ca"}, {Key: list, Value: documents}}
					return bson.D{{Key: "ok", Value: 1}, {Key: "cursor", Value: cursor}}
				}
			}
			return stubAnswer(request, "", 0)
		})

		l := openMongo(t, uri)
		ca.LimitListings(l, 1000, 1<<20)

		records, err := l.Records(t.Context())
		if len(records) > 0 {
			t.Errorf("%d records beside the error", len(records))
		}

		wantError(t, err, nil, want)
	}
}

// Requests to CFSSL are signed with its key, and do not contain it in any form.
func TestTheAuthKeyIsNotSent(t *testing.T) {
	server, _ := newCFSSL(t, catest.Options{})
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}

	var mu sync.Mutex
	var sent bytes.Buffer

	proxy := httputil.NewSingleHostReverseProxy(target)
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		var signed struct{ Request []byte } // JSON in base64
		_ = json.Unmarshal(body, &signed)
		fmt.Fprintf(&sent, "%v %v\n%s\n%s\n", r.URL, r.Header, body, signed.Request)
		proxy.ServeHTTP(w, r)
	}))

	t.Cleanup(between.Close)
	if err := issueEcho(t, newClient(t, ca.Config{Addr: between.URL, Key: catest.Key})); err != nil {
		t.Fatal(err)
	}

	raw, err := hex.DecodeString(catest.Key)
	if err != nil {
		t.Fatal(err)
	}

	wantHidden(t, sent.String(), catest.Key, strings.ToUpper(catest.Key), string(raw))
	if !strings.Contains(sent.String(), `"hostname":"echo.default"`) {
		t.Fatalf("what was sent was not seen:\n%s", &sent)
	}
}
