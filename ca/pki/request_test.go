package pki_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cloudflare/cfssl/csr"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/pki"
)

// The csr_ca.json of the guide to tyk-k8s makes the CA that the guide makes.
func TestGuidesRequest(t *testing.T) {
	r, err := pki.ParseRequest([]byte(`{
    "CN": "Mesh Internal Signing CA",
    "key": {"algo": "rsa", "size": 4096},
    "names": [{"C": "GB", "L": "London", "O": "Tyk Technologies Ltd.", "OU": "Tyk Kubernetes CA Service", "ST": "London"}]
}`))
	if err != nil {
		t.Fatal(err)
	}

	guide, _ := pki.GuideRequest().Text()
	if text, err := r.Text(); err != nil || string(text) != string(guide) {
		t.Errorf("%s, %v", text, err)
	}
}

// What a csr_ca.json cannot say is an error, not left out.
func TestWrongRequests(t *testing.T) {
	for text, want := range map[string]string{
		``:                                     "ends too early",
		`{"CN": "CA"`:                          "ends too early",
		`{"CN": "CA"} {}`:                      "text follows",
		`{"CN": "CA", "cns": 1}`:               `unknown field "cns"`,
		`{"CN": "CA", "hosts": ["a"]}`:         `unknown field "hosts"`,
		`{"CN": "CA", "ca": {"pathlen": 3}}`:   `unknown field "pathlen"`,
		`{"CN": "CA", "ca": {"expiry": "5y"}}`: `ca.expiry "5y"`,
		`{"CN": "CA", "ca": {"expiry": "1m"}}`: "allowed are one hour",
		`{"CN": 1}`:                            "not a certificate request",
		`{"names": [{"O": "x"}]}`:              "needs a common name",
		`{"CN": "CA", "key": {"algo": "rsa", "size": 1024}}`:    "2048 to 8192",
		`{"CN": "CA", "key": {"algo": "ecdsa", "size": 224}}`:   "256, 384 or 521",
		`{"CN": "CA", "key": {"algo": "ed25519", "size": 256}}`: "Tyk gateways cannot read such keys",
		`{"CN": "CA", "key": {"algo": "dsa", "size": 2048}}`:    "rsa or ecdsa",
		`{"CN": "CA", "names": [{"C": "Britain"}]}`:             `C "Britain": 7 bytes`,
		`{"CN": "CA", "names": [{"C": "gb"}]}`:                  "two capital letters",
		`{"CN": "CA", "names": [{"E": "a@b"}]}`:                 "C, ST, L, O and OU",
		`{"CN": "CA", "names": [{"O": "a\u0000b"}]}`:            "cannot be printed",
		`{"CN": "` + strings.Repeat("a", 56) + `"}`:             "the limit is 55",
		`{"CN": "CA", "names": [{"OU": "` + long(65) + `"}]}`:   "the limit is 64",
		`{"CN": "CA", "names": [{"OID": {"1.2": "x"}}]}`:        "C, ST, L, O and OU",
		`{"CN": " CA"}`: "begins or ends with a blank",
	} {
		if _, err := pki.ParseRequest([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func long(n int) string { return strings.Repeat("a", n) }

// What cannot be made is refused before anything is.
func TestRefused(t *testing.T) {
	for want, change := range map[string]func(*pki.Options){
		"would outlive a CA valid for 1825 days":              func(o *pki.Options) { o.Serving.CertExpiry = o.Request.Expiry },
		"certificates cannot be valid for 59m0s: allowed are": func(o *pki.Options) { o.Serving.CertExpiry = 59 * time.Minute },
		"a CA cannot be valid for":                            func(o *pki.Options) { o.Request.Expiry = 101 * 365 * 24 * time.Hour },
		`namespace "Shop"`:                                    func(o *pki.Options) { o.Serving.Namespace = "Shop" },
		`namespace ""`:                                        func(o *pki.Options) { o.Serving.MeshNamespaces = []string{"shop", ""} },
		`namespace "a.b"`:                                     func(o *pki.Options) { o.Serving.AllowNamespaces = []string{"a.b"} },
		`namespace "` + long(64):                              func(o *pki.Options) { o.Serving.Namespace = long(64) },
		"needs an image":                                      func(o *pki.Options) { o.Serving.Image = "" },
		`image "cfssl cfssl"`:                                 func(o *pki.Options) { o.Serving.Image = "cfssl cfssl" },
		"the limit is 50":                                     func(o *pki.Options) { o.Request.CommonName, o.Intermediate = long(51), true },
		"key rsa 1024: the size":                              func(o *pki.Options) { o.Request.Key = ca.KeyRequest{Algo: ca.RSA, Size: 1024} },
	} {
		s, err := pki.Make(t.Context(), options(change))
		if err == nil || !strings.Contains(err.Error(), want) || len(s.Files) > 0 {
			t.Errorf("%v with %d files, want %q", err, len(s.Files), want)
		}
	}
}

func TestSubjects(t *testing.T) {
	for text, want := range map[string]csr.Name{
		"C=GB, L=London, O=Example Ltd":   {C: "GB", L: "London", O: "Example Ltd"},
		`O=Example\, Inc.,OU= a\=b \\ c `: {O: "Example, Inc.", OU: `a=b \ c`},
		"ST = a=b":                        {ST: "a=b"},
	} {
		got, err := pki.ParseSubject(text)
		if err != nil || pki.FormatSubject(got) != pki.FormatSubject(want) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}

	for text, want := range map[string]string{
		"":             "want KEY=VALUE",
		"London":       `"London": want KEY=VALUE`,
		"O=Example, x": `"x": want`,
		"O=a, Inc":     `a comma in a value is written \,`,
		"o=a":          `"o": the keys are C, ST, L, O and OU`,
		"CN=a":         `"CN": the keys are`,
		"O=a,O=b":      `"O" is there twice`,
		"O=":           `"O" has no value`,
		`O=a\`:         "a backslash at the end escapes nothing",
		"C=G":          "two capital letters",
		"O=a\tb":       "cannot be printed",
		"O=\xff":       "not UTF-8",
	} {
		if _, err := pki.ParseSubject(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// What is read as a subject is written so that it is read as the same.
func FuzzSubject(f *testing.F) {
	for _, text := range []string{"C=GB, L=London, O=Example Ltd", `O=Example\, Inc.,OU=a\=b \\ c`, "", "O=", "x", `O=a\`, "ST=ü"} {
		f.Add(text)
	}

	f.Fuzz(func(t *testing.T, text string) {
		name, err := pki.ParseSubject(text)
		if err != nil {
			return
		}
		again, err := pki.ParseSubject(pki.FormatSubject(name))
		if err != nil || pki.FormatSubject(again) != pki.FormatSubject(name) {
			t.Errorf("%q is %+v, and written and read %+v, %v", text, name, again, err)
		}

		if _, err := pki.Make(t.Context(), options(func(o *pki.Options) { o.Request.Names = []csr.Name{name} })); err != nil {
			t.Errorf("%q: no CA can have the name: %v", text, err)
		}
	})
}

// Whatever is read as a csr_ca.json can be made, and is written so that it is read as the same.
func FuzzRequest(f *testing.F) {
	guide, err := pki.GuideRequest().Text()
	if err != nil {
		f.Fatal(err)
	}

	for _, text := range []string{string(guide), `{"CN": "CA"}`, `{"CN": "CA", "ca": {"expiry": "1h30m"}, "names": [{}, {"O": "<&>\u2028"}]}`, `{`, `[]`, `null`} {
		f.Add(text)
	}

	f.Fuzz(func(t *testing.T, text string) {
		r, err := pki.ParseRequest([]byte(text))
		if err != nil {
			return
		}

		written, err := r.Text()
		if err != nil {
			t.Fatal(err)
		}

		again, err := pki.ParseRequest(written)
		if err != nil {
			t.Fatalf("%q is written %s, and read: %v", text, written, err)
		}

		if twice, err := again.Text(); err != nil || string(twice) != string(written) {
			t.Errorf("%q is written %s, then %s", text, written, twice)
		}

		r.Key = ca.KeyRequest{Algo: ca.ECDSA, Size: 256} // a large one takes seconds
		if _, err := pki.Make(t.Context(), options(func(o *pki.Options) { o.Request, o.Serving.CertExpiry = r, min(time.Hour, r.Expiry-1) })); err != nil && r.Expiry > time.Hour {
			t.Errorf("%q: cannot be made: %v", text, err)
		}
	})
}
