package overview

import (
	"slices"
	"strings"
)

// Commands and lines of a configuration inside of a text become code as a whole, so that users can
// copy them.

// verbs are the commands of tykmesh and kubectl with which hints begin.
var verbs = map[string][]string{
	"tykmesh": {"ca", "certs", "check", "completion", "config", "delete", "diff", "help", "inject", "register", "status", "uninject"},
	"kubectl": {"annotate", "apply", "create", "delete", "get", "label", "rollout"},
}

// after are the words of a sentence that follow a command in it, and never stand in one.
var after = []string{
	"again", "and", "asks", "deletes", "draws", "explains", "for", "fails", "in", "issues", "lists", "makes", "or", "prints", "puts", "replaces", "reports", "shows", "tells", "that",
	"then", "to", "with", "without", "would", "writes",
}

// snippet returns how many of the first words belong together as code; 0 for none.
//
//	kubectl get secret -A -o yaml; then ...   6
//	tykmesh certs renew issues new ones       3
//	Injector.accept: [TM0028, TM0029]         3
//	"Mesh CA 0a1b2c3d" is new                 3
func snippet(all []string) int {
	switch {
	case len(all) < 2:
		return 0
	case slices.Contains(verbs[strings.TrimLeft(all[0], "(")], strings.TrimRight(all[1], ".,;:)")):
		return command(all)
	case strings.HasPrefix(all[0], `"`):
		return quotation(all)
	case isKey(all[0]):
		return value(all)
	}
	return 0
}

// command returns the number of words of a command: it ends with a mark, or before a word that only
// stands in sentences.
func command(all []string) int {
	for i, word := range all {
		if i > 1 && slices.Contains(after, strings.TrimRight(word, ",;:")) {
			return i
		}
		isLast := i == len(all)-1
		if isLast || i > 0 && strings.TrimRight(word, ",;:") != word && all[i+1] != "};" {
			return i + 1
		}
		if i > 0 && strings.HasSuffix(word, ")") && !strings.Contains(word, "(") {
			return i + 1
		}
	}

	return len(all)
}

// quotation returns the number of words between quotation marks, if one of them becomes code.
func quotation(all []string) int {
	const most = 12
	for i, word := range all[:min(len(all), most)] {
		if strings.Contains(word[min(len(word), 1-min(i, 1)):], `"`) {
			if slices.ContainsFunc(all[:i+1], func(s string) bool { return !isProse(s) }) {
				return i + 1
			}
			return 0
		}
	}

	return 0
}

// isKey reports whether a word is an annotation of tykmesh or a key of its configuration, before a
// value.
func isKey(word string) bool {
	section, _, found := strings.Cut(word, ".")
	return found && strings.HasSuffix(word, ":") && slices.Contains([]string{"CA", "Injector", "Sidecar", "Tyk", "injector"}, section)
}

// value returns the number of words of a key and its value: a code, a boolean or a list.
func value(all []string) int {
	next := strings.TrimRight(all[1], ".,;)")
	switch {
	case next == "true", next == "false", strings.HasPrefix(next, "TM0"), strings.HasSuffix(next, "]") && strings.HasPrefix(next, "["):
		return 2
	case strings.HasPrefix(next, "["):
		if i := slices.IndexFunc(all, func(s string) bool { return strings.Contains(s, "]") }); i > 0 {
			return i + 1
		}
	}

	return 0
}
