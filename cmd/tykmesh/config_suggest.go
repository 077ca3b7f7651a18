package main

import "strings"

// unknownKey reports a key that its level does not know, and what may have been meant: the section where it belongs, or the known
// name that is most like it. Of what was meant no more is said, for instance that it is missing.
func (l *loader) unknownKey(parent string, e entry, known []string) {
	meant := ""
	for _, s := range schema {
		if k, ok := s.find(e.key); ok {
			meant = dotted(s.name, k.name)
		}
	}
	msg := "unknown key; did you mean " + meant + "?"
	if meant == "" {
		msg = "unknown key" + suggest(e.key, known)
		meant = dotted(parent, nearest(e.key, known))
	}
	l.failed[meant] = true
	l.report(e.pos, dotted(parent, e.key), msg)
}

// maxListed is how many names a message may list.
const maxListed = 10

// suggest is the end of an error about an unknown name: the known one that is most like it, or all, if they are few, where none is alike.
func suggest(name string, known []string) string {
	if best := nearest(name, known); best != "" {
		return "; did you mean " + best + "?"
	}
	if len(known) > maxListed {
		return ""
	}
	return "; known are " + strings.Join(known, ", ")
}

// nearest returns the known name that is so like name that it may be what was meant, or "".
func nearest(name string, known []string) string {
	best, least := "", 1+max(1, len(name)/3)
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance counts the letters to insert, delete, replace or swap with their neighbour to get from a to b (optimal string
// alignment).
func distance(a, b string) int {
	from, to := []rune(a), []rune(b)
	var before []int // the row of two letters ago, for swaps
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i := range from {
		next := make([]int, len(to)+1)
		next[0] = i + 1
		for j := range to {
			cost := 1
			if from[i] == to[j] {
				cost = 0
			}
			next[j+1] = min(next[j]+1, row[j+1]+1, row[j]+cost)
			if i > 0 && j > 0 && from[i] == to[j-1] && from[i-1] == to[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(to)]
}
