package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/goreleaser/goreleaser/v2/pkg/config"
)

// A module has a licence of its own: a Go module, tykmesh or the Go distribution.
type module struct {
	name string   // path@version
	root string   // its directory
	dirs []string // those of its linked packages
}

// A listed package is one that go list prints.
type listed struct {
	Dir    string
	Goroot bool
	Module *struct {
		Path, Version, Dir string
		Main               bool
		Replace            *struct{ Path, Version string }
	}
}

// linked returns the modules of the program in a checkout on any system of the release, sorted:
// tykmesh and Go come first.
func linked(checkout string) ([]module, error) {
	built, err := systems(filepath.Join(checkout, ".goreleaser.yaml"))
	if err != nil {
		return nil, err
	}
	goroot, version, err := toolchain(checkout)
	if err != nil {
		return nil, err
	}

	found := map[string]*module{"": {name: "Go, its runtime and standard library, " + version, root: goroot, dirs: []string{goroot}}}
	for _, system := range built {
		if err := list(checkout, system, found); err != nil {
			return nil, err
		}
	}

	var out []module
	for _, m := range found {
		slices.Sort(m.dirs)
		m.dirs = slices.Compact(m.dirs)
		out = append(out, *m)
	}
	slices.SortFunc(out, func(a, b module) int {
		if own := isOwn(b) - isOwn(a); own != 0 {
			return own
		}
		return strings.Compare(a.name, b.name)
	})

	return out, nil
}

// isOwn returns 2 for tykmesh, 1 for Go, else 0: the order of the notices.
func isOwn(m module) int {
	switch {
	case m.name == "tykmesh":
		return 2
	case strings.HasPrefix(m.name, "Go, "):
		return 1
	}
	return 0
}

// A system is an operating system with a processor, as Go names them.
type system struct{ os, arch string }

// systems returns the systems that a release is built for.
func systems(file string) ([]system, error) {
	project, err := config.Load(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}

	var out []system
	for _, build := range project.Builds {
		for _, name := range build.Goos {
			for _, arch := range build.Goarch {
				out = append(out, system{name, arch})
			}
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: no system is built", file)
	}

	return out, nil
}

// toolchain returns the directory and the version of the Go that builds a checkout.
func toolchain(checkout string) (goroot, version string, err error) {
	cmd := exec.Command("go", "env", "GOROOT", "GOVERSION")
	cmd.Dir, cmd.Stderr = checkout, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", "", fmt.Errorf("go env: %w", err)
	}
	goroot, version, _ = strings.Cut(strings.TrimSpace(string(out)), "\n")

	return goroot, version, nil
}

// list adds the modules that a program for one system is linked from.
func list(checkout string, on system, found map[string]*module) error {
	cmd := exec.Command("go", "list", "-deps", "-json=Dir,Goroot,Module", "./cmd/tykmesh")
	cmd.Dir, cmd.Stderr = checkout, os.Stderr
	cmd.Env = append(os.Environ(), "GOOS="+on.os, "GOARCH="+on.arch, "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go list for %s/%s: %w", on.os, on.arch, err)
	}

	for packages := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := packages.Decode(&p); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("go list for %s/%s: %w", on.os, on.arch, err)
		}

		if p.Goroot || p.Module == nil {
			continue
		}
		if p.Module.Replace != nil {
			return fmt.Errorf("module %s is replaced by %s; notices does not know whose licence counts", p.Module.Path, p.Module.Replace.Path)
		}
		m := found[p.Module.Path]
		if m == nil {
			m = &module{name: p.Module.Path + "@" + p.Module.Version, root: p.Module.Dir}
			found[p.Module.Path] = m
		}
		if p.Module.Main {
			m.name, m.dirs = "tykmesh", []string{p.Module.Dir}
		} else {
			m.dirs = append(m.dirs, p.Dir)
		}
	}
}

// legal matches names of files with licences and notices. Lists of authors are none.
var legal = regexp.MustCompile(`(?i)^(un)?(licen[cs]es?|copying|copyright|notices?|patents|third[-_]party[-_](licen[cs]es?|notices?))([-._].*)?$`)

// texts returns the files with licences and notices of a module, from its linked packages' directories
// up to its root, by their paths in it.
func (m module) texts() (map[string]string, error) {
	out, seen := map[string]string{}, map[string]bool{}
	for _, dir := range m.dirs {
		for ; strings.HasPrefix(dir+string(filepath.Separator), m.root) && !seen[dir]; dir = filepath.Dir(dir) {
			seen[dir] = true
			if err := m.read(dir, out); err != nil {
				return nil, err
			}
			if dir == m.root {
				break
			}
		}
	}

	return out, nil
}

// read adds the files with licences and notices of one directory.
func (m module) read(dir string, out map[string]string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}

	for _, entry := range entries {
		if !entry.Type().IsRegular() || !legal.MatchString(entry.Name()) || strings.HasSuffix(entry.Name(), ".go") {
			continue
		}
		path := filepath.Join(dir, entry.Name())
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		short, err := filepath.Rel(m.root, path)
		if err != nil {
			return err
		}
		out[filepath.ToSlash(short)] = tidy(string(text))
	}

	return nil
}

// tidy returns a text with Unix line ends, without blanks at line ends and without outer blank lines,
// so that equal texts are equal.
func tidy(text string) string {
	lines := strings.Split(strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r", ""), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \t\f")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}
