package ca

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"unicode"
)

// maxMessage bounds quotations of a server's message, in bytes.
const maxMessage = 300

// answer is an answer of CFSSL: a certificate, or a message.
type answer struct {
	certificate []byte
	usages      []string // of the profile, in answers to info
	expiry      string   // likewise

	code    int
	message string
}

// signsLike reports whether two answers to info show the same CA and equal profiles.
func (a answer) signsLike(b answer) bool {
	return bytes.Equal(a.certificate, b.certificate) && slices.Equal(a.usages, b.usages) && a.expiry == b.expiry
}

// parseAnswer parses the answer to authsign or info (CFSSL API, "the response format"; errors are
// the same JSON, served as text/plain). It sets either the certificate or the message, which is one
// line of at most maxMessage bytes.
func parseAnswer(status int, body []byte) answer {
	var a struct {
		Success bool `json:"success"`
		Result  struct {
			Certificate string   `json:"certificate"`
			Usages      []string `json:"usages"`
			Expiry      string   `json:"expiry"`
		} `json:"result"`
		Errors []struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		} `json:"errors"`
	}

	err := json.Unmarshal(body, &a)
	switch {
	case err == nil && len(a.Errors) > 0:
		if text := oneLine(a.Errors[0].Message); text != "" {
			return answer{code: a.Errors[0].Code, message: text}
		}
		return answer{code: a.Errors[0].Code, message: "an error without a message"}
	case status != http.StatusOK:
		return answer{message: statusMessage(status, string(body))}
	case err != nil:
		return answer{message: "the answer is not that of CFSSL"}
	case !a.Success || a.Result.Certificate == "":
		return answer{message: "the answer holds no certificate"}
	}

	return answer{certificate: []byte(a.Result.Certificate), usages: a.Result.Usages, expiry: a.Result.Expiry}
}

// statusMessage returns a message for an answer that is not CFSSL's: plain text is quoted; a page
// of HTML says less than its status.
func statusMessage(status int, body string) string {
	if text := oneLine(body); text != "" && !strings.HasPrefix(text, "<") && !strings.HasPrefix(text, "{") {
		return text
	}
	if text := http.StatusText(status); text != "" {
		return strings.ToLower(text)
	}
	return "unknown status"
}

// oneLine returns a foreign text as errors may quote it: printable, one line of limited length.
func oneLine(text string) string {
	if len(text) > maxMessage {
		text = text[:maxMessage]
	}

	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text)

	return strings.Join(strings.Fields(text), " ")
}
