package kube

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// names are those of a small stream.
var names = Names{Hosts: map[string]bool{"mesh": true, "mesh.local": true}, Services: map[string]bool{"cart": true, "pay-2": true}}

// calls returns the calls in a text.
func calls(text string) (all []found) {
	s := scanner{names: names, text: []byte(text)}
	for f, ok := s.nextOutside(); ok; f, ok = s.nextOutside() {
		all = append(all, f)
	}
	return all
}

// shown returns the calls in a text: their texts, ports where these are implied, and paths.
func shown(text string) (all []string) {
	for _, f := range calls(text) {
		line := f.Text
		if !strings.HasSuffix(f.Text, ":"+f.Port) && f.Port != "" {
			line += " (" + f.Port + ")"
		}
		all = append(all, line+f.Path)
	}
	return all
}

// TestCalls says which parts of texts are calls. Texts that are not surely calls are left out.
func TestCalls(t *testing.T) {
	for text, want := range map[string]string{
		// A name and a port.
		"cart:7070":               "cart:7070",
		"cart.store:7070":         "cart.store:7070",
		"cart.store.svc:7070/api": "cart.store.svc:7070",
		"cart.store.svc.cluster.local:7070, cart.store.svc.cluster.local.:80": "cart.store.svc.cluster.local:7070 | cart.store.svc.cluster.local.:80",
		"pay-2:1,cart:2;cart:3":                       "pay-2:1 | cart:2 | cart:3",
		"--cart=cart:7070":                            "cart:7070",
		`{"addr":"cart:7070"}`:                        "cart:7070",
		"addr: 'cart:7070'":                           "cart:7070",
		"server cart:7070;":                           "cart:7070",
		"root:word@tcp(cart:3306)/db":                 "cart:3306",
		"Server=tcp:x,1;cart:7070":                    "cart:7070",
		"[cart:7070]":                                 "cart:7070",
		"wait-for cart:7070 -- run":                   "cart:7070",
		"cart:7070\n":                                 "cart:7070",
		"cart:7070\r\npay-2:80":                       "cart:7070 | pay-2:80",
		"user@cart:7070":                              "cart:7070",
		"cart:7070?x=pay-2:80":                        "cart:7070 | pay-2:80",
		"CART_ADDR=cart:7070\nPAY_ADDR = pay-2:80 # ": "cart:7070 | pay-2:80",

		// URLs.
		"http://cart": "http://cart (80)", "https://cart/x": "https://cart (443)", "HTTP://cart:80": "http://cart:80",
		"ws://cart": "ws://cart (80)", "redis://cart/0": "redis://cart (6379)", "amqp://guest:guest@cart": "amqp://cart (5672)",
		"jdbc:postgresql://cart:5432/db?user=x":                   "postgresql://cart:5432",
		"jdbc:mysql://cart/db":                                    "mysql://cart (3306)",
		"mongodb://a:b@cart:27017,pay-2:27018/db":                 "mongodb://cart:27017 | pay-2:27018",
		"http://cart:7070,http://pay-2:80/x":                      "http://cart:7070 | http://pay-2:80",
		"dns:///cart:7070":                                        "dns://cart:7070",
		"http://$(USER):${WORD}@cart:7070":                        "http://cart:7070",
		"${X:-http://cart:7070}":                                  "http://cart:7070",
		"PLAINTEXT://cart:9092":                                   "plaintext://cart:9092",
		"$PROTO://cart:7070":                                      "proto://cart:7070",
		"${PROTO}://cart:7070/x":                                  "cart:7070",
		`<a href="http://cart/">`:                                 "http://cart (80)",
		"proxy_pass http://cart:7070;":                            "http://cart:7070",
		"curl -s http://cart:7070/a&":                             "http://cart:7070",
		"https://mesh":                                            "https://mesh (443)",
		"https://mesh/echo/a_b-c.d~?q#f":                          "https://mesh (443)/echo/a_b-c.d~",
		"see https://mesh/echo.":                                  "https://mesh (443)/echo",
		"http://mesh.local:8080/x, mesh:443":                      "http://mesh.local:8080/x | mesh:443",
		"https://mesh/echo/$(ID)/x":                               "https://mesh (443)/echo/",
		"https://mesh/echo-${ID}":                                 "https://mesh (443)/",
		"https://mesh/{service}/x https://mesh/%s https://mesh/*": "https://mesh (443)/ | https://mesh (443)/ | https://mesh (443)/",
		"http://mesh/http://mesh/http://cart:7070":                "http://mesh (80)/http://mesh/http://cart:7070",
		"other://mesh":                                            "other://mesh",

		// No calls.
		"":                   "",
		"cart":               "",
		"cart:":              "",
		"cart: 7070":         "",
		"cart:http":          "",
		":7070":              "",
		"0.0.0.0:7070":       "",
		"other:7070":         "",
		"my-cart:7070":       "",
		"my_cart:7070":       "",
		"cart_2:7070":        "",
		"-cart:7070":         "",
		"Cart:7070":          "",
		"img/cart:7070":      "",
		"reg.example/cart:7": "",
		"cart:7070:7070":     "",
		"7070:cart:7070":     "",
		"cart:7070-7080":     "",
		"cart:7070.5":        "",
		"cart:7070ms":        "",
		"cart:70$X":          "",
		"cart:7070@pay:x":    "",
		"$cart:7070":         "",
		"${X}cart:7070":      "",
		"$(X)cart:7070":      "",
		"%cart:7070":         "",
		"*.cart:7070":        "",
		"cart:$(PORT)":       "",
		"cart:${PORT}":       "",
		"{{ x }}cart:7070":   "",
		"http://cart-${E}:1": "",
		"http://cart:${P}/":  "",
		"http://cart:70x":    "",
		"http://carts":       "",
		"http://x.cart":      "",
		"http://x/cart":      "",
		"http://cart@other":  "",
		"http:/cart:":        "",
		"ftp://cart":         "",
		"http://":            "",
		"://":                "",
		"mesh.example":       "",
		"http://mesh.other":  "",

		// Comments.
		"# cart:7070\n  # http://cart\n\t// cart:1\n; cart:2\ncart:3 # cart:4": "cart:3",
		"x#cart:1 http://cart:7070/#a":                                         "http://cart:7070",
		"a # b: c\ncart:7070":                                                  "cart:7070",
	} {
		if got := strings.Join(shown(text), " | "); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
		if in := names.In([]byte(text)); !in && want != "" {
			t.Errorf("%q: In misses %q", text, want)
		}
	}
}

// TestCallerPlaces says where calls stand: each in its own place where the document has the words
// of the value, else where the value is.
func TestCallerPlaces(t *testing.T) {
	const text = `kind: ConfigMap
apiVersion: v1
metadata: {name: a}
data:
  plain: a cart:1 b
  quoted: "ä cart:2"
  literal: |
    # cart:1
    my-cart:3

    x cart:3
  folded: >-
    a
    cart:4
  escaped: "a\ncart:5"
  mixed: "a\"cart:6 cart:7"
  twice: cart:8 cart:8
`
	document := manifest.Split("a.yaml", []byte(text))[0]
	objects, err := Objects(document)
	if err != nil {
		t.Fatal(err)
	}

	facts := NewFacts(Reader{})
	if m := facts.AddCalls(objects[0], &CallReader{Names: names}); m == nil || m.String() != "ConfigMap default/a" {
		t.Fatalf("got %v", m)
	}

	var got []string
	for _, c := range facts.Texts[0].Calls {
		got = append(got, strings.TrimPrefix(c.At.Position().String(), "a.yaml:")+" "+c.Text)
	}

	want := []string{"5:12 cart:1", "6:14 cart:2", "11:7 cart:3", "14:5 cart:4", "15:12 cart:5", "16:14 cart:6", "16:21 cart:7", "17:10 cart:8"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// FuzzCalls shows that no text makes the scanner fail, that each call stands where the scanner
// says, and that a text in front of a line changes nothing about it.
func FuzzCalls(f *testing.F) {
	for _, seed := range []string{"cart:7070", "http://a:b@cart:80/x,pay-2:1", "# x\nhttps://mesh/a/${B}", "dns:///cart:1", "a://b://c:1:2@@", "cart:7070\r\n;mesh:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all := calls(text)
		at := -1
		for _, c := range all {
			word := c.Host
			if c.from <= at || !strings.Contains(text[c.from:], word) || c.Scheme != "" && !strings.EqualFold(text[c.from:c.from+len(c.Scheme)], c.Scheme) {
				t.Fatalf("%q: %+v, behind %d", text, c, at)
			}
			at = c.from
		}

		if len(all) > 0 && !names.In([]byte(text)) {
			t.Fatalf("%q: In misses a call", text)
		}

		const front = "http://cart:1/x\n"
		if again := calls(front + text); len(again) != len(all)+1 {
			t.Fatalf("%q: %d calls behind another line, not %d", text, len(again)-1, len(all))
		}
	})
}
