package config

import (
	"strconv"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// The YAML tags of scalars. All other plain scalars (a date, "<<") count as texts.
const (
	tagNull   = "!!null"
	tagBool   = "!!bool"
	tagInt    = "!!int"
	tagFloat  = "!!float"
	tagString = "!!str"
)

// scalarTag returns the tag of a scalar: one of the above, or an unknown one. Words such as yes and
// on are bools, as in YAML 1.1, because tyk-k8s and kubectl read them so.
func scalarTag(n *manifest.Node) string {
	switch {
	case n.Tag == tagString && !n.IsString():
		return tagBool
	case n.Tag == "!!timestamp" || n.Tag == "!!merge":
		return tagString
	}
	return n.Tag
}

// scalarValue returns the value of a scalar as package manifest represents it. It fails for other
// nodes, for unknown tags, and for values that JSON cannot express, like an infinite number.
func scalarValue(n *manifest.Node) (value any, ok bool) {
	if n.Kind != manifest.Scalar {
		return nil, false
	}

	switch scalarTag(n) {
	case tagNull:
		return nil, true
	case tagString:
		return n.Value, true
	case tagBool:
		return parseBool(n.Value)
	case tagInt:
		return n.Int()
	case tagFloat:
		f, err := strconv.ParseFloat(strings.ReplaceAll(n.Value, "_", ""), 64)
		return f, err == nil
	}

	return nil, false
}

// parseBool parses the bools of YAML 1.1 and of strconv.
func parseBool(text string) (value, ok bool) {
	switch strings.ToLower(text) {
	case "true", "t", "yes", "y", "on", "1":
		return true, true
	case "false", "f", "no", "n", "off", "0":
		return false, true
	}
	return false, false
}

// kindOf returns a description of a value, for messages.
func kindOf(n *manifest.Node) string {
	switch n.Kind {
	case manifest.Mapping:
		return "a mapping"
	case manifest.Sequence:
		return "a list"
	}

	switch scalarTag(n) {
	case tagNull:
		return "nothing"
	case tagBool:
		return "true or false"
	case tagInt, tagFloat:
		return "a number"
	case tagString:
		return "a text"
	}

	return "a value with a tag"
}
