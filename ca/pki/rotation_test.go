package pki_test

import (
	"crypto/x509"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tykmesh/tykmesh/ca/pki"
)

// Without a csr_ca.json the next CA is like the present one, as far as there may be another like
// it.
func TestRequestLikePresent(t *testing.T) {
	year := 365 * 24 * time.Hour
	for name, test := range map[string]struct {
		change func(*x509.Certificate)
		want   pki.Request
		fails  string
	}{
		"the same":           {func(*x509.Certificate) {}, options().Request, ""},
		"for ever":           {func(c *x509.Certificate) { c.NotAfter = c.NotBefore.Add(150 * year) }, options(func(o *pki.Options) { o.Request.Expiry = 100 * year }).Request, ""},
		"a long name":        {func(c *x509.Certificate) { c.Subject.CommonName = "a" + strings.Repeat("é", 31) }, options(func(o *pki.Options) { o.Request.CommonName = "a" + strings.Repeat("é", 24) }).Request, ""},
		"no name":            {func(c *x509.Certificate) { c.Subject.CommonName = "" }, pki.Request{}, "csr_ca.json does not exist, and the current certificate cannot take its place: a CA needs a common name"},
		"an unusual country": {func(c *x509.Certificate) { c.Subject.Country = []string{"gb"} }, pki.Request{}, `country "gb"`},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := readRotation(t, bringFolder(t, folder(t, selfSigned(t, setUp(t), test.change)))).Request()
			if test.fails == "" && err != nil || test.fails != "" && (err == nil || !strings.Contains(err.Error(), test.fails)) {
				t.Fatalf("error %v", err)
			}
			if test.fails == "" && !reflect.DeepEqual(request, test.want) {
				t.Errorf("asked for is %+v, want %+v", request, test.want)
			}
		})
	}
}

// A CA that has expired can be changed in the same steps; it cannot sign the next one any more.
func TestRotationOfAnExpiredCA(t *testing.T) {
	dir, later := newFolder(t), time.Now().Add(6*365*24*time.Hour)
	for i, f := range []func(pki.Rotation) (pki.Change, error){
		func(r pki.Rotation) (pki.Change, error) { return r.Trust(t.Context(), options().Request, nil, later) }, pki.Rotation.Sign, pki.Rotation.Settle,
	} {
		r, err := pki.ReadRotation(dir, later)
		if err != nil {
			t.Fatal(err)
		}

		if r.Taken != pki.Step(i) || r.Expired(later) != (i < 2) || r.CrossSigned() {
			t.Errorf("before step %d: taken is %d, expired %t, cross-signed %t", i+1, r.Taken, r.Expired(later), r.CrossSigned())
		}

		change, err := f(r)
		if err != nil {
			t.Fatal(err)
		}

		if err := change.Write(dir); err != nil {
			t.Fatal(err)
		}
	}
}

// No CA outlives the root that signs it.
func TestReissueEndsWithTheRoot(t *testing.T) {
	dir := newFolder(t, intermediate)
	r := readRotation(t, dir)

	rootKey, err := r.ReadRootKey("")
	if err != nil {
		t.Fatal(err)
	}

	request := options(func(o *pki.Options) { o.Request.Expiry = 20 * 365 * 24 * time.Hour }).Request

	change, err := r.Reissue(t.Context(), request, rootKey, time.Now())
	if err != nil {
		t.Fatal(err)
	}

	if err := change.Write(dir); err != nil {
		t.Fatal(err)
	}

	if now := readRotation(t, dir).Current; now.Certificate.NotAfter.After(now.Root().NotAfter) {
		t.Errorf("the CA ends on %s, its root on %s", now.Certificate.NotAfter, now.Root().NotAfter)
	}
}
