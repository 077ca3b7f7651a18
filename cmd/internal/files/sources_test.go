package files

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// tree makes files of the given paths in a folder and goes there. Each holds its own path.
func tree(t *testing.T, paths ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, path := range paths {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("text of "+path), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRead(t *testing.T) {
	tree(t, "b.yaml", "odd,[name]*.yaml", "odd", "k8s/z.yml", "k8s/a.yaml", "k8s/m.json", "k8s/README.md", "k8s/sub/b.yaml", "k8s/sub/deep/c.yaml", "k8s/n.yaml/inner.yaml", "k8s-other/a.yaml")
	if err := os.Symlink("a.yaml", "k8s/link.yaml"); err != nil {
		t.Fatal(err)
	}

	for link, to := range map[string]string{"k8s/up.yaml": "..", "k8s/loop.yaml": ".", "k8s/out.yaml": "../b.yaml", "k8s/sub/out": "../../k8s-other", "linked": "k8s"} {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}

	tests := []struct {
		name      string
		paths     []string
		recursive bool
		want      []string
	}{
		{"no -f is standard input", nil, false, []string{"<stdin>"}},
		{"so is a dash", []string{"-"}, false, []string{"<stdin>"}},
		{"in the order of the flags", []string{"k8s/z.yml", "-", "b.yaml"}, false, []string{"k8s/z.yml", "<stdin>", "b.yaml"}},
		{"a name stays as it was typed", []string{"./b.yaml"}, false, []string{"./b.yaml"}},
		{"any file that is named", []string{"k8s/README.md"}, false, []string{"k8s/README.md"}},
		{"twice is twice", []string{"b.yaml", "b.yaml"}, false, []string{"b.yaml", "b.yaml"}},
		{"the manifests of a folder by name", []string{"k8s"}, false, []string{
			"k8s/a.yaml", "k8s/link.yaml", "k8s/m.json", "k8s/out.yaml: it leads out of k8s", "k8s/z.yml",
		}},
		{"and of its subfolders", []string{"k8s"}, true, []string{
			"k8s/a.yaml", "k8s/link.yaml", "k8s/m.json", "k8s/n.yaml/inner.yaml", "k8s/out.yaml: it leads out of k8s", "k8s/sub/b.yaml",
			"k8s/sub/deep/c.yaml", "k8s/sub/out: it leads out of k8s", "k8s/up.yaml: it leads out of k8s", "k8s/z.yml",
		}},
		{"files that match a pattern", []string{"k8s/*.y*ml"}, false, []string{
			"k8s/a.yaml", "k8s/link.yaml", "k8s/n.yaml/inner.yaml", "k8s/out.yaml: it leads out of k8s", "k8s/up.yaml: it leads out of k8s", "k8s/z.yml",
		}},
		{"in any directory, and only manifests", []string{"*/[ma]*"}, false, []string{"k8s/a.yaml", "k8s/m.json", "k8s-other/a.yaml", "linked/a.yaml", "linked/m.json"}},
		{"lists", []string{"b.yaml,k8s/z.yml", "k8s/m.json,-"}, false, []string{"b.yaml", "k8s/z.yml", "k8s/m.json", "<stdin>"}},
		{"of patterns too", []string{"b.yaml,k8s/[a-l]*.yaml"}, false, []string{"b.yaml", "k8s/a.yaml", "k8s/link.yaml"}},
		{"a name is a name first", []string{"odd,[name]*.yaml"}, false, []string{"odd,[name]*.yaml"}},
		{"a folder that is named may be a link", []string{"linked"}, false, []string{
			"linked/a.yaml", "linked/link.yaml", "linked/m.json", "linked/out.yaml: it leads out of linked", "linked/z.yml",
		}},
		{"and so may a file", []string{"k8s/out.yaml"}, false, []string{"k8s/out.yaml"}},
	}

	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sources, err := Inputs{Paths: tt.paths, Recursive: tt.recursive, Stdin: strings.NewReader("text of <stdin>")}.Read(atOnce)
			if err != nil {
				t.Fatal(err)
			}

			var names []string
			for _, s := range sources {
				if s.LeftOut != "" {
					names = append(names, s.Name+": "+s.LeftOut)
					continue
				}

				names = append(names, s.Name)

				text := strings.NewReplacer("link.yaml", "a.yaml", "linked", "k8s", "k8s/out.yaml", "b.yaml").Replace(s.Name)
				if want := "text of " + strings.TrimPrefix(text, "./"); string(s.Data) != want {
					t.Errorf("%s holds %q, want %q", s.Name, s.Data, want)
				}
			}

			if diff := cmp.Diff(tt.want, names); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// atOnce waits for servers and kustomize without a limit.
func atOnce(read func(context.Context, func(string)) error) error {
	return read(context.Background(), func(string) {})
}

func TestReadSourcesErrors(t *testing.T) {
	tree(t, "a.yaml", "empty/README.md", "nested/sub/a.yaml")
	t.Run("every path that cannot be read", func(t *testing.T) {
		sources, err := Inputs{Paths: []string{"gone.yaml", "a.yaml", "empty", "nested"}, Stdin: strings.NewReader("")}.Read(atOnce)
		if err == nil || sources != nil {
			t.Fatalf("got %v, %v", sources, err)
		}

		for _, path := range []string{"gone.yaml", "empty", "nested"} {
			if !strings.Contains(err.Error(), path+":") {
				t.Errorf("%s is not in %v", path, err)
			}
		}

		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("not a missing file: %v", err)
		}
	})

	for paths, want := range map[string]string{
		"nested/*.yaml":           "reading manifests: nested/*.yaml: no .yaml, .yml or .json file matches this pattern",
		"*.md,gone.yaml":          "reading manifests: *.md: no .yaml, .yml or .json file matches this pattern\nreading manifests: gone.yaml: no such file or directory",
		"nested/[a.yaml":          "reading manifests: nested/[a.yaml: no file has this name, and it is no valid pattern; close its brackets",
		"":                        "a path is empty; name a file, or - for standard input",
		"a.yaml,":                 "a.yaml,: there is no path beside a comma; correct the list",
		"s3://bucket/a":           "reading manifests: s3://bucket/a: tykmesh reads files and https:// URLs; download it, then name the file",
		"empty/*":                 "reading manifests: empty/*: no .yaml, .yml or .json file matches this pattern",
		"-,a.yaml,-":              "- is given twice: standard input can be read only once",
		"http://h/a?b=c":          "http://h/a: every host on the way can change the answer; use https://, or allow it with --plain-http",
		"https://u:p w@h/":        "a URL is not valid; write https://HOST/PATH, and encode special characters with %",
		"https:///a.yaml":         "a URL is not valid; write https://HOST/PATH, and encode special characters with %",
		"https://h/a,HTTPS://h/b": "https://h/a,HTTPS://h/b: commas do not separate URLs; write -f before each",
	} {
		if _, err := (Inputs{Paths: []string{paths}}).Read(atOnce); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", paths, err, want)
		}
	}

	t.Run("standard input breaks off", func(t *testing.T) {
		broken := errors.New("broken")
		if _, err := (Inputs{Paths: nil, Stdin: iotest.ErrReader(broken)}).Read(atOnce); !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
	})

	t.Run("standard input twice", func(t *testing.T) {
		_, err := Inputs{Paths: []string{"-", "a.yaml", "-"}, Stdin: strings.NewReader("")}.Read(atOnce)
		wantUsage(t, err)
	})
	t.Run("a terminal that nobody named", func(t *testing.T) {
		terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
		if err != nil {
			t.Skip("no pseudo-terminal here:", err)
		}
		defer terminal.Close()
		_, err = Inputs{Paths: nil, Stdin: terminal}.Read(atOnce)
		wantUsage(t, err)
	})
}

func wantUsage(t *testing.T, err error) {
	t.Helper()
	var usage *InputError
	if !errors.As(err, &usage) || usage.ExitCode() != 2 {
		t.Errorf("got %v, want a usage error", err)
	}
}
