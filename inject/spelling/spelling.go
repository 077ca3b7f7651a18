// Package spelling finds the known name that was meant where an unknown one was typed.
package spelling

import (
	"slices"
	"strings"
	"unicode"
)

// maxListed is how many names a message may list.
const maxListed = 10

// Suggest returns the end of an error about an unknown name: the known one that is most like it, or
// all, if they are few, where none is alike.
func Suggest(name string, known []string) string {
	if question := DidYouMean("", name, known); question != "" {
		return question
	}
	if len(known) == 0 || len(known) > maxListed {
		return ""
	}
	return "; known are " + strings.Join(known, ", ")
}

// DidYouMean returns the end of an error about an unknown name: a question about the known one that
// is most like it, with what stands in front of all of them, or nothing where none is alike.
func DidYouMean(prefix, name string, known []string) string {
	best := Nearest(name, known)
	if best == "" {
		return ""
	}
	return "; did you mean " + prefix + best + "?"
}

// Nearest returns the known name that name probably stands for, or "".
func Nearest(name string, known []string) string {
	best, least := "", far
	for _, k := range known {
		if d := cost(name, k); d < least {
			best, least = k, d
		}
	}
	return best
}

// A cost counts hundredths of a letter.
const (
	letter = 100
	far    = 1 << 30
)

// cost returns how far a name is from a known one; far where it is not alike.
//
//	name          known                 cost
//	sidecr-cpu    sidecar-cpu           the letters to change: a third of the differing words at most
//	sidecar-mem   sidecar-memory        a letter, and a hundredth for each one that is missing
//	memory-limit  sidecar-memory-limit  a letter and a half, and a hundredth for each missing one
func cost(name, known string) int {
	words, all := split(name), split(known)
	if d := distance(strings.Join(words, ""), strings.Join(all, "")); d <= max(1, differing(words, all)/3) {
		return d * letter
	}

	missing := len(known) - len(name)
	switch {
	case missing <= 0 || len(name) < 3:
	case 2*len(words) > len(all) && abbreviates(words, all):
		return letter + missing
	case 2*len(words) >= len(all) && hasSuffix(all, words):
		return letter + letter/2 + missing
	}

	return far
}

// abbreviates reports whether each word begins the known one in its place. Known ones may follow.
func abbreviates(words, known []string) bool {
	for i, w := range words {
		if i == len(known) || !strings.HasPrefix(known[i], w) {
			return false
		}
	}
	return true
}

func hasSuffix(words, last []string) bool {
	return len(last) > 0 && len(last) <= len(words) && slices.Equal(words[len(words)-len(last):], last)
}

// differing counts the letters of a name without the words with which both it and a known one begin
// or end.
func differing(words, known []string) (letters int) {
	for len(words) > 0 && len(known) > 0 && words[0] == known[0] {
		words, known = words[1:], known[1:]
	}

	for n, m := len(words), len(known); n > 0 && m > 0 && words[n-1] == known[m-1]; n, m = len(words), len(known) {
		words, known = words[:n-1], known[:m-1]
	}

	for _, w := range words {
		letters += len(w)
	}

	return letters
}

// split returns the words of a name in lower case. Words end at any character that is not a letter
// or digit, and where a capital follows a small letter.
func split(name string) (words []string) {
	for part := range strings.FieldsFuncSeq(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		begin, before := 0, ' '
		for i, r := range part {
			if unicode.IsUpper(r) && unicode.IsLower(before) {
				words, begin = append(words, strings.ToLower(part[begin:i])), i
			}
			before = r
		}

		words = append(words, strings.ToLower(part[begin:]))
	}

	return words
}

// distance counts the letters to insert, delete, replace or swap with their neighbour to get from a
// to b (optimal string alignment).
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
