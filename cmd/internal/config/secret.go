package config

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a text that must not be shown: a key, a password, a connection string. Printing,
// logging and encoding all give [redacted], even for an empty one.
type Secret struct {
	text string
}

// redacted stands in place of a secret.
const redacted = "[redacted]"

// NewSecret returns a secret that holds a text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the text. Only the client that sends it to its server may call it.
func (s Secret) Reveal() string { return s.text }

// IsSet reports whether there is a text.
func (s Secret) IsSet() bool { return s.text != "" }

// String returns [redacted].
func (s Secret) String() string { return redacted }

// GoString returns [redacted].
func (s Secret) GoString() string { return redacted }

// Format writes [redacted] for every verb: %x and %d would otherwise reach the text.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns [redacted].
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "[redacted]".
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalYAML returns [redacted].
func (s Secret) MarshalYAML() (any, error) { return redacted, nil }

// LogValue returns [redacted].
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
