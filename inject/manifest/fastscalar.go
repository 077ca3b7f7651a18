package manifest

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// scalar reads a value on the line of its key or dash. A plain scalar of several lines is noticed
// by its second line, which is indented too far.
func (f *fast) scalar(parent *Node) *Node {
	if c := f.peek(0); strings.IndexByte(`{["'`, c) >= 0 {
		return f.flow(parent)
	}

	n, end := f.node(parent, Scalar, "!!str"), f.at
	for f.word(); strings.IndexByte("~(<", f.peek(0)) >= 0 && f.at == end; {
		f.at++
	}

	f.expect(f.at > end && !(f.at == end+1 && f.text[end] == '-' && f.endsAt(0)))
	for end = f.at; f.peek(0) != '\n' && (f.peek(0) != '#' || f.at == end); f.at++ {
		f.expect(f.peek(0) != ':' || !f.endsAt(1))
		if f.peek(0) != ' ' {
			end = f.at + 1
		}
	}

	f.at = end
	f.plain(n)

	return n
}

// quoted reads a string in quotes that ends on its line and holds no backslash escapes.
func (f *fast) quoted() string {
	quote, start, doubled := f.peek(0), f.at+1, false
	for f.at++; f.peek(0) != quote || quote == '\'' && f.peek(1) == quote; f.at++ {
		f.expect(f.peek(0) != '\n' && (f.peek(0) != '\\' || quote == '\''))
		if f.peek(0) == quote {
			f.at, doubled = f.at+1, true
		}
	}

	f.at++
	if doubled {
		return strings.ReplaceAll(f.text[start:f.at-1], "''", "'")
	}

	return f.text[start : f.at-1]
}

// literal reads a literal block scalar, YAML 1.2 section 8.1, that begins with a line of text.
func (f *fast) literal(parent *Node, column int) *Node {
	n := f.node(parent, Scalar, "!!str")
	n.style = literal
	f.at++
	strip := f.peek(0) == '-'
	if strip {
		f.at++
	}

	f.expect(f.peek(0) == '\n')
	f.at++
	text := strings.TrimLeft(f.text[min(f.at, len(f.text)):], " ")
	indent := len(f.text) - f.at - len(text)
	f.expect(indent > column && text != "" && text[0] != '\n')

	var b strings.Builder
	for blank := 0; f.at < len(f.text); f.skipLine() {
		line, _, ended := strings.Cut(f.text[f.at:], "\n")
		depth := len(line) - len(strings.TrimLeft(line, " "))
		f.expect(ended && (depth < len(line) || depth == 0 || depth >= indent))
		if line == "" {
			blank++
			continue
		}
		if depth < indent {
			break
		}

		b.WriteString(strings.Repeat("\n", blank) + line[indent:] + "\n")
		blank = 0
	}

	n.Value = b.String()
	if strip {
		n.Value = n.Value[:len(n.Value)-1]
	}

	return n
}

// flow reads a collection in brackets that ends on its line, or a value in one.
func (f *fast) flow(parent *Node) *Node {
	n := f.node(parent, Scalar, "!!str")
	n.Flow = parent.Flow
	switch c := f.peek(0); c {
	case '"', '\'':
		n.Value, n.style = f.quoted(), quoted
		return n
	case '{':
		n.Kind, n.Tag = Mapping, "!!map"
	case '[':
		n.Kind, n.Tag = Sequence, "!!seq"
	default:
		for f.word(); f.at > n.start() && strings.IndexByte("%=@:", f.peek(0)) >= 0; f.word() {
			f.expect(f.peek(0) != ':' || !f.endsAt(1) && strings.IndexByte(",]}", f.peek(1)) < 0)
			f.at++
		}
		f.plain(n)
		return n
	}

	base := f.enter()
	closing := f.peek(0) + 2 // in ASCII
	n.Flow = true
	f.at++
	for f.spaces(); f.peek(0) != closing; f.spaces() {
		if len(f.stack) > base {
			f.expect(f.peek(0) == ',')
			f.at++
			f.spaces()
		}

		if n.Kind == Mapping {
			f.key(n)
			f.spaces()
		}

		f.stack = append(f.stack, f.flow(n))
	}

	f.at++

	return f.collect(n, base)
}

// plainTag returns the tag of a plain scalar.
func plainTag(value string) string {
	switch c := value[0]; {
	case c >= '0' && c <= '9', strings.IndexByte("+-.~<=", c) >= 0:
	case len(value) <= len("FALSE") && strings.IndexByte("yYnNtTfFoO", c) >= 0:
	default:
		return "!!str"
	}

	n := yaml.Node{Kind: yaml.ScalarNode, Value: value}
	return intern(n.ShortTag())
}
