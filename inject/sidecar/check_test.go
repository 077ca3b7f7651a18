package sidecar

import "testing"

func TestCheckImage(t *testing.T) {
	const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for image, ok := range map[string]bool{
		DefaultImage: true, DefaultRulesImage: true, "a:1": true, "registry:5000/a/b_c__d-e.f:1.0-x_y": true, "[::1]:5000/a:1": true,
		"Registry.example/a@" + digest: true, "localhost/a:1@" + digest: true,
		"": false, ":1": false, "a:": false, "a": false, "a:latest": false, "registry:5000/a": false, "A:1": false, "r/A:1": false, "a b:1": false, "a:1\n": false,
		"a:1:2": false, "a@": false, "a@sha256:0": false, "a//b:1": false, "/a:1": false, "a:-1": false, "https://a/b:1": false, "a\r:1": false,
	} {
		if err := CheckImage(image); (err == nil) != ok {
			t.Errorf("%q: %v", image, err)
		}
	}
}

// TestCheckTokens shows which images are refused beside tokens: those whose tag says that they are
// too old.
func TestCheckTokens(t *testing.T) {
	const digest = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for image, ok := range map[string]bool{
		DefaultImage: true, "tykio/tyk-gateway:v5.14.0-rc1": true, "tykio/tyk-gateway:v6.0": true, "example.com:5000/gateway:5.20": true,
		"example.com/gateway:stable": true, "example.com/gateway" + digest: true, "example.com:5.1/gateway:mesh": true,
		"tykio/tyk-gateway:v5.13.1": false, "tykio/tyk-gateway:5.8": false, "example.com:5000/gateway:v4.3.1" + digest: false,
	} {
		if err := CheckTokens(image); (err == nil) != ok {
			t.Errorf("%s: %v", image, err)
		}
	}
}
