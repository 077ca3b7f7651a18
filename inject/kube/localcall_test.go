package kube

import (
	"strings"
	"testing"
)

// TestLocalPorts says which commands call their own pod where the rules of the sidecar redirect.
func TestLocalPorts(t *testing.T) {
	for command, want := range map[string]string{
		"curl -f http://localhost/healthz":                                  "80",
		"curl -fk https://localhost/healthz":                                "443",
		"wget -qO- HTTP://LOCALHOST":                                        "80",
		"curl localhost":                                                    "80",
		"sh -c test $(curl -so /dev/null -w %{http_code} 127.0.0.1) = 200":  "80",
		"curl http://127.0.0.1:80/ && curl https://[::1]":                   "80 443",
		"curl http://localhost http://localhost:80":                         "80",
		"curl http://localhost:443":                                         "443",
		"nc -z localhost 80":                                                "80",
		"bash -c </dev/tcp/localhost/80":                                    "80",
		"bash -c </dev/tcp/localhost/8080":                                  "",
		"nc mylocalhost 80; curl mylocalhost:80":                            "",
		"check --url=localhost/live":                                        "80",
		"check \"localhost:80\"":                                            "80",
		"curl http://localhost:8080/healthz":                                "",
		"curl http://localhost:8043":                                        "",
		"nc -z localhost 8080":                                              "",
		"curl http://localhost:${PORT}/":                                    "",
		"curl http://localhost:$PORT/":                                      "",
		"pg_isready -h localhost":                                           "",
		"redis-cli -h 127.0.0.1 -p 6379 ping":                               "",
		"mysqladmin ping -h localhost":                                      "",
		"curl http://mylocalhost/ http://localhost.example.com/":            "",
		"curl http://127.0.0.10/ http://1127.0.0.1/ http://localhostel:80/": "",
		"curl http://web/":                                                  "",
		"":                                                                  "",
		// These take minutes if each call costs as much as the whole text.
		strings.Repeat("localhost ", 200_000):          "",
		strings.Repeat("localhost", 200_000):           "",
		strings.Repeat("localhost:80 ", 200_000):       "80",
		strings.Repeat("localhost ", 200_000) + "curl": "80",
	} {
		if got := strings.Join(localPorts(command), " "); got != want {
			t.Errorf("%.60q: got %q, want %q", command, got, want)
		}
	}
}
