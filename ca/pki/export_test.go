package pki

// ParseRequest is what is made of a csr_ca.json.
func ParseRequest(text []byte) (Request, error) { return parseRequest(text) }

// Text is a request as csr_ca.json.
func (r Request) Text() ([]byte, error) { return r.text() }

// Names are the files that Free looks for.
func Names() []string { return names }

// Stage writes a change as far as it is when it is broken off right before its first file is put in its place.
func (c Change) Stage(dir string) error { return c.stage(dir) }
