package standalone_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// meshHTTP returns the text of the mesh API for http.
func meshHTTP(t testing.TB) string {
	t.Helper()
	for _, f := range usual().Config(echo()).Files {
		if f.Path == "apis/mesh-http.json" {
			return f.Text
		}
	}
	t.Fatal("there is no mesh API")
	return ""
}

// TestRewrite leads requests through the model of the gateway; the lab measured the same ones.
func TestRewrite(t *testing.T) {
	g := newGateway(t, meshHTTP(t))
	for _, tt := range []struct{ method, target, want string }{
		{"GET", "/echo", "https://echo.default.svc:8080"},
		{"GET", "/echo/", "https://echo.default.svc:8080/"},
		{"GET", "/echo?a=$b", "https://echo.default.svc:8080?a=$b"},
		{"POST", "/echo/a/b%2Fc?d=%24x&e=$filter", "https://echo.default.svc:8080/a/b%2Fc?d=%24x&e=$filter"},
		{"GET", "/echo.shop/x", "https://echo.shop.svc:8080/x"},
		{"GET", "/ech%6f/x", "https://echo.default.svc:8080/x"},
		{"GET", "/echo%2eshop/x", "https://echo.shop.svc:8080/x"},
		{"GET", "/1.2/x", "https://1.2.svc:8080/x"},
		{"GET", "/echo/$secret_env.X", "dead"},
		{"GET", "/echo?x=$tyk_context.path", "dead"},
		{"GET", "/ech%6f/%24secret_env.X", "dead"},
		{"GET", "/ech%6f?x=%24secret_file.token", "dead"},
		{"GET", "/echo/%24secret_env.X", "https://echo.default.svc:8080/%24secret_env.X"},
		{"GET", "http://mesh/echo/x", "dead"},
		{"GET", "http://$secret_file.token@mesh/echo/x", "dead"},
		{"GET", "http://evil.com/echo/x", "404"},
		{"GET", "//echo/x", "dead"},
		{"GET", "/echo.shop.evil/x", "403"},
		{"GET", "/echo.shop.svc.evil.com/x", "403"},
		{"GET", "/me@echo/x", "403"},
		{"GET", "/echo:9000/x", "403"},
		{"GET", "/Echo/x", "403"},
		{"GET", "/ec_ho", "403"},
		{"GET", "/écho", "403"},
		{"GET", "/-echo", "403"},
		{"GET", "/", "403"},
		{"GET", "/../echo", "403"},
		{"GET", "/echo%", "400"},
		{"PURGE", "/echo", "403"},
		{"get", "/echo", "403"},
	} {
		o := g.answer(tt.method, tt.target, "mesh")
		got := fmt.Sprint(o.status)
		switch {
		case o.isDead():
			got = "dead"
		case o.url != nil:
			got = o.url.String()
		}
		if got != tt.want {
			t.Errorf("%s %s: %s, not %s", tt.method, tt.target, got, tt.want)
		}
		if law := violation(tt.target, o); tt.method == "GET" && law != "" {
			t.Errorf("%s %s: %s", tt.method, tt.target, law)
		}
	}
}

// TestHosts calls a mesh API by names that look like the mesh's.
func TestHosts(t *testing.T) {
	g := newGateway(t, meshHTTP(t))
	for host, want := range map[string]int{
		"mesh": 0, "mesh:80": 0, "mesh.local": 0, "localhost": 0,
		"meshXlocal": 404, "mesh.localhost": 404, "xmesh": 404, "mesh.": 404, "evil": 404, "": 404, "mesh|evil": 404, "127.0.0.2": 404,
	} {
		if o := g.answer("GET", "/echo", host); o.status != want {
			t.Errorf("host %q: %d, not %d", host, o.status, want)
		}
	}
}

// TestRewriteLaws holds random requests to the laws of violation. It is the same for every run.
func TestRewriteLaws(t *testing.T) {
	tries := 1_000_000
	if testing.Short() {
		tries = 60_000
	}

	g, count := newGateway(t, meshHTTP(t)), map[string]int{}
	random := rand.New(rand.NewPCG(21, 5140))
	for range tries {
		target := randomTarget(random)
		o := g.answer("GET", target, "mesh")
		if law := violation(target, o); law != "" {
			t.Fatalf("%q: %s", target, law)
		}

		switch {
		case o.isDead():
			count["dead"]++
		case o.url != nil:
			count["passed"]++
		default:
			count[fmt.Sprint(o.status)]++
		}
	}

	t.Logf("%d requests: %v", tries, count)
	for _, is := range []string{"dead", "passed", "400", "403", "404"} {
		if count[is] < tries/500 {
			t.Errorf("only %d of %d requests end as %s", count[is], tries, is)
		}
	}
}

// TestRewriteLawsSee breaks the patterns one by one, and expects that random requests show each.
func TestRewriteLawsSee(t *testing.T) {
	good := meshHTTP(t)
	for name, change := range map[string][]string{
		"anything behind the name": {`([/?][^$]*(?:\\$(?:[^$st][^$]*|s(?:[^$e][^$]*|e(?:[^$c][^$]*)?)?|t(?:[^$y][^$]*|y(?:[^$k][^$]*)?)?)?)*)?$`, `(.*)$`},
		"any second letter":        {`s(?:[^$e][^$]*|`, `s(?:[^$][^$]*|`},
		"any third letter":         {`e(?:[^$c][^$]*)?`, `e(?:[^$][^$]*)?`},
		"any third letter of tyk":  {`y(?:[^$k][^$]*)?`, `y(?:[^$][^$]*)?`},
		"any first letter":         {`[^$st][^$]*`, `[^$s][^$]*`},
		"no dollar sign":           {`[/?][^$]*(?:\\$(?:`, `[/?][^$]*(?:\\$(?:`, `)?)*)?$`, `)?){0}){0,1}$`},
		"a live target":            {`"target_url":"http://127.0.0.1:1"`, `"target_url":"http://127.0.0.1:80"`},
		"more after the name":      {`[/?][^$]*`, `[/?:@.][^$]*`, `(/.*)?$`, `(.*)?$`},
		"any name":                 {`[a-z0-9](?:[-a-z0-9]*[a-z0-9])?`, `[^/?.]+`},
		"another namespace":        {`.default.svc`, `.defaults.svc`},
		"no port":                  {`.svc:8080`, `.svc`},
		"a lost query":             {`:8080$2`, `:8080`},
		"no first list":            {`(\\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)?(/.*)?$`, `(/.*)?$`},
	} {
		t.Run(name, func(t *testing.T) {
			bad := strings.NewReplacer(change...).Replace(good)
			if bad == good {
				t.Fatal("nothing is broken")
			}

			g, random := newGateway(t, bad), rand.New(rand.NewPCG(21, 5140))
			for range 300_000 {
				target := randomTarget(random)
				if law := violation(target, g.answer("GET", target, "mesh")); law != "" {
					t.Logf("%q: %s", target, law)
					return
				}
			}
			t.Error("no request shows it")
		})
	}
}

// FuzzRewrite holds any request to the laws of violation.
func FuzzRewrite(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		f.Add(randomTarget(random))
	}
	g := newGateway(f, meshHTTP(f))
	f.Fuzz(func(t *testing.T, target string) {
		if law := violation(target, g.answer("GET", target, "mesh")); law != "" {
			t.Errorf("%q: %s", target, law)
		}
	})
}

// The parts of random requests.
var (
	startParts = []string{
		"/", "/", "/", "/", "/", "/", "/", "/", "/", "//", "/./", "/../", "", "http://mesh/", "https://mesh:1234/", "http://evil.com/",
		"http://$secret_file.token@mesh/", "http://echo@evil.com/", "tyk://mesh/", "tyk://self/", "*", "/%2f", "http://mesh@evil/", "http://localhost:80/",
	}
	nameParts = []string{
		"echo", "echo", "echo", "echo", "a", "0", "a-b", "echo.shop", "echo.shop", "echo.shop.svc", "echo.shop.evil.com", "1.2.3.4", "1.2", "10", "Echo", "_", "-a",
		"a-", "a.", ".a", "..", ".", "", "a@b", "a:80", "a:80@b", "%65cho", "ech%6F", "echo%2eshop", "echo%2Fx", "echo%3A80", "echo%40evil", "echo%00", "echo%0a",
		"éçho", "e%CC%81", "echo\u3002shop", "echo\uff0eshop", "[::1]", "echo$", "$1", "$2", "$secret_env.X", "echo;a", "echo,a", "echo+a", "echo#a", "echo%23a",
		"xn--bcher-kva", "localhost", "127.0.0.1", "kubernetes", "echo%252eshop", "echo\\", "echo%5c",
	}
	tailParts = []string{
		"/", "/", "?", "?", "&", "=", "#", "a", "b", "0", "..", ".", "//", "/../", "%2e%2e", "%2F", "%3F", "%24", "%25", "%2524", "%0a", "%00", "\u00e9", "\U0001F600", " ", "+", ":", "@", ";",
		"$", "$$", "$1", "$2", "$0", "$s", "$se", "$sec", "$secr", "$secret", "$secret_", "$t", "$ty", "$tyk", "$tyk_", "$e", "$x", "$S", "$T", "$sE", "$stop", "$select", "$top", "$type", "$skip",
		"$filter", "$search", "$section", "secret_env.X", "tyk_context.path", "ecret_file.token", "yk_meta.a", "_env.X", ".token", "c", "k", "s", "t", "e", "y",
		"$secret_env.HOME", "$secret_file.token", "$secret_file./token", "$secret_conf.a", "$secret_vault.a/b", "$secret_consul.a", "$tyk_context.jwt_claims_sub", "$tyk_meta.x",
		"%24secret_env.X", "$%73ecret_env.X", "$secret%5Fenv.X", "%24%73%65%63%72%65%74_env.X", "$tyk%5fcontext.a", "$t%79k_meta.a", "$$secret_env.X", "$s$secret_env.X", "$se$tyk_meta.a",
	}
)

// randomTarget returns the target of a request line: parts that matter, in any order, and sometimes
// with some of their characters encoded, or with random bytes.
func randomTarget(r *rand.Rand) string {
	var b strings.Builder
	if r.IntN(3) > 0 {
		b.WriteString(pick(r, []string{"/echo", "/echo", "/echo.shop", "/a", "/ech%6f"}))
	} else {
		b.WriteString(pick(r, startParts))
		b.WriteString(pick(r, nameParts))
	}
	if r.IntN(8) > 0 {
		b.WriteString(pick(r, []string{"/", "/", "/", "?", "?", "%3F", "%2F"}))
	}
	for range r.IntN(7) {
		b.WriteString(pick(r, tailParts))
	}

	text := b.String()
	if r.IntN(4) > 0 {
		return text
	}

	b.Reset()
	for i := range len(text) {
		switch r.IntN(12) {
		case 0:
			fmt.Fprintf(&b, "%%%02x", text[i])
		case 1:
			b.WriteByte(byte(r.IntN(256)))
		default:
			b.WriteByte(text[i])
		}
	}

	return b.String()
}

func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

// TestPatternsStandInOnePlace looks for the patterns in the goldens: all definitions have the same.
func TestPatternsStandInOnePlace(t *testing.T) {
	paths, err := filepath.Glob("testdata/config/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal(err, paths)
	}

	patterns := map[string]bool{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range txtar.Parse(data).Files {
			if !strings.HasPrefix(f.Name, "apis/mesh-") {
				continue
			}
			for _, r := range newGateway(t, string(f.Data)).rewrites {
				patterns[r.path.String()], patterns[r.pattern.String()] = true, true
			}
		}
	}
	if len(patterns) != 4 {
		t.Errorf("%d patterns: %v", len(patterns), patterns)
	}
}
