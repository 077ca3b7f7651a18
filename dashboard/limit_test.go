package dashboard_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tykmesh/tykmesh/dashboard"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

// Servers send endless answers to several requests at once. Each request reads an answer up to its
// limit, after decompression, and then hangs up.
func TestAnswersAreReadUpToTheirLimit(t *testing.T) {
	const atOnce, itemLimit, buffers = 8, 4 << 20, 64 << 10
	plain := bytes.Repeat([]byte("["), 1<<20)
	var packed bytes.Buffer // a file of gzip may have many such parts

	w := gzip.NewWriter(&packed)
	if _, err := w.Write(plain); err != nil || w.Close() != nil {
		t.Fatal(err)
	}

	for name, server := range map[string]struct {
		text   []byte
		packed bool
		most   int // bytes on the way
	}{
		"plain": {plain, false, itemLimit + buffers},
		"gzip":  {packed.Bytes(), true, itemLimit/len(plain)*packed.Len() + buffers},
	} {
		t.Run(name, func(t *testing.T) {
			answer := func(r *http.Request) (*http.Response, error) {
				body := &counted{endless: endless{text: server.text}}
				t.Cleanup(func() {
					if body.read == 0 || body.read > server.most || !body.closed {
						t.Errorf("%d bytes were read, want at most %d; closed: %v", body.read, server.most, body.closed)
					}
				})

				resp := &http.Response{StatusCode: 200, Header: http.Header{}, Body: body, ContentLength: -1, Request: r}
				if server.packed { // net/http unpacks what it has asked for
					unpacked, err := gzip.NewReader(body)
					if err != nil {
						return nil, err
					}

					resp.Body, resp.Uncompressed = &struct {
						io.Reader
						io.Closer
					}{unpacked, body}, true
				}

				return resp, nil
			}

			c, err := dashboard.NewWith(dashboard.Config{URL: "http://dash", Secret: "k"}, transport(answer))
			if err != nil {
				t.Fatal(err)
			}

			var wait sync.WaitGroup
			for range atOnce {
				wait.Go(func() {
					if _, err := c.Certificate(t.Context(), "5f"); err == nil || !strings.HasSuffix(err.Error(), ": the answer is larger than 4 MiB") {
						t.Error(err)
					}
				})
			}

			wait.Wait()
		})
	}
}

// endless repeats a text for ever.
type endless struct {
	text []byte
	at   int
}

func (e *endless) Read(b []byte) (int, error) {
	n := copy(b, e.text[e.at:])
	e.at = (e.at + n) % len(e.text)
	return n, nil
}

// counted counts the bytes that are read from a body.
type counted struct {
	endless
	read   int
	closed bool
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.endless.Read(b)
	c.read += n
	return n, err
}

func (c *counted) Close() error {
	c.closed = true
	return nil
}

// Decoded entries take more memory than their text, so they are counted over all pages of a
// listing.
func TestListingsAreBounded(t *testing.T) {
	var entries, page strings.Builder
	for i := range 100_001 {
		fmt.Fprintf(&entries, `,{"api_definition":{"id":"%d"}}`, i)
		if i == 30_000 {
			page.WriteString(entries.String())
		}
	}

	for name, answer := range map[string]string{
		"one answer": `{"apis":[` + entries.String()[1:] + `],"pages":1}`,
		"pages":      `{"apis":[` + page.String()[1:] + `],"pages":9999}`,
	} {
		c, err := dashboard.New(dashboard.Config{URL: serve(t, dashboardtest.Reply(200, "application/json", answer)), Secret: "k"})
		if err != nil {
			t.Fatal(err)
		}
		if apis, err := c.APIs(t.Context()); err == nil || !strings.Contains(err.Error(), "more than 100000 entries") {
			t.Errorf("%s: %d APIs, %v", name, len(apis), err)
		}
	}
}

// A huge sparse file gives an error that names it and the limit.
func TestFilesAreReadUpToTheirLimit(t *testing.T) {
	path := t.TempDir()
	for _, name := range []string{"apis/web.json", "certs/abc.pem", "templates/mine.json"} {
		file := filepath.Join(path, filepath.FromSlash(name))
		write(t, file, "")
		if err := os.Truncate(file, 1<<36); err != nil {
			t.Fatal(err)
		}
	}

	d := openDir(t, path)
	_, apis := d.APIs(t.Context())
	_, certificates := d.Certificates(t.Context())
	_, templates := dashboard.LoadTemplates(filepath.Join(path, "templates"))
	for name, err := range map[string]error{"web.json": apis, "abc.pem": certificates, "mine.json": templates} {
		if err == nil || !strings.HasSuffix(err.Error(), name+": larger than 4 MiB") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
