package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// idiom is a habit of speech that .github/DEVELOPERS.md rules out, and how often it still occurs.
type idiom struct {
	name    string
	pattern *regexp.Regexp
	most    int
}

// idioms only ever lose: lower a figure when you have removed some, and never raise one.
var idioms = []idiom{
	{"what-clauses", regexp.MustCompile(`(?i)\bwhat(ever)? (is|it|they|the|was|has)\b`), 3},
	{"who-clauses as subjects", regexp.MustCompile(`(^|[.;:] )[Ww]ho(ever)? [a-z]+`), 0},
	{"unnamed persons", regexp.MustCompile(`(?i)\b(nobody|somebody|anybody|everybody|someone|anyone|people)\b`), 2},
	{"is none", regexp.MustCompile(`(?i)\b(is|are|was|were) none\b`), 0},
	{"of ours", regexp.MustCompile(`(?i)\bof (ours|its own accord)\b|\bby its own account\b`), 0},
	{"lay over", regexp.MustCompile(`(?i)\b(lays?|laid|laying) (over|under|on)\b`), 0},
	{"it is said", regexp.MustCompile(`(?i)\b(it|this|that|which) (is|are|was) said\b|\bis said (of|by|to|so)\b`), 0},
	{"former for previous", regexp.MustCompile(`(?i)\bformer\b`), 4},
	{"folder for directory", regexp.MustCompile(`(?i)\bfolders?\b`), 0},
}

// TestHouseEnglish holds the texts of the product to the house's English: comments, help, messages
// and documents. Tests may say what they like.
func TestHouseEnglish(t *testing.T) {
	texts := houseTexts(t)
	if len(texts) < 1000 {
		t.Fatalf("only %d texts were found", len(texts))
	}

	for _, i := range idioms {
		var at []string
		for _, text := range texts {
			for range i.pattern.FindAllString(text.words, -1) {
				at = append(at, text.at+": "+excerpt(text.words, i.pattern))
			}
		}

		if len(at) > i.most {
			t.Errorf("%s: %d, at most %d\n%s", i.name, len(at), i.most, strings.Join(at, "\n"))
		}
	}
}

// excerpt returns a pattern's first match with a few words around it.
func excerpt(text string, pattern *regexp.Regexp) string {
	text = strings.Join(strings.Fields(text), " ")
	at := pattern.FindStringIndex(text)
	if at == nil {
		return text
	}

	from, to := max(0, at[0]-30), min(len(text), at[1]+30)
	return strings.ToValidUTF8(text[from:to], "")
}

// TestComments holds the comments to their form: Go Doc Comments for functions, 100 columns.
func TestComments(t *testing.T) {
	const (
		widest    = 100
		mostNouns = 0 // only ever lower these two
		mostWide  = 0
	)
	var nouns, wide []string
	eachGoFile(t, func(_ string, set *token.FileSet, file *ast.File, lines []string) {
		for _, d := range file.Decls {
			fn, is := d.(*ast.FuncDecl)
			if !is || fn.Doc == nil {
				continue
			}

			words := strings.Fields(fn.Doc.Text())
			if len(words) < 2 || strings.Trim(words[0], ",:") != fn.Name.Name {
				t.Errorf("%s: the comment does not begin with %s", set.Position(fn.Pos()), fn.Name.Name)
				continue
			}
			switch words[1] {
			case "is", "are", "was", "were", "says", "tells":
				nouns = append(nouns, fmt.Sprintf("%s: say what %s does, with a verb, not %q", set.Position(fn.Pos()), fn.Name.Name, words[1]))
			}
		}

		for _, group := range file.Comments {
			for _, c := range group.List {
				at := set.Position(c.Pos())
				line := lines[at.Line-1]
				if !strings.HasPrefix(strings.TrimSpace(line), "//") || strings.HasPrefix(c.Text, "//nolint") || strings.HasPrefix(c.Text, "//go:") || strings.HasPrefix(c.Text, "//\t") {
					continue
				}
				if columns := utf8.RuneCountInString(strings.ReplaceAll(line, "\t", "    ")); columns > widest && strings.Count(c.Text, " ") > 1 {
					wide = append(wide, fmt.Sprintf("%s: the comment takes %d columns, at most %d", at, columns, widest))
				}
			}
		}
	})

	if len(nouns) > mostNouns {
		t.Errorf("functions described by nouns: %d, at most %d\n%s", len(nouns), mostNouns, strings.Join(nouns, "\n"))
	}
	if len(wide) > mostWide {
		t.Errorf("wide comments: %d, at most %d\n%s", len(wide), mostWide, strings.Join(wide, "\n"))
	}
}

// houseText is a comment, a literal or a line that users or developers read.
type houseText struct {
	at, words string
}

// houseTexts returns what the product says: comments and literals of its Go files, and documents.
func houseTexts(t *testing.T) []houseText {
	t.Helper()
	var texts []houseText
	eachGoFile(t, func(_ string, set *token.FileSet, file *ast.File, _ []string) {
		for _, group := range file.Comments {
			texts = append(texts, houseText{set.Position(group.Pos()).String(), group.Text()})
		}

		ast.Inspect(file, func(n ast.Node) bool {
			if l, is := n.(*ast.BasicLit); is && l.Kind == token.STRING {
				texts = append(texts, houseText{set.Position(l.Pos()).String(), l.Value})
			}
			return true
		})
	})

	for _, pattern := range []string{"README.md", "*/README.md", "*/*/README.md", "Makefile", "cmd/internal/*/*.yaml", "cmd/tykmesh/*.sh", "ca/pki/k8s/*"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}

		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for paragraph := range strings.SplitSeq(string(text), "\n\n") {
				texts = append(texts, houseText{path, paragraph})
			}
		}
	}

	return texts
}

// eachGoFile parses every Go file of the product, tests and testdata apart.
func eachGoFile(t *testing.T, visit func(path string, set *token.FileSet, file *ast.File, lines []string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := entry.Name(); entry.IsDir() && (name == "testdata" || strings.HasPrefix(name, ".") && name != "..") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}

		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, source, parser.ParseComments)
		if err != nil {
			return err
		}

		visit(path, set, file, strings.Split(string(source), "\n"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
