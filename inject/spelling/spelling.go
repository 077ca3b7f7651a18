// Package spelling finds what somebody meant who typed a name that nobody knows.
package spelling

import "strings"

// maxListed is how many names a message may list.
const maxListed = 10

// Suggest is the end of an error about an unknown name: the known one that is most like it, or all, if they are few, where none is alike.
func Suggest(name string, known []string) string {
	if question := DidYouMean("", name, known); question != "" {
		return question
	}
	if len(known) == 0 || len(known) > maxListed {
		return ""
	}
	return "; known are " + strings.Join(known, ", ")
}

// DidYouMean is the end of an error about an unknown name: a question about the known one that is most like it, with what stands in front of all
// of them, or nothing where none is alike.
func DidYouMean(prefix, name string, known []string) string {
	best := Nearest(name, known)
	if best == "" {
		return ""
	}
	return "; did you mean " + prefix + best + "?"
}

// Nearest returns the known name that is so like name that it may be what was meant, or "".
func Nearest(name string, known []string) string {
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
