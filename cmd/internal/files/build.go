package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
)

// overlay returns the source of a directory that kustomize builds.
//
// Errors: [InputError] if there is no such directory. kustomize would also build a URL, with git.
func overlay(dir string) ([]Source, error) {
	info, err := os.Stat(dir)
	switch {
	case err != nil && strings.Contains(dir, "://"):
		return nil, &InputError{"-k reads directories, not URLs; pipe it: kustomize build URL | tykmesh inject"}
	case err != nil:
		return nil, inputError(err)
	case !info.IsDir():
		return nil, &InputError{fmt.Sprintf("-k %s: this is a file; name its directory, or use -f", dir)}
	}

	return []Source{{Name: "kustomize " + dir, kind: aBuild, dir: dir}}, nil
}

// kustomizations are the names of the files that kustomize looks for in a directory.
var kustomizations = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// readBy returns the paths that kustomize reads for a directory: the directory, and the files and
// directories that kustomizations name. It takes each word of those for a path, so it may return
// more.
func readBy(dir string) []string {
	const most = 1000
	paths := []string{dir}
	for i := 0; i < len(paths) && len(paths) < most; i++ {
		for _, name := range kustomizations {
			text, _ := ReadConfig(filepath.Join(paths[i], name)) // "" for a file, or a directory without it
			for _, word := range strings.FieldsFunc(string(text), endsPath) {
				if at := filepath.Join(paths[i], word); !slices.Contains(paths, at) && Exists(at) {
					paths = append(paths, at)
				}
			}
		}
	}

	return paths
}

// endsPath reports whether a character of a kustomization is beside a path.
func endsPath(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("\"'[]{},:=#", r) }

// builders are the programs that build a directory, in order of preference, with their arguments.
var builders = [][]string{{"kustomize", "build", "--"}, {"kubectl", "kustomize", "--"}}

// build returns the output of kustomize, or of kubectl where only that is installed.
//
// Errors: neither is installed; it fails, with the end of its standard error; its output is larger
// than manifests may be.
func build(ctx context.Context, dir string) ([]byte, error) {
	for _, words := range builders {
		program, err := exec.LookPath(words[0]) // never from the current directory
		if err != nil {
			continue
		}
		return runBuilder(exec.CommandContext(ctx, program, append(slices.Clone(words[1:]), dir)...)) //nolint:gosec // the user asks for it; there is no shell
	}

	return nil, errors.New("neither kustomize nor kubectl is in PATH; install kustomize, or pipe its output: kustomize build DIR | tykmesh inject")
}

func runBuilder(cmd *exec.Cmd) ([]byte, error) {
	stdout, stderr := &limited{most: maxManifests}, &limited{most: 64 << 10, ends: true}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.WaitDelay = time.Second // for programs that it has started itself
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "TYKMESH_") || strings.HasPrefix(v, "TK8S_") // secrets of the configuration
	})

	err := cmd.Run()
	name := strings.TrimSuffix(filepath.Base(cmd.Path), ".exe")
	switch {
	case stdout.full:
		return nil, fmt.Errorf("the output of %s is %w", name, tooLarge(maxManifests))
	case errors.As(err, new(*exec.ExitError)):
		return nil, fmt.Errorf("%s failed: %s", name, ending(stderr.text.Bytes(), err))
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	}

	return stdout.text.Bytes(), nil
}

// ending returns the last lines of a program's standard error as one line, or the status that it
// ended with.
func ending(stderr []byte, status error) string {
	var lines []string
	for line := range bytes.Lines(stderr) {
		if text := strings.TrimSpace(string(line)); text != "" {
			lines = append(lines, strings.TrimPrefix(text, "Error: "))
		}
	}
	if len(lines) == 0 {
		return status.Error()
	}

	const most = 5
	return strings.Join(lines[max(0, len(lines)-most):], "; ")
}

// limited holds a text up to a number of bytes. Then it fails, or it holds the end.
type limited struct {
	text bytes.Buffer
	most int
	ends bool // it holds the end
	full bool
}

// Write implements [io.Writer].
func (l *limited) Write(text []byte) (int, error) {
	l.full = l.full || l.text.Len()+len(text) > l.most
	if l.full && !l.ends {
		return 0, tooLarge(int64(l.most))
	}

	l.text.Write(text)
	l.text.Next(max(0, l.text.Len()-l.most))

	return len(text), nil
}
