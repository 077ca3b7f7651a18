package config

import (
	"slices"
	"strings"
	"testing"
)

// The keys of the section CA are set where they stand, and nothing else changes.
func TestMergeCA(t *testing.T) {
	values := []Value{{CACertPath, "ca/chain.pem"}, {CABundlePath, "ca/my bundle.pem"}}
	for name, c := range map[string]struct{ before, after string }{
		"an empty file":      {"", "CA:\n  certPath: SECTION\n"},
		"no section":         {"Tyk: {org: \"\"}", "Tyk: {org: \"\"}\n\nCA:\n  certPath: SECTION\n"},
		"no value":           {"CA: # here\nTyk: {}\n", "CA: # here\n  certPath: ca/chain.pem\n  bundlePath: \"ca/my bundle.pem\"\nTyk: {}\n"},
		"an empty value":     {"CA: { } # here\nTyk: {}\n", "CA: # here\n  certPath: ca/chain.pem\n  bundlePath: \"ca/my bundle.pem\"\nTyk: {}\n"},
		"null":               {"CA: ~\r\n", "CA:\r\n  certPath: ca/chain.pem\r\n  bundlePath: \"ca/my bundle.pem\"\r\n"},
		"lines of Windows":   {"Tyk: {}\r\n", "Tyk: {}\r\n\r\nCA:\r\n  certPath: SECTION\r\n"},
		"another section":    {"Tyk:\n  #certPath: x\nca:\n  addr: a\n", "Tyk:\n  #certPath: x\nca:\n  addr: a\n  certPath: ca/chain.pem\n  bundlePath: \"ca/my bundle.pem\"\n"},
		"comments":           {"CA:\r\n  addr: a\r\n  # text\r\n  #bundlePath: x\r\n  #certPath: y\r\n", "CA:\r\n  addr: a\r\n  # text\r\n  bundlePath: \"ca/my bundle.pem\"\r\n  certPath: ca/chain.pem\r\n"},
		"other values":       {"CA:\n  CERTPATH: x # y\n  bundlePath: ca/my bundle.pem\n", "CA:\n  CERTPATH: ca/chain.pem # y\n  bundlePath: ca/my bundle.pem\n"},
		"on one line":        {"CA: {addr: a, certPath: x}\n", "CA: {addr: a, certPath: ca/chain.pem, bundlePath: \"ca/my bundle.pem\"}\n"},
		"as config init has": {Begin(), strings.NewReplacer("#certPath: ca-quickstart/", "certPath: ca/", "#bundlePath: ca-quickstart/bundle.pem", `bundlePath: "ca/my bundle.pem"`).Replace(Begin())},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := MergeCA(Source{Name: "tykmesh.yaml", Data: []byte(c.before)}, values, []byte("CA:\n  certPath: SECTION\n"))
			if err != nil || string(m.Text) != c.after {
				t.Errorf("%v\n%s", err, m.Text)
			}
		})
	}
}

// A file that cannot be edited is refused, and the keys are named.
func TestMergeCARefused(t *testing.T) {
	for _, text := range []string{"CA: 5\n", "CA: {}\nca: {}\n", "a: [\n", "[]\n", "a: 1\n---\nb: 2\n", "CA: &a {addr: x}\nTyk: *a\n", "CA: {certPath: a, certpath: b}\n"} {
		_, err := MergeCA(Source{Name: "tykmesh.yaml", Data: []byte(text)}, []Value{{CACertPath, "ca/chain.pem"}}, nil)
		if err == nil || !strings.HasPrefix(err.Error(), "tykmesh.yaml:") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Whatever a file holds, its merge is refused or changes the section CA alone.
func FuzzMergeCA(f *testing.F) {
	for _, text := range []string{"CA: {addr: a}\n", "Tyk: {}\n", "CA:\n  addr: a\n  #certPath: x\n", "CA:\n  #certPath: x\n  env: |\n    #certPath: x\n"} {
		f.Add(text)
	}

	values := []Value{{CACertPath, "ca/chain.pem"}, {CABundlePath, "ca/bundle.pem"}}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := MergeCA(Source{Name: "tykmesh.yaml", Data: []byte(text)}, values, []byte("CA: {certPath: ca/chain.pem, bundlePath: ca/bundle.pem}\n"))
		if err != nil {
			return
		}
		again, err := MergeCA(Source{Name: "tykmesh.yaml", Data: m.Text}, values, nil)
		if err != nil || string(again.Text) != string(m.Text) || len(slices.Concat(again.Set, again.Replaced)) > 0 {
			t.Errorf("%q\nbecomes %q\nthen %q: %v", text, m.Text, again.Text, err)
		}
	})
}
