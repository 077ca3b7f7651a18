package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestSecretIsNeverShown(t *testing.T) {
	const hidden = "hunter2"
	s := NewSecret(hidden)
	holder := struct {
		Key     Secret
		Pointer *Secret
	}{s, &s}
	var shown []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %v"} {
		shown = append(shown, fmt.Sprintf(verb, s), fmt.Sprintf(verb, &s), fmt.Sprintf(verb, holder))
	}

	asJSON, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}

	asYAML, err := yaml.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}

	asText, err := s.MarshalText()
	if err != nil {
		t.Fatal(err)
	}

	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", s, "holder", holder)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", s, "holder", holder)
	for _, text := range append(shown, string(asJSON), string(asYAML), string(asText), log.String(), s.String(), s.GoString()) {
		if strings.Contains(text, hidden) || strings.Contains(text, fmt.Sprintf("%x", hidden)) {
			t.Errorf("shown: %s", text)
		}
	}

	if !strings.Contains(log.String(), redacted) || !strings.Contains(string(asJSON), redacted) {
		t.Errorf("nothing says that there was a secret: %s %s", asJSON, log.String())
	}

	if s.Reveal() != hidden {
		t.Error("Reveal does not")
	}
}
