package main

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// README stays short enough to be read, and prose fits a window. Tables and blocks may be wider.
func TestReadmeSize(t *testing.T) {
	const mostLines, mostColumns = 349, 150
	if n := strings.Count(readDocument(t, readmeFile), "\n"); n > mostLines {
		t.Errorf("README.md has %d lines, at most %d: move reference to cmd/tykmesh/README.md", n, mostLines)
	}

	for _, file := range append(slices.Clone(userFiles), developersFile) {
		block := false
		for i, line := range strings.Split(readDocument(t, file), "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "```") {
				block = !block
			}
			if n := utf8.RuneCountInString(line); n > mostColumns && !block && !strings.HasPrefix(line, "|") {
				t.Errorf("%s:%d: %d columns, at most %d", file, i+1, n, mostColumns)
			}
		}
	}
}
