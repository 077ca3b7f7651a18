package pki

// ParseRequest is what is made of a csr_ca.json.
func ParseRequest(text []byte) (Request, error) { return parseRequest(text) }

// Text is a request as csr_ca.json.
func (r Request) Text() ([]byte, error) { return r.text() }

// Names are the files that Free looks for.
func Names() []string { return names }

// WriteBroken is Write that calls before each of its operations, so that a panic is as good as a kill.
func (c Change) WriteBroken(dir string, before func()) error { return c.write(dir, before) }
