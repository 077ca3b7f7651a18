package manifest

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestQuickTokens throws what YAML is made of together: most of it is no YAML, and what quick reads of the rest is what the parser reads.
func TestQuickTokens(t *testing.T) {
	tokens := []string{
		"a", "b: ", "c:", "\n", "\n", "\n", " ", "  ", "    ", "- ", "-", "\"", "'", "|", "|-", "|+", "#", " #", "\t", "...", "---", "{", "}", "[", "]",
		",", ": ", ":", "x y", "1", "~", "true", "\\n", "\\", "''", "<<", "&a", "*a", "!t", "?", "? ", "%", "@", "é", "\u00a0", "0x1", "a/b.c", "-1", "(",
		">", "\"q\"", "'q'", "\"q\": ", "{a: 1}", "[a, b]", "k: |\n  t\n", "k:\n- a\n", "- k: v\n",
	}
	taken := 0
	for seed := range uint64(60_000) {
		r := rand.New(rand.NewPCG(seed, 7))
		var b strings.Builder
		for range 1 + r.IntN(16) {
			b.WriteString(tokens[r.IntN(len(tokens))])
		}
		if r.IntN(2) == 0 {
			b.WriteString("\n")
		}
		for _, d := range Split("f.yaml", []byte(b.String())) {
			if checkQuick(t, d) {
				taken++
			}
		}
	}
	if taken < 1000 {
		t.Fatalf("quick read %d documents only", taken)
	}
}
