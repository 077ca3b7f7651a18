package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const mit = "Permission is hereby granted, free of charge, to any person obtaining a copy,\nincluded in\tall copies or substantial portions\n"

// TestNotices compares the notices with the modules that the go command lists for each system, and
// with the texts that only a package's own directory has.
func TestNotices(t *testing.T) {
	const checkout = "../../.."
	modules, err := linked(checkout)
	if err != nil {
		t.Fatal(err)
	}
	text, err := notices(modules)
	if err != nil {
		t.Fatal(err)
	}

	for _, on := range []string{"linux", "windows", "darwin"} {
		list := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}@{{.Version}}{{end}}{{end}}", "./cmd/tykmesh")
		list.Dir, list.Env = checkout, append(os.Environ(), "GOOS="+on)
		names, err := list.Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range strings.Fields(string(names)) {
			if !bytes.Contains(text, []byte("\n"+name+": LICENSE")) {
				t.Errorf("the notices have no licence of %s, which tykmesh for %s is linked from", name, on)
			}
		}
	}
	for _, want := range []string{"\ntykmesh: LICENSE\n", "\nGo, its runtime", "github.com/inconshreveable/mousetrap@", ": third_party/forked/golang/LICENSE\n"} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("the notices have no %q", want)
		}
	}
}

// TestLicences holds that a module needs a licence that is known and may be shipped, and that equal
// texts are printed once.
func TestLicences(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"MIT", map[string]string{"LICENSE": mit}, ""},
		{"MIT with Windows' line ends", map[string]string{"COPYING.txt": strings.ReplaceAll(mit, "\n", "\r\n")}, ""},
		{"none", map[string]string{"README": mit}, "no licence that notices recognises"},
		{"unknown", map[string]string{"LICENSE": "All rights reserved."}, "no licence that notices recognises"},
		{"only below", map[string]string{"sub/LICENSE": mit}, "no licence that notices recognises"},
		{"GPL below", map[string]string{"LICENSE": mit, "sub/LICENSE": "GNU  GENERAL PUBLIC\nLICENSE"}, "ask a lawyer"},
		{"GPL in a package that is not linked", map[string]string{"LICENSE": mit, "other/LICENSE": "GNU GENERAL PUBLIC LICENSE"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := module{name: "example.org/m@v1.0.0", root: t.TempDir()}
			m.dirs = []string{filepath.Join(m.root, "sub")}
			for _, dir := range []string{"sub", "other"} {
				if err := os.Mkdir(filepath.Join(m.root, dir), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			for name, text := range c.files {
				if err := os.WriteFile(filepath.Join(m.root, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}

			text, err := notices([]module{m, m})
			if c.want == "" && (err != nil || bytes.Count(text, []byte("Permission is")) != 1) {
				t.Errorf("got %v and:\n%s", err, text)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got error %v, want %q", err, c.want)
			}
		})
	}
}
