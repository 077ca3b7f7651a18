package dashboard

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"text/template/parse"
)

// printFunc is the name of the function that escapes every printed value.
const printFunc = "_print_as_data"

// printAsData appends printFunc to each action below a node that prints a value, as html/template
// does with its escapers. A constant is the author's text and is not escaped.
func printAsData(node parse.Node) {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, child := range n.Nodes {
			printAsData(child)
		}

	case *parse.ActionNode:
		if len(n.Pipe.Decl) == 0 && !isConstant(n.Pipe) {
			n.Pipe.Cmds = append(n.Pipe.Cmds, &parse.CommandNode{
				NodeType: parse.NodeCommand,
				Args:     []parse.Node{parse.NewIdentifier(printFunc).SetPos(n.Pos)},
				Pos:      n.Pos,
			})
		}

	case *parse.IfNode:
		printAsData(n.List)
		printAsData(n.ElseList)
	case *parse.RangeNode:
		printAsData(n.List)
		printAsData(n.ElseList)
	case *parse.WithNode:
		printAsData(n.List)
		printAsData(n.ElseList)
	}
}

func isConstant(p *parse.PipeNode) bool {
	if len(p.Cmds) != 1 || len(p.Cmds[0].Args) != 1 {
		return false
	}
	switch p.Cmds[0].Args[0].(type) {
	case *parse.StringNode, *parse.NumberNode, *parse.BoolNode:
		return true
	}

	return false
}

// jsonText is the output of a template so far, and whether it ends inside a JSON string.
// text/template writes each piece before it evaluates the next, so asData knows where its result
// will be.
type jsonText struct {
	bytes.Buffer
	inString bool
	escaped  bool // the last byte is a backslash that escapes the next one
}

func (t *jsonText) reset() {
	t.Reset()
	t.inString, t.escaped = false, false
}

// Write appends to the output, and keeps track of quotes.
func (t *jsonText) Write(b []byte) (int, error) {
	for _, c := range b {
		switch {
		case t.escaped:
			t.escaped = false
		case t.inString && c == '\\':
			t.escaped = true
		case c == '"':
			t.inString = !t.inString
		}
	}

	return t.Buffer.Write(b)
}

// asData returns the text of a value that cannot change the JSON around it: inside a string its
// characters are escaped; outside, only numbers and booleans are allowed.
func (t *jsonText) asData(value any) (string, error) {
	if t.escaped {
		return "", errors.New("a value is printed after a backslash, which would escape its first character")
	}

	if t.inString {
		quoted, err := json.Marshal(fmt.Sprint(value))
		if err != nil {
			return "", err
		}
		return string(quoted[1 : len(quoted)-1]), nil
	}

	switch value.(type) {
	case bool, int, float64:
		return fmt.Sprint(value), nil
	}

	return "", errors.New(`a string is printed outside quotes: write "{{...}}"`)
}
