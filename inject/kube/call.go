package kube

import (
	"bytes"
	"cmp"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Call is a call that a text names: cart:7070, http://cart.shop/api, https://mesh/echo.
type Call struct {
	Text   string // as it is written, without user and path
	Scheme string // "" where the text names none
	Host   string
	Port   string // that of the scheme where the text names none; "" where there is neither
	Path   string // of a URL with one of Names.Hosts, as far as the text shows whole segments; else ""
	At     manifest.Place
}

// schemePorts are the ports of URLs that name none, as the schemes define them (RFC 9110 section
// 4.2, RFC 6455 section 3, and the registrations of redis, amqp, postgresql, mysql and mongodb with
// IANA).
var schemePorts = map[string]string{
	"http": "80", "ws": "80", "https": "443", "wss": "443",
	"redis": "6379", "amqp": "5672", "postgres": "5432", "postgresql": "5432", "mysql": "3306", "mongodb": "27017",
}

// Names are the names whose calls count.
type Names struct {
	Hosts    map[string]bool // whole names
	Services map[string]bool // names of Services, behind which a namespace may stand
}

// counts reports whether calls of a host count, as far as its name tells.
func (n Names) counts(host []byte) bool {
	service, _, _ := bytes.Cut(host, []byte{'.'})
	return n.Services[string(service)] || n.Hosts[string(host)]
}

// In reports whether a document may hold a call that counts. It misses calls that are written with
// escapes.
func (n Names) In(text []byte) bool {
	if len(n.Hosts)+len(n.Services) == 0 {
		return false
	}

	s := scanner{names: n, text: text}
	_, found := s.next()

	return found
}

// scanner finds calls in a text of any form: a value, a script, settings in any language. It reads
// each byte a fixed number of times.
//
//	cart:7070   (cart:7070)   X=cart:7070/api   http://user:word@cart:7070,http://...   are calls
//	my_cart:7070   img/cart:7070   cart:7070:70   ${X}cart:7070   cart:${PORT}          are not
type scanner struct {
	names Names
	text  []byte
	at    int // where the search for the next colon begins

	seen    int  // how far isComment has read
	comment bool // a comment begins on the line of seen, before it
}

// found is a call, and where it stands in the text.
type found struct {
	Call
	from int
}

// next returns the next call that counts.
func (s *scanner) next() (f found, ok bool) {
	for {
		i := bytes.IndexByte(s.text[s.at:], ':')
		if i < 0 {
			return f, false
		}

		colon := s.at + i
		s.at = colon + 1
		switch c := s.byteAt(colon + 1); {
		case c == '/' && s.byteAt(colon+2) == '/':
			f, ok = s.url(colon)
		case isDigit(c):
			f, ok = s.address(colon)
		}

		if ok {
			return f, true
		}
	}
}

// nextOutside returns the next call that counts and stands outside of comments.
func (s *scanner) nextOutside() (f found, ok bool) {
	for f, ok = s.next(); ok && s.isComment(f.from); f, ok = s.next() {
	}
	return f, ok
}

// byteAt returns a byte of the text; a line break behind its end.
func (s *scanner) byteAt(at int) byte {
	if at < len(s.text) {
		return s.text[at]
	}
	return '\n'
}

// What stands before a call without a scheme, what stands behind a call, and what ends the part of
// a URL with user, host and port.
const (
	before    = " \t\r\n\"'`=,;([@"
	behind    = " \t\r\n\"'`,;)]}>|&\\/?#"
	authority = " \t\r\n\"'`,;[]<>|\\/?#"
)

// address reads HOST:PORT around a colon.
func (s *scanner) address(colon int) (f found, ok bool) {
	start := colon
	for start > 0 && isHost(s.text[start-1]) {
		start--
	}

	if host := s.text[start:colon]; !s.names.counts(host) || start > 0 && strings.IndexByte(before, s.text[start-1]) < 0 {
		return f, false
	}

	f.from = start
	f.Host = string(s.text[start:colon])

	return f, s.finish(&f, colon)
}

// url reads SCHEME://USER@HOST:PORT/PATH around the first colon.
func (s *scanner) url(colon int) (f found, ok bool) {
	start := colon
	for start > 0 && isScheme(s.text[start-1]) {
		start--
	}
	for start < colon && !isLetter(s.text[start]) { // RFC 3986 section 3.1
		start++
	}

	f.from, f.Scheme = start, strings.ToLower(string(s.text[start:colon]))

	host := colon + len("://")
	if f.Scheme == "dns" && s.byteAt(host) == '/' { // dns:///cart:7070, gRPC Name Resolution
		host++
	}

	if end := bytes.IndexAny(s.text[host:], authority); end < 0 {
		host += 1 + bytes.LastIndexByte(s.text[host:], '@')
	} else {
		host += 1 + bytes.LastIndexByte(s.text[host:host+end], '@')
	}

	end := host
	for isHost(s.byteAt(end)) {
		end++
	}

	if s.at = end; !s.names.counts(s.text[host:end]) {
		return f, false
	}

	f.Host = string(s.text[host:end])

	return f, s.finish(&f, end)
}

// finish reads what stands behind the host of a call: a port and a path.
func (s *scanner) finish(f *found, at int) (ok bool) {
	if s.byteAt(at) == ':' {
		digits := at + 1
		for at++; isDigit(s.byteAt(at)); at++ {
		}
		f.Port = string(s.text[digits:at])
	}

	if s.at = at; strings.IndexByte(behind, s.byteAt(at)) < 0 {
		return false
	}

	f.Text = f.Host
	if f.Port != "" {
		f.Text += ":" + f.Port
	}

	if f.Scheme != "" {
		f.Text = f.Scheme + "://" + f.Text
	}

	if s.names.Hosts[f.Host] && f.Scheme != "" {
		f.Path = s.path(at)
	}

	f.Host, f.Port = strings.TrimSuffix(f.Host, "."), cmp.Or(f.Port, schemePorts[f.Scheme])

	return f.Port != "" || s.names.Hosts[f.Host]
}

// path reads the path that begins at an offset, as far as it is clear: it ends before a segment
// that holds a variable.
func (s *scanner) path(at int) string {
	if s.byteAt(at) != '/' {
		return ""
	}

	end := at
	for isPath(s.byteAt(end)) {
		end++
	}

	s.at = end
	path := string(s.text[at:end])
	if strings.IndexByte(behind, s.byteAt(end)) < 0 {
		path = path[:strings.LastIndexByte(path, '/')+1]
	}

	return strings.TrimRight(path, ".:")
}

// isComment reports whether an offset stands in a comment of a line. The offsets of its calls must
// rise.
func (s *scanner) isComment(at int) bool {
	if i := bytes.LastIndexByte(s.text[s.seen:at], '\n'); i >= 0 || s.seen == 0 {
		s.seen += i + 1
		line := bytes.TrimLeft(s.text[s.seen:at], " \t")
		s.comment = bytes.HasPrefix(line, []byte("//")) || bytes.HasPrefix(line, []byte(";"))
	}

	for ; s.seen < at && !s.comment; s.seen++ {
		s.comment = s.text[s.seen] == '#' && (s.seen == 0 || strings.IndexByte(" \t\n", s.text[s.seen-1]) >= 0)
	}

	s.seen = at

	return s.comment
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func isWord(c byte) bool { return isDigit(c) || isLetter(c) }

// isHost reports whether a character makes a name longer. The underscore does in other names than
// those of hosts.
func isHost(c byte) bool { return isWord(c) || c == '-' || c == '.' || c == '_' }

func isScheme(c byte) bool { return isWord(c) || c == '-' || c == '.' || c == '+' }

func isPath(c byte) bool { return isWord(c) || strings.IndexByte("/-._~+@:=!", c) >= 0 }
