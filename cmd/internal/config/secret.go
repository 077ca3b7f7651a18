package config

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a text that must not be shown: a key, a password, a connection string. However it is
// printed, logged or encoded, it comes out as [redacted], also when it is empty.
type Secret struct {
	text string
}

// redacted is what is shown of a secret.
const redacted = "[redacted]"

// NewSecret hides text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the text, for the one who sends it to its server.
func (s Secret) Reveal() string { return s.text }

// IsSet reports whether there is a text.
func (s Secret) IsSet() bool { return s.text != "" }

// String is [redacted].
func (s Secret) String() string { return redacted }

// GoString is [redacted].
func (s Secret) GoString() string { return redacted }

// Format writes [redacted] for every verb: %x and %d would otherwise reach the text.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText is [redacted]; encoding/json uses it too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON is "[redacted]".
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalYAML is [redacted].
func (s Secret) MarshalYAML() (any, error) { return redacted, nil }

// LogValue is [redacted].
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
