package manifest

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// scalar reads a value that begins on the line of its key or dash, brackets included, and the rest
// of that line.
func (q *quick) scalar(parent *Node, column int) *Node {
	switch q.peek(0) {
	case '{', '[':
		n := q.flow(parent)
		q.restOfLine()
		return n
	case '"', '\'':
		n := q.node(parent, q.at)
		n.Value, n.Tag, n.style = q.quoted(), "!!str", quoted
		q.restOfLine()
		return n
	case '|':
		return q.literal(parent, column)
	}

	n := q.node(parent, q.at)
	n.Value = q.plain()
	n.Tag = plainTag(n.Value)
	q.restOfLine()

	return n
}

// plain reads a plain scalar of one line. One of several lines is noticed by the line behind it,
// which is indented too far.
func (q *quick) plain() string {
	start := q.at
	if c := q.peek(0); !isWord(c) && strings.IndexByte("~(<", c) < 0 || q.isDash() {
		q.fail()
	}

	for end := start; ; q.at++ {
		switch c := q.peek(0); {
		case c == '\n', c == '#' && q.at > end:
			q.at = end
			return q.text[start:end]
		case c == '\t', c == ':' && isBlankByte(q.peek(1)):
			q.fail()
		case c != ' ':
			end = q.at + 1
		}
	}
}

func isBlankByte(c byte) bool { return c == ' ' || c == '\n' || c == '\t' }

// quoted reads a string in quotes that ends on its line.
func (q *quick) quoted() string {
	quote, start, escaped := q.peek(0), q.at+1, false
	for q.at++; ; q.at++ {
		switch c := q.peek(0); {
		case c == '\n' || c == '\t':
			q.fail()
		case c == '\\' && quote == '"':
			escaped = true
			q.at++
		case c != quote:
		case quote == '\'' && q.peek(1) == quote:
			escaped = true
			q.at++
		default:
			text := q.text[start:q.at]
			q.at++
			if escaped {
				return q.unescape(text, quote)
			}
			return text
		}
	}
}

func (q *quick) unescape(text string, quote byte) string {
	if quote == '\'' {
		return strings.ReplaceAll(text, "''", "'")
	}

	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			b.WriteByte(text[i])
			continue
		}

		i++

		known := strings.IndexByte(`"\ntr`, text[i])
		if known < 0 {
			q.fail()
		}

		b.WriteByte("\"\\\n\t\r"[known])
	}

	return b.String()
}

// literal reads a literal block scalar without an indentation indicator (YAML 1.2 section 8.1).
func (q *quick) literal(parent *Node, column int) *Node {
	n := q.node(parent, q.at)
	n.style, n.Tag = literal, "!!str"
	q.at++

	chomp := q.peek(0)
	if chomp == '-' || chomp == '+' {
		q.at++
	}

	q.restOfLine()

	text, blank := q.lines(column + 1)
	switch {
	case text == "":
		q.fail()
	case chomp == '-':
		n.Value = text[:len(text)-1]
	case chomp == '+':
		n.Value = text + strings.Repeat("\n", blank)
	default:
		n.Value = text
	}

	return n
}

// lines reads the lines of a literal, which are indented by so much at least, and how many blank
// ones follow.
func (q *quick) lines(least int) (text string, blank int) {
	var b strings.Builder
	indent := -1 // not known before the first line
	for q.at < len(q.text) {
		line, _, terminated := strings.Cut(q.text[q.at:], "\n")
		spaces := len(line) - len(strings.TrimLeft(line, " "))
		switch {
		case !terminated, indent < 0 && spaces > 0 && spaces == len(line), indent < 0 && strings.HasPrefix(line[spaces:], "\t"):
			q.fail() // what this means is a matter of chomping, and of lines to come; or the parser refuses it
		case spaces == len(line) && spaces <= max(0, indent):
			blank++
			q.skipLine()
			continue
		case indent < 0:
			indent = max(spaces, least)
		}

		if spaces < indent {
			if line[spaces] == '\t' {
				q.fail()
			}
			break
		}

		b.WriteString(strings.Repeat("\n", blank) + line[indent:] + "\n")
		blank = 0
		q.skipLine()
	}

	return b.String(), blank
}

// flow reads a collection in brackets, which ends on its line.
func (q *quick) flow(parent *Node) *Node {
	q.enter()
	defer q.leave()
	n, base := q.node(parent, q.at), len(q.stack)
	n.Flow, n.Kind, n.Tag = true, Mapping, "!!map"

	closing := byte('}')
	if q.peek(0) == '[' {
		n.Kind, n.Tag, closing = Sequence, "!!seq", ']'
	}

	q.at++
	q.flowSpace()
	if q.peek(0) == closing {
		q.at++
		return q.collect(n, base)
	}

	for {
		if n.Kind == Mapping {
			q.key(n)
			q.stack[len(q.stack)-1].Flow = true
			if q.peek(0) != ':' || q.peek(1) != ' ' {
				q.fail()
			}
			q.at++
			q.flowSpace()
		}

		q.stack = append(q.stack, q.flowValue(n))
		q.flowSpace()
		switch q.peek(0) {
		case ',':
			q.at++
			q.flowSpace()
		case closing:
			q.at++
			return q.collect(n, base)
		default:
			q.fail()
		}
	}
}

func (q *quick) flowSpace() {
	for q.peek(0) == ' ' {
		q.at++
	}
}

func (q *quick) flowValue(parent *Node) *Node {
	switch c := q.peek(0); {
	case c == '{' || c == '[':
		return q.flow(parent)
	case c == '"' || c == '\'':
		n := q.node(parent, q.at)
		n.Value, n.Tag, n.style, n.Flow = q.quoted(), "!!str", quoted, true
		return n
	}

	n := q.node(parent, q.at)
	for c := q.peek(0); isWord(c) || q.at > int(n.begins) && (strings.IndexByte("%=@", c) >= 0 || c == ':' && isWord(q.peek(1))); c = q.peek(0) {
		q.at++
	}

	n.Value, n.Flow = q.text[n.begins:q.at], true
	if n.Value == "" || n.Value == "-" {
		q.fail()
	}

	n.Tag = plainTag(n.Value)

	return n
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
