package config

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tykmesh/tykmesh/inject/display"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// yamlNode returns a value as package yaml writes it.
func yamlNode(v any) *yaml.Node {
	switch v := v.(type) {
	case nil:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tagNull}
	case manifest.Map:
		n := &yaml.Node{Kind: yaml.MappingNode}
		for _, e := range v {
			n.Content = append(n.Content, yamlNode(e.Key), yamlNode(e.Value))
		}
		return n

	case manifest.List:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for _, item := range v {
			n.Content = append(n.Content, yamlNode(item))
		}
		return n
	}

	if text, ok := v.(string); ok {
		v = shownText(text)
	}

	n := new(yaml.Node)
	_ = n.Encode(v) // texts, numbers and bools always can be

	return n
}

// shownText returns a text without control characters, on as many lines as it has. A text of one
// line stands behind its key, so it may begin with two colons.
func shownText(text string) string {
	const key = ": "
	lines := strings.Split(text, "\n")
	if len(lines) == 1 {
		return strings.TrimPrefix(display.Line(key+text), key)
	}
	for i, line := range lines {
		lines[i] = display.Line(line)
	}

	return strings.Join(lines, "\n")
}

// flowText returns a value as YAML in one line.
func flowText(v any) string {
	n := yamlNode(v)
	n.Style |= yaml.FlowStyle
	text, _ := yaml.Marshal(n) // a tree of plain values always can be
	return strings.TrimRight(string(text), "\n")
}
