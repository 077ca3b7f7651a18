package manifest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Mistake finds what the YAML parser's error about Text is: the place, and what is wrong there. The
// parser names the line where that began in which it got stuck, often one too early, and in terms
// of its own; what people have to change is the line that it stopped at.
func (d *Document) Mistake(err error) *SyntaxError { return d.mistake(d.Text, err) }

// mistake is Mistake for a text that differs from Text in no more than some letters.
func (d *Document) mistake(text []byte, err error) *SyntaxError {
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil {
		return &SyntaxError{Pos: d.Position(0), Msg: err.Error()}
	}

	msg := strings.ReplaceAll(err.Error()[len(m[0]):], "\n", " ")
	if strings.HasSuffix(msg, "control characters are not allowed") {
		return &SyntaxError{Pos: d.Position(max(0, bytes.IndexFunc(d.Text, isControl))), Msg: msg}
	}

	lines := d.linesOf(text)

	line, _ := strconv.Atoi(m[1])
	if bracket := unclosed[msg]; bracket != "" && line < len(lines) && strings.Contains(lines[line], bracket) {
		line++ // the parser counts the line where it opens from 0
	} else if bad := firstBadLine(lines); bad > 0 {
		line = bad
	}

	line = min(max(line, 1), len(lines))
	at := lines[line-1]
	indent := len(at) - len(strings.TrimLeft(at, " \t"))

	return &SyntaxError{Pos: d.Position(d.lineStarts()[line-1] + indent), Msg: explain(msg, at, lines[:line-1])}
}

// isControl reports whether a character cannot stand in a YAML document at all, YAML 1.2 section
// 5.1.
func isControl(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || notPrintable(r) && r != '\u0085' && r != '\ufeff'
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// unclosed are the parser's messages about a bracket, with what opens.
var unclosed = map[string]string{"did not find expected ',' or ']'": "[", "did not find expected ',' or '}'": "{"}

// linesOf returns the lines of a text with the line breaks of Text.
func (d *Document) linesOf(text []byte) (lines []string) {
	starts := d.lineStarts()
	for i, start := range starts {
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		lines = append(lines, string(text[start:end]))
	}

	return lines
}

// firstBadLine returns the line, from 1, that a text cannot be read from on, though what stands
// before it can; 0 where it can be read. It is mostly the one that the parser has come to; quotes
// and brackets that nothing closes begin somewhere above.
func firstBadLine(lines []string) int {
	r := &lineReader{lines: lines}
	if parses(r) {
		return 0
	}

	good := func(n int) bool { return parses(strings.NewReader(strings.Join(lines[:n], ""))) }
	if good(r.next - 1) {
		return r.next
	}

	first := 0
	for range 3 {
		first += sort.Search(r.next-1-first, func(n int) bool { return !good(first + n) })
		closes := first + 1
		for closes < min(first+5, r.next) && !good(closes) {
			closes++
		}

		if !good(closes) {
			break
		}

		first = closes // what begins here goes over some lines, and ends
	}

	return first
}

// lineReader gives out one line at a time, so that it shows how far a parser has come.
type lineReader struct {
	lines []string
	next  int
	rest  string // of the line before
}

// Read gives out a line, or what p has room for.
func (r *lineReader) Read(p []byte) (int, error) {
	if r.rest == "" {
		if r.next == len(r.lines) {
			return 0, io.EOF
		}
		r.rest = r.lines[r.next]
		r.next++
	}

	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func parses(r io.Reader) (ok bool) {
	defer func() { _ = recover() }() // as decodeYAML
	decoder, err := yaml.NewDecoder(r), error(nil)
	for range 2 { // the second is what the parser takes for one because the first has ended
		if err == nil {
			err = decoder.Decode(new(yaml.Node))
		}
	}

	return err == nil || errors.Is(err, io.EOF)
}

// reserved finds what cannot begin a plain scalar, YAML 1.2 section 5.3.
var reserved = regexp.MustCompile("(?:^|[ \\[{,])([@`%])")

// isConflict reports whether a line is one with which git marks a conflict.
func isConflict(line string) bool {
	word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
	return word == "<<<<<<<" || word == "=======" || word == ">>>>>>>"
}

// meanings are the parser's messages in words that say what to do.
var meanings = map[string]string{
	"did not find expected alphabetic or numeric character":  "* and & begin the name of an anchor: put the value in quotes",
	"found unknown escape character":                         "a backslash in double quotes begins an escape that YAML does not have: double it, or use single quotes",
	"could not find expected ':'":                            "a key wants a colon and a space behind it",
	"found unexpected end of stream":                         "quotes open here that nothing closes",
	"did not find expected node content":                     "a value is missing, or brackets do not match",
	"block sequence entries are not allowed in this context": "an item of a list wants a line of its own",
	"mapping values are not allowed in this context":         "a key, where the line above holds a value: it is indented too far",
}

// explain says what the parser's message means for the line that it stopped at.
func explain(msg, line string, before []string) string {
	line = strings.TrimRight(line, " \t\r\n")
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	switch special := reserved.FindStringSubmatch(line); {
	case strings.Contains(indent, "\t"):
		return "a tab indents this line; YAML wants spaces"
	case isConflict(line), len(before) > 0 && isConflict(before[len(before)-1]):
		return "a merge conflict is left here"
	case strings.Contains(line, "{{"):
		return "a template begins here: render it first, as helm template does"
	case unclosed[msg] != "":
		return "a " + unclosed[msg] + " opens here that nothing closes, or a comma is missing in it"
	case strings.HasPrefix(msg, "unknown anchor"):
		return msg + "; a value that begins with * wants quotes"
	case special != nil && msg == "found character that cannot start any token":
		return "no value begins with " + special[1] + ": put it in quotes"
	case strings.Count(line, ": ") > 1 && msg == "mapping values are not allowed in this context":
		return "a value that holds a colon and a space wants quotes"
	case isMisplaced[msg]:
		return misplaced(len(indent), line, before)
	}

	return cmp.Or(meanings[msg], msg)
}

// isMisplaced are the parser's messages about a line that is no entry of what is open above it.
var isMisplaced = map[string]bool{"did not find expected key": true, "did not find expected '-' indicator": true, "did not find expected <document start>": true}

// misplaced says why a line is no entry of what is open above it.
func misplaced(indent int, line string, before []string) string {
	inner := -1 // the least indentation above that is more than the line's
	for i := len(before) - 1; i >= 0; i-- {
		above := strings.TrimRight(before[i], " \t\r\n")
		at := len(above) - len(strings.TrimLeft(above, " "))
		switch {
		case above == "" || above[at] == '#':
		case at > indent:
			if inner < 0 || at < inner {
				inner = at
			}
		case at < indent && inner >= 0:
			return fmt.Sprintf("indented by %d, where the lines above are indented by %d or %d", indent, at, inner)
		case quotesEndOddly(line):
			return badQuotes
		case strings.HasPrefix(line[indent:], "- "):
			return "an item of a list, where a key is expected"
		case strings.HasPrefix(above[at:], "- "):
			return "no item of the list above, and not indented as a part of one"
		default:
			return "neither a key of its own nor a part of the value above it"
		}
	}

	switch {
	case inner >= 0:
		return fmt.Sprintf("indented by %d, less than the lines above", indent)
	case quotesEndOddly(line):
		return badQuotes
	}

	return "no key where one is expected"
}

// quotesEndOddly reports whether quotes do not end on the line that they begin on, or something
// follows them that cannot.
func quotesEndOddly(line string) bool {
	for {
		open := strings.IndexAny(line, `'"`)
		if open < 0 {
			return false
		}

		length := strings.IndexByte(line[open+1:], line[open])
		if length < 0 {
			return true
		}

		line = strings.TrimLeft(line[open+length+2:], " \t")
		if line != "" && !strings.ContainsRune(":,]}#", rune(line[0])) {
			return true
		}
	}
}

const badQuotes = "quotes open here that end too early or too late: in single quotes a quote is written twice, in double quotes behind a backslash"
