package files

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// seen holds the requests of a server: the user, the host and all headers.
type seen []string

// web starts an HTTPS server and returns inputs that trust it.
func web(t *testing.T, handler http.HandlerFunc) (*httptest.Server, Inputs) {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())

	return server, Inputs{roots: roots}
}

func (s *seen) note(r *http.Request) {
	user, password, _ := r.BasicAuth()
	*s = append(*s, fmt.Sprintf("%s %s:%s %v %v", r.URL, user, password, r.Header["Referer"], r.Header["Cookie"]))
}

func TestURLs(t *testing.T) {
	hung := make(chan struct{})
	defer close(hung)
	server, in := web(t, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "planted"})
		switch r.URL.Path {
		case "/a.yaml":
			fmt.Fprint(w, "kind: A")
		case "/page", "/o/r/blob/main/a.yaml":
			fmt.Fprint(w, "\n<!DOCTYPE html><title>log in</title>")
		case "/cut":
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "kind: A")
		case "/huge":
			w.Header().Set("Content-Length", fmt.Sprint(maxManifests+1))
			fmt.Fprint(w, "kind: A")
		case "/endless":
			for text := []byte(strings.Repeat("#", 1<<20)); ; {
				if _, err := w.Write(text); err != nil {
					return
				}
			}
		case "/hung":
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
			<-hung
		case "/round":
			http.Redirect(w, r, "/round?planted", http.StatusFound)
		case "/down":
			http.Redirect(w, r, "http://"+r.Host+"/a.yaml?planted", http.StatusFound)
		case "/nowhere":
			w.Header().Set("Location", "https://planted:planted@[/")
			w.WriteHeader(http.StatusFound)
		case "/malformed":
			w.Header().Set("Location", "https://planted\x1b")
			w.WriteHeader(http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	})

	for path, want := range map[string]string{
		"/a.yaml":    "",
		"/page":      "the answer is a web page, and no manifest; read the URL of the raw file; if the server wants a login, download the file",
		"/cut":       "the answer is cut off",
		"/huge":      "larger than 256 MiB",
		"/gone":      "the server answered 404 Not Found; if the file is private, write https://USER:TOKEN@HOST/PATH, or download it",
		"/round":     "the server redirects more than 5 times",
		"/nowhere":   "the server redirects, but not to a valid URL",
		"/malformed": "the answer of the server is not valid HTTP",
		"/file":      "the server redirects from https:// to file:///etc/passwd, which is not followed",
		"/down":      "the server redirects from https:// to http://" + strings.TrimPrefix(server.URL, "https://") + "/a.yaml, which is not followed",
	} {
		typed := strings.Replace(server.URL, "https://", "HTTPS://user:planted@", 1) + path + "?token=planted#x"
		in.Paths, in.PlainHTTP = []string{typed}, true
		sources, err := in.Read(atOnce)
		name := server.URL + path
		switch {
		case want == "" && (err != nil || sources[0].Name != name || string(sources[0].Data) != "kind: A"):
			t.Errorf("%s: %v, %v", path, sources, err)
		case want != "" && (err == nil || err.Error() != "reading manifests: "+name+": "+want):
			t.Errorf("%s: %v", path, err)
		}
	}

	in.Paths = []string{server.URL + "/o/r/blob/main/a.yaml"}
	if _, err := in.Read(atOnce); err == nil || !strings.HasSuffix(err.Error(), "no manifest; read the text of the file: "+server.URL+"/o/r/raw/main/a.yaml") {
		t.Errorf("a page of GitHub: %v", err)
	}

	t.Run("answers without end", func(t *testing.T) {
		if testing.Short() {
			t.Skip("it reads 256 MiB")
		}
		in.Paths = []string{server.URL + "/endless"}
		if _, err := in.Read(atOnce); err == nil || !strings.HasSuffix(err.Error(), "larger than 256 MiB") {
			t.Error(err)
		}
	})

	t.Run("servers of unknown authorities", func(t *testing.T) {
		if _, err := (Inputs{Paths: []string{server.URL + "/a.yaml?planted"}}).Read(atOnce); !errors.As(err, new(x509.UnknownAuthorityError)) || strings.Contains(err.Error(), "planted") {
			t.Error(err)
		}
	})

	t.Run("an end of time reads no part", func(t *testing.T) {
		ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("enough"))
		defer cancel()
		in.Paths = []string{server.URL + "/hung"}
		sources, err := in.Read(func(read func(context.Context, func(string)) error) error { return read(ctx, func(string) {}) })
		if sources != nil || err == nil || err.Error() != "reading manifests: "+server.URL+"/hung: enough" {
			t.Errorf("%v, %v", sources, err)
		}
	})
}

// Credentials and queries go to the host that the user typed, and to no other.
func TestCredentialsFollowNoRedirect(t *testing.T) {
	var there seen
	other := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		there.note(r)
		fmt.Fprint(w, "kind: A")
	}))
	defer other.Close()

	var here seen
	server, in := web(t, func(w http.ResponseWriter, r *http.Request) {
		here.note(r)
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "planted"})
		switch r.URL.Path {
		case "/first":
			http.Redirect(w, r, "/second", http.StatusFound)
		default:
			http.Redirect(w, r, strings.Replace(other.URL, "https://", "https://chosen:by-server@", 1)+"/third", http.StatusTemporaryRedirect)
		}
	})

	t.Setenv("HOME", t.TempDir()) // a .netrc would be there
	in.roots.AddCert(other.Certificate())
	in.Paths = []string{strings.Replace(server.URL, "https://", "https://user:password@", 1) + "/first?token=planted"}
	if _, err := in.Read(atOnce); err != nil {
		t.Fatal(err)
	}

	if got := strings.Join(here, "\n"); got != "/first?token=planted user:password [] []\n/second : [] []" {
		t.Errorf("the host that was typed: %s", got)
	}
	if got := strings.Join(there, "\n"); got != "/third : [] []" {
		t.Errorf("another host: %s", got)
	}
}

// A redirect gets no credentials, and may lead from a plain server to TLS.
func TestFollow(t *testing.T) {
	typed, err := url.Parse("http://u:p@h/a")
	if err != nil {
		t.Fatal(err)
	}
	for location, want := range map[string]string{
		"https://h/b":     "https://h/b",
		"http://h/b":      "http://h/b",
		"http://h:81/b":   "http://h:81/b",
		"http://x@h/b#c":  "http://h/b",
		"//u:p@elsewhere": "http://elsewhere",
		"":                "",
		"https://":        "",
	} {
		next, err := follow(typed, location)
		if want == "" && err == nil || want != "" && (err != nil || next.String() != want) {
			t.Errorf("%s: %v, %v", location, next, err)
		}
	}
}
