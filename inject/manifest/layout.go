package manifest

import "strings"

// layoutAt returns the style of the text around a node.
func (d *Document) layoutAt(n *Node) layout {
	l := layout{newline: d.newline(), mapping: 2, gap: 1, json: d.json || d.quotesAll(n)}
	for at := n; at != nil; at = at.parent {
		if at.Kind == Mapping && !at.Flow && at.parent != nil && at.parent.Kind == Mapping {
			l.mapping = d.column(at) - d.column(at.parent)
			break
		}
	}

	// Text farther away has no influence, so that a change there does not change the text here.
	seq := firstSequence(n, 3)
	if seq == nil {
		seq = firstSequence(n.parent, 3)
	}

	if seq != nil {
		l.list = max(0, d.column(seq)-d.column(seq.parent))
		if first := seq.Content[0]; first.start() > d.content(seq) && !strings.Contains(string(d.Text[d.content(seq):first.start()]), "\n") {
			l.gap = first.start() - d.content(seq) - 1
		}
	}

	return l
}

// firstSequence returns a sequence in block style that is the value of an entry: n itself, or one
// that is not much deeper.
func firstSequence(n *Node, depth int) *Node {
	switch {
	case n == nil:
		return nil
	case n.Kind == Sequence && !n.Flow && len(n.Content) > 0 && n.parent != nil && n.parent.Kind == Mapping:
		return n
	case depth == 0 || n.Flow:
		return nil
	}

	for _, c := range n.Content {
		if s := firstSequence(c, depth-1); s != nil {
			return s
		}
	}

	return nil
}

// quotesAll reports whether the keys around a node in brackets are quoted, as in JSON.
func (d *Document) quotesAll(n *Node) bool {
	for at := n; at != nil && at.Flow; at = at.parent {
		if at.Kind == Mapping && len(at.Content) > 0 {
			return at.Content[0].style == quoted && d.Text[at.Content[0].start()] == '"'
		}
	}
	return false
}

// lineIndent returns the indentation of the line of an offset.
func (d *Document) lineIndent(at int) int { return d.indent(d.lineStart(at)) }

// dedent returns a text whose lines, except the first, are relative to a column. A line indented by
// less begins with a tab for each missing space, because indentation has no tabs (YAML 1.2 section
// 6.1). It returns false if a line begins with a tab of its own.
func dedent(text string, column int) (string, bool) {
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines[1:] {
		content := strings.TrimLeft(line, " ")
		if isBlank(line) {
			continue
		}
		if content[0] == '\t' {
			return "", false
		}
		depth := len(line) - len(content) - column
		lines[i+1] = strings.Repeat(" ", max(0, depth)) + strings.Repeat("\t", max(0, -depth)) + content
	}

	return strings.Join(lines, ""), true
}

// indent reverses dedent.
func indent(text string, column int) string {
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines[1:] {
		if isBlank(line) {
			continue
		}
		content := strings.TrimLeft(line, "\t")
		lines[i+1] = strings.Repeat(" ", max(0, column-(len(line)-len(content)))) + content
	}

	return strings.Join(lines, "")
}

func isBlank(line string) bool { return strings.Trim(line, " \t\r\n") == "" }
