package pki

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/cloudflare/cfssl/csr"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/internal/file"
)

// Request describes a CA to make.
type Request struct {
	CommonName string // the beginning of the CA's common name
	Names      []csr.Name
	Key        ca.KeyRequest
	Expiry     time.Duration // of the CA
}

// GuideRequest returns a request for the CA of the guide to tyk-k8s.
func GuideRequest() Request {
	return Request{
		CommonName: "Mesh Internal Signing CA",
		Names:      []csr.Name{{C: "GB", ST: "London", L: "London", O: "Tyk Technologies Ltd.", OU: "Tyk Kubernetes CA Service"}},
		Key:        ca.KeyRequest{Algo: ca.RSA, Size: 4096},
		Expiry:     guideExpiry,
	}
}

// guideExpiry is the default of cfssl for a CA.
const guideExpiry = 5 * year

// requestFile is a csr_ca.json: the fields of cfssl gencert -initca that are used here.
type requestFile struct {
	CN    string          `json:"CN"`
	Key   *csr.KeyRequest `json:"key,omitempty"`
	Names []csr.Name      `json:"names"`
	CA    *requestCA      `json:"ca,omitempty"`
}

type requestCA struct {
	Expiry string `json:"expiry"`
}

// ReadRequest reads the csr_ca.json of a directory.
//
// Errors: fs.ErrNotExist; a file with unknown fields or invalid values.
func ReadRequest(dir string) (Request, error) {
	text, err := file.Read(filepath.Join(dir, RequestFile))
	if err != nil {
		return Request{}, err
	}
	r, err := parseRequest(text)
	if err != nil {
		return Request{}, fmt.Errorf("%s: %w", filepath.Join(dir, RequestFile), err)
	}

	return r, nil
}

// parseRequest parses a csr_ca.json. Missing fields have the defaults of cfssl. Fields that would
// be ignored are errors.
func parseRequest(text []byte) (Request, error) {
	var f requestFile
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("the text ends too early")
		}
		return Request{}, fmt.Errorf("not a certificate request in JSON: %s", strings.TrimPrefix(err.Error(), "json: "))
	}

	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Request{}, errors.New("not a certificate request in JSON: text follows the first value")
	}

	r := Request{CommonName: f.CN, Names: f.Names, Key: ca.KeyRequest{Algo: ca.ECDSA, Size: 256}, Expiry: guideExpiry}
	if f.Key != nil {
		r.Key = ca.KeyRequest{Algo: f.Key.A, Size: f.Key.S}
	}

	if f.CA != nil && f.CA.Expiry != "" {
		expiry, err := time.ParseDuration(f.CA.Expiry)
		if err != nil {
			return Request{}, fmt.Errorf("ca.expiry %q: not a time like 43800h", f.CA.Expiry)
		}
		r.Expiry = expiry
	}

	return r, r.check(false)
}

// text returns the request as csr_ca.json.
func (r Request) text() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(requestFile{r.CommonName, &csr.KeyRequest{A: r.Key.Algo, S: r.Key.Size}, r.Names, &requestCA{hours(r.Expiry)}})
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", RequestFile, err)
	}

	return b.Bytes(), nil
}

// The longest common name (RFC 5280, appendix A.1, ub-common-name), the length of the suffix of
// ca.UniqueName, and the suffix of a root before it.
const (
	maxCommonName = 64
	uniqueSuffix  = 9
	rootSuffix    = " Root"
)

// The shortest and the longest lifetimes of a CA. Certificates of cfssl begin five minutes in the
// past, so a lifetime of minutes would be none.
const (
	minExpiry = time.Hour
	maxYears  = 100
	maxExpiry = maxYears * year
	year      = 365 * 24 * time.Hour
)

func (r Request) check(intermediate bool) error {
	longest := maxCommonName - uniqueSuffix
	if intermediate {
		longest -= len(rootSuffix)
	}

	switch err := checkText(r.CommonName, longest); {
	case r.CommonName == "":
		return errors.New("a CA needs a common name")
	case err != nil:
		return fmt.Errorf("common name %q: %w", r.CommonName, err)
	}

	for _, n := range r.Names {
		if err := checkName(n); err != nil {
			return err
		}
	}

	if err := r.Key.Check(); err != nil {
		return err
	}

	return checkExpiry("a CA", r.Expiry, maxYears)
}

func checkExpiry(whose string, d time.Duration, years int) error {
	if d < minExpiry || d > time.Duration(years)*year {
		return fmt.Errorf("%s cannot be valid for %s: allowed are one hour to %d years", whose, hours(d), years)
	}
	return nil
}

// hours returns a duration as in cfssl's files: "8760h".
func hours(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return d.String()
}

// same reports whether two requests describe the same CA, except for its key.
func (r Request) same(other Request) bool {
	return r.CommonName == other.CommonName && r.Key == other.Key && r.Expiry == other.Expiry && fmt.Sprint(r.Names) == fmt.Sprint(other.Names)
}

// differs reports whether a directory has a csr_ca.json, which is not changed, that describes
// another CA.
func (r Request) differs(dir string) bool {
	there, err := ReadRequest(dir)
	return !errors.Is(err, fs.ErrNotExist) && (err != nil || !r.same(there))
}
