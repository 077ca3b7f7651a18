package dashboard_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/dashboard"
)

const org = "5d64a47fed63100001b2f2ac"

func openDir(t testing.TB, path string) *dashboard.Dir {
	t.Helper()
	d, err := dashboard.OpenDir(path, org)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestADirectoryIsWrittenForPeopleToRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "not", "there", "yet")
	d := openDir(t, path)
	if apis, err := d.APIs(t.Context()); len(apis) != 0 || err != nil {
		t.Fatalf("a directory that is not there: %v, %v", apis, err)
	}

	if _, err := os.Stat(path); err == nil {
		t.Error("reading created the directory")
	}

	def := parse(t, `{"name":"a <b> & \"c\"","slug":"web","api_id":"0123456789abcdef0123456789abcdef","proxy":{"listen_path":"/"},"version_data":{},"session_lifetime":12345678901234567890}`)

	created, err := d.CreateAPI(t.Context(), def)
	if err != nil {
		t.Fatal(err)
	}

	file := filepath.Join(path, "apis", "web.json")

	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	want := fmt.Sprintf(`{
  "api_id": "0123456789abcdef0123456789abcdef",
  "id": "%s",
  "name": "a <b> & \"c\"",
  "org_id": "5d64a47fed63100001b2f2ac",
  "proxy": {
    "listen_path": "/"
  },
  "session_lifetime": 12345678901234567890,
  "slug": "web",
  "version_data": {}
}
`, created.ID)

	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}

	id, err := d.UploadCertificate(t.Context(), bundle(t, "web.default"))
	if err != nil {
		t.Fatal(err)
	}

	for name, mode := range map[string]os.FileMode{file: 0o644, filepath.Join(path, "certs", id+".pem"): 0o600, filepath.Join(path, "certs"): 0o700} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != mode {
			t.Errorf("%s has mode %o, want %o", name, info.Mode().Perm(), mode)
		}
	}

	if rest, _ := filepath.Glob(filepath.Join(path, "*", ".*")); len(rest) > 0 {
		t.Errorf("left behind: %v", rest)
	}
}

func TestTheSameDefinitionHasTheSameIDsEverywhere(t *testing.T) {
	var ids []dashboard.Created
	for range 2 {
		for _, def := range []dashboard.Definition{definition(t, "web"), parse(t, `{"name":"n","slug":"bare","proxy":{},"version_data":{}}`)} {
			created, err := openDir(t, t.TempDir()).CreateAPI(t.Context(), def)
			if err != nil {
				t.Fatal(err)
			}

			if len(created.ID) != 24 || len(created.APIID) != 32 {
				t.Errorf("created %+v", created)
			}

			ids = append(ids, created)
		}
	}

	if ids[0] != ids[2] || ids[1] != ids[3] || ids[0] == ids[1] {
		t.Errorf("ids %+v", ids)
	}
}

func TestListingIsInSlugOrder(t *testing.T) {
	d := openDir(t, t.TempDir())
	for _, slug := range []string{"b", "a.x", "a-b", "a", "B"} {
		if _, err := d.CreateAPI(t.Context(), definition(t, slug)); err != nil {
			t.Fatal(err)
		}
	}

	apis, err := d.APIs(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	var slugs []string
	for _, a := range apis {
		slugs = append(slugs, a.Definition.Slug())
	}

	if diff := cmp.Diff([]string{"B", "a", "a-b", "a.x", "b"}, slugs); diff != "" {
		t.Error(diff)
	}
}

func TestADirectoryRefusesWhatADashboardWould(t *testing.T) {
	d := openDir(t, t.TempDir())
	web := definition(t, "web")
	if _, err := d.CreateAPI(t.Context(), web); err != nil {
		t.Fatal(err)
	}

	other := definition(t, "other")

	created, err := d.CreateAPI(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}

	sameSlug := definition(t, "elsewhere")
	sameSlug["slug"] = "web"
	sameID := definition(t, "copy")
	sameID["api_id"] = web.APIID()
	for name, def := range map[string]dashboard.Definition{"the same again": web, "slug of another": sameSlug, "api_id of another": sameID} {
		if _, err := d.CreateAPI(t.Context(), def); !errors.Is(err, dashboard.ErrExists) || !strings.Contains(err.Error(), "web.json") {
			t.Errorf("%s: %v", name, err)
		}
	}

	moved := other.Clone()
	moved["id"], moved["slug"] = created.ID, "web"
	if err := d.UpdateAPI(t.Context(), dashboard.API{Definition: moved}); !errors.Is(err, dashboard.ErrExists) {
		t.Errorf("an update onto another's slug: %v", err)
	}

	for _, slug := range []string{"", ".", "..", "../x", "a/b", ".hidden", "a b", "ü", strings.Repeat("a", 300)} {
		def := definition(t, "x")
		def["slug"] = slug
		if _, err := d.CreateAPI(t.Context(), def); err == nil || !strings.Contains(err.Error(), "cannot be a file name") {
			t.Errorf("slug %q: %v", slug, err)
		}
	}

	if apis, err := d.APIs(t.Context()); len(apis) != 2 || err != nil {
		t.Errorf("%d APIs, %v", len(apis), err)
	}
}

func TestAnUpdateMayMoveAnAPIToAnotherSlug(t *testing.T) {
	path := t.TempDir()
	d := openDir(t, path)
	def := definition(t, "old")

	created, err := d.CreateAPI(t.Context(), def)
	if err != nil {
		t.Fatal(err)
	}

	def["id"], def["slug"] = created.ID, "new"
	if err := d.UpdateAPI(t.Context(), dashboard.API{Definition: def}); err != nil {
		t.Fatal(err)
	}

	files, _ := filepath.Glob(filepath.Join(path, "apis", "*"))
	if len(files) != 1 || filepath.Base(files[0]) != "new.json" {
		t.Errorf("files %v", files)
	}

	if a, err := d.API(t.Context(), created.ID); err != nil || a.Definition.Slug() != "new" {
		t.Errorf("%v, %v", a, err)
	}
}

func TestFilesOfPeople(t *testing.T) {
	const good = `{"name":"n","slug":"mine","api_id":"abc","proxy":{},"version_data":{}}`
	for _, c := range []struct{ name, file, text, want string }{
		{"good, without id", "apis/mine.json", good, ""},
		{"another kind of file", "apis/README.md", "# hello", ""},
		{"hidden", "apis/.mine.json.swp", "x", ""},
		{"not JSON", "apis/mine.json", "{", "apis/mine.json: the JSON is cut off"},
		{"empty", "apis/mine.json", "", "apis/mine.json: the JSON is cut off"},
		{"null", "apis/mine.json", "null", "apis/mine.json: field name is missing"},
		{"two values", "apis/mine.json", good + good, "apis/mine.json: more than one JSON value"},
		{"another slug", "apis/yours.json", good, `apis/yours.json: the slug is "mine", not the file's name`},
		{"no api_id", "apis/mine.json", `{"name":"n","slug":"mine","proxy":{},"version_data":{}}`, "apis/mine.json: no api_id"},
		{"unknown field", "apis/mine.json", `{"name":"n","slug":"mine","api_id":"a","proxy":{},"version_data":{},"nmae":1}`, `apis/mine.json: unknown field "nmae"`},
		{"an envelope", "apis/mine.json", `{"api_definition":` + good + `}`, "apis/mine.json: field name is missing"},
		{"api_id twice", "apis/copy.json", strings.Replace(good, "mine", "copy", 1), "have the same id abc"},
		{"no certificate", "certs/abc.pem", "hello", "certs/abc.pem: failed to decode certificate"},
		{"another's name", "certs/abc.pem", string(bundle(t, "x")), "certs/abc.pem: the file contains the certificate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := t.TempDir()
			if c.name == "api_id twice" {
				write(t, filepath.Join(path, "apis", "mine.json"), good)
			}

			write(t, filepath.Join(path, filepath.FromSlash(c.file)), c.text)
			d := openDir(t, path)

			apis, err := d.APIs(t.Context())
			if err == nil {
				_, err = d.Certificates(t.Context())
			}

			if c.want == "" {
				if err != nil {
					t.Error(err)
				}

				for _, a := range apis {
					if len(a.Definition.ID()) != 24 {
						t.Errorf("id %q", a.Definition.ID())
					}
				}

				return
			}

			if err == nil || !strings.Contains(filepath.ToSlash(err.Error()), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}

	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	if _, err := dashboard.OpenDir(file, org); err == nil {
		t.Error("a file is opened as a directory")
	}
}

// If many processes and goroutines create the same objects at once, each object is created once,
// and no reader sees half a file.
func TestManyWritersAtOnce(t *testing.T) {
	const names, writers = 20, 6
	path := t.TempDir()

	pems := make([][]byte, names)
	for i := range pems {
		pems[i] = bundle(t, fmt.Sprint("c", i))
	}

	var mu sync.Mutex
	created, uploaded := map[int]int{}, map[int]int{}
	var wg sync.WaitGroup
	for range writers {
		d := openDir(t, path) // as another process would
		wg.Go(func() {
			for i := range names {
				_, err := d.CreateAPI(t.Context(), definition(t, fmt.Sprint("a", i)))
				_, certErr := d.UploadCertificate(t.Context(), pems[i])
				mu.Lock()
				if err == nil {
					created[i]++
				} else if !errors.Is(err, dashboard.ErrExists) {
					t.Error(err)
				}

				if certErr == nil {
					uploaded[i]++
				} else if !errors.Is(certErr, dashboard.ErrExists) {
					t.Error(certErr)
				}

				mu.Unlock()
			}
		})

		wg.Go(func() {
			for range names {
				if _, err := d.APIs(t.Context()); err != nil {
					t.Error(err)
				}
				if _, err := d.Certificates(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}

	wg.Wait()
	for i := range names {
		if created[i] != 1 || uploaded[i] != 1 {
			t.Errorf("%d was created %d times and uploaded %d times", i, created[i], uploaded[i])
		}
	}
}

func TestADirectoryHeedsTheContext(t *testing.T) {
	d := openDir(t, t.TempDir())
	if _, err := d.CreateAPI(t.Context(), definition(t, "a")); err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.APIs(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("listing: %v", err)
	}

	if _, err := d.CreateAPI(ctx, definition(t, "b")); !errors.Is(err, context.Canceled) {
		t.Errorf("creating: %v", err)
	}

	if _, err := d.UploadCertificate(ctx, bundle(t, "b")); !errors.Is(err, context.Canceled) {
		t.Errorf("storing: %v", err)
	}
}

// The id of a certificate is the one that openssl computes, if it is installed, and the documented
// one.
func TestCertificateID(t *testing.T) {
	b := bundle(t, "echo.default")
	got, err := dashboard.ParseCertificate(org, b)
	if err != nil {
		t.Fatal(err)
	}

	block, _ := pem.Decode(b)

	sum := sha256.Sum256(block.Bytes)
	if want := org + hex.EncodeToString(sum[:]); got.ID != want || len(got.ID) != 88 {
		t.Errorf("id %s, want %s", got.ID, want)
	}

	keyFirst, err := dashboard.ParseCertificate(org, append(append([]byte{}, keyOf(t, b)...), b[:len(b)-len(keyOf(t, b))]...))
	if err != nil || keyFirst.ID != got.ID || !keyFirst.HasPrivate {
		t.Errorf("with the key in front: %+v, %v", keyFirst, err)
	}

	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl to compare with")
	}

	cmd := exec.Command(openssl, "x509", "-noout", "-fingerprint", "-sha256")
	cmd.Stdin = strings.NewReader(string(b))

	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}

	_, fingerprint, _ := strings.Cut(strings.TrimSpace(string(out)), "=")
	if want := strings.ToLower(strings.ReplaceAll(fingerprint, ":", "")); got.ID != org+want {
		t.Errorf("openssl says %s, the id is %s", want, got.ID)
	}
}
