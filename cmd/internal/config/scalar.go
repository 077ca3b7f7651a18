package config

import (
	"math"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The YAML tags of scalars. All other plain scalars (a date, "<<") count as texts.
const (
	tagNull   = "!!null"
	tagBool   = "!!bool"
	tagInt    = "!!int"
	tagFloat  = "!!float"
	tagString = "!!str"
)

// yes and no are the bools of YAML 1.1 that YAML 1.2 reads as text. tyk-k8s and kubectl read them
// as bools.
var (
	yes = []string{"y", "Y", "yes", "Yes", "YES", "on", "On", "ON"}
	no  = []string{"n", "N", "no", "No", "NO", "off", "Off", "OFF"}
)

// scalarTag returns the tag of a scalar: one of the above, or an unknown one.
func scalarTag(n node) string {
	switch tag := n.ShortTag(); {
	case tag == tagString && n.Style == 0 && (slices.Contains(yes, n.Value) || slices.Contains(no, n.Value)):
		return tagBool
	case tag == "!!timestamp" || tag == "!!merge":
		return tagString
	default:
		return tag
	}
}

// scalarValue returns the value of a scalar as package manifest represents it. It fails for other
// nodes, for unknown tags, and for values that JSON cannot express, like an infinite number.
func scalarValue(n node) (value any, ok bool) {
	if n.Kind != yaml.ScalarNode {
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
		var i int64
		err := n.Decode(&i)
		return i, err == nil
	case tagFloat:
		var f float64
		err := n.Decode(&f)
		return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
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
func kindOf(n node) string {
	switch n = resolve(n); n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
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
