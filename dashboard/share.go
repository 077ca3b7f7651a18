package dashboard

import "encoding/json"

// Share makes d share its common values with another definition, so that thousands of similar
// definitions take little more memory than one. Do not change either in place after that. kept is
// the approximate size of the rest of d in bytes.
func (d Definition) Share(like Definition) (kept int) {
	kept = mapSize
	for key, v := range d {
		var own int
		d[key], own = shared(v, like[key])
		kept += entrySize + len(key) + own
	}
	return kept
}

// Sizes in bytes on 64-bit systems; a map has room for at least 8 entries.
const (
	mapSize   = 48 + 8*entrySize
	entrySize = 40 // of a map: a key, a value
	wordSize  = 32 // of a text or number beside its characters
)

// sizeOf returns the approximate size of texts in bytes.
func sizeOf(texts ...string) (size int) {
	for _, s := range texts {
		size += wordSize + len(s)
	}
	return size
}

// shared returns v, with the parts of like wherever they are equal. kept is the approximate size of
// the rest in bytes; 0 if everything is equal.
func shared(v, like any) (out any, kept int) {
	switch v := v.(type) {
	case map[string]any:
		return sharedObject(v, like)
	case []any:
		return sharedArray(v, like)
	case string:
		kept = len(v)
	case json.Number:
		kept = len(v)
	}

	switch like.(type) {
	case map[string]any, []any: // which cannot be compared
		return v, kept + wordSize
	}

	if v == like {
		return like, 0
	}

	return v, kept + wordSize
}

func sharedObject(v map[string]any, like any) (out any, kept int) {
	l, ok := like.(map[string]any)
	same := ok && len(v) == len(l)

	size := mapSize
	for key, x := range v {
		y, there := l[key]
		z, own := shared(x, y)
		v[key] = z
		kept += own
		size += entrySize + len(key)
		same = same && there
	}

	if same && kept == 0 {
		return like, 0
	}

	return v, kept + size
}

func sharedArray(v []any, like any) (out any, kept int) {
	l, ok := like.([]any)
	same := ok && len(v) == len(l)
	for i, x := range v {
		var y any
		if i < len(l) {
			y = l[i]
		}
		z, own := shared(x, y)
		v[i] = z
		kept += own
	}

	if same && kept == 0 {
		return like, 0
	}

	return v, kept + wordSize*(1+len(v))
}
