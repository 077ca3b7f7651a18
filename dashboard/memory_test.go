package dashboard_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/dashboard"
)

// shapes are endless listings, by the text that they repeat. Each takes more memory than its text
// for another reason.
var shapes = map[string]struct{ begin, again string }{
	"a text":         {`{"apis":[{"api_definition":{"id":"5f`, "aaaaaaaa"},
	"a number":       {`{"apis":[{"api_definition":{"id":1`, "00000000"},
	"a key":          {`{"apis":[{"api_definition":{"id":"5f","`, "aaaaaaaa"},
	"a field":        {`{"other":"`, "aaaaaaaa"},
	"a field's name": {`{"`, "aaaaaaaa"},
	"zeros":          {`{"apis":[{"api_definition":{"id":"5f","tags":[0`, ",0"},
	"objects":        {`{"apis":[{"api_definition":{"id":"5f","tags":[{"a":0}`, `,{"a":0}`},
	"kept beside it": {`{"apis":[{"user_owners":[0`, `,0`},
	"fields beside":  {`{"apis":[{"api_definition":{"id":"5f"}`, `,"NNNNNNNN":0`},
	"blanks":         {`{"apis":[`, `        `},
	"small entries":  {`{"apis":[{"api_definition":{"id":"5f"}}`, `,{"api_definition":{"id":"5f"}}`},
	"dense entries":  {`{"apis":[{"api_definition":{"id":"5f"}}`, `,{"api_definition":{"id":"NNNNNNNN","tags":[NNNNNNNN` + strings.Repeat(`,{"NNNNNNNN":0}`, 200) + `]}}`},
	"alike entries":  {`{"apis":[{"api_definition":{"id":"5f"}}`, `,{"api_definition":{"id":"NNNNNNNN","tags":[NNNNNNNN` + strings.Repeat(`,{"a":0}`, 200) + `]}}`},
	"a dense entry":  {`{"apis":[{"api_definition":{"id":"5f"}}`, `,{"api_definition":{"id":"NNNNNNNN","tags":[0` + strings.Repeat(`,{"a":0}`, 15<<17) + `]}}`},
	"wide entries":   {`{"apis":[{"api_definition":{"id":"5f"}}`, `,{"api_definition":{"id":"NNNNNNNN","tags":[NNNNNNNN` + strings.Repeat(`,0`, 800) + `]}}`},
	"certificates":   {`{"certs":["5f"`, `,"NNNNNNNN"`},
	"wide ones":      {`{"cert_basics":[{"id":"5f"}`, `,{"id":"NNNNNNNN","dns_names":["a"` + strings.Repeat(`,"a"`, 300) + `]}`},
}

// repeated repeats a text, with another number for NNNNNNNN each time.
type repeated struct {
	begin, again string
	n            int
	rest         []byte
}

func (r *repeated) Read(b []byte) (int, error) {
	for len(r.rest) < len(b) {
		if r.n++; r.n == 1 {
			r.rest = append(r.rest, r.begin...)
		}
		r.rest = append(r.rest, bytes.ReplaceAll([]byte(r.again), []byte("NNNNNNNN"), fmt.Appendf(nil, "1%07d", r.n))...)
	}

	n := copy(b, r.rest)
	r.rest = r.rest[:copy(r.rest, r.rest[n:])]
	return n, nil
}

// The memory of every listing is a small multiple of the text that may be read. Listings with one
// endless value may be as long as a real listing. The others, which are read to their end, have a
// quarter of that limit.
func TestListingsTakeLittleMemory(t *testing.T) {
	if name := os.Getenv("TYKMESH_TEST_SHAPE"); name != "" {
		listShape(t, name)
		return
	}

	if raced {
		t.Skip("make test measures memory, without the race detector")
	}

	for name := range shapes {
		t.Run(name, func(t *testing.T) { // in a process of its own, whose memory nothing else has grown
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestListingsTakeLittleMemory$")
			cmd.Env = append(os.Environ(), "TYKMESH_TEST_SHAPE="+name)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

func listShape(t *testing.T, name string) {
	shape := shapes[name]
	numbered := strings.Contains(shape.again, "NNNNNNNN")
	if !numbered {
		shape.again = strings.Repeat(shape.again, 4096/len(shape.again)+1) // the server must not cost more than its client
	}

	c, err := dashboard.NewWith(dashboard.Config{URL: "http://dash", Secret: "k"}, transport(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(&repeated{begin: shape.begin, again: shape.again}), ContentLength: -1, Request: r}, nil
	}))
	if err != nil {
		t.Fatal(err)
	}

	if numbered {
		c.LimitListings(32 << 20)
	}

	if strings.Contains(shape.begin, "cert") {
		_, err = c.Certificates(t.Context())
	} else {
		_, err = c.APIs(t.Context())
	}

	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.Sys > 256<<20 || err == nil {
		t.Errorf("it took %d MiB, and ended with: %v", m.Sys>>20, err)
	}
}
