package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/cmd/internal/config"
)

// caInitIn runs ca init for a folder.
func caInitIn(ctx context.Context, dir string, stdout io.Writer, now func() time.Time, args ...string) (status int, stderr string) {
	var told bytes.Buffer
	args = append([]string{"ca", "init", "--dir", dir}, args...)
	return run(ctx, process{args: args, stdin: strings.NewReader(""), stdout: stdout, stderr: &told, now: now}), told.String()
}

// The section that ca init prints is one that the program reads, and leads to the files that it
// made.
func TestCASection(t *testing.T) {
	dir := filepath.Join(t.TempDir(), `a "CA": #1`)
	var section bytes.Buffer
	if status, stderr := caInitIn(t.Context(), dir, &section, nil, "-q", "--algo", "ecdsa", "--subject", `O=a "b": #c, C=GB`); status != 0 {
		t.Fatal(stderr)
	}

	loaded, findings, err := config.Load(config.Source{Name: "tykmesh.yaml", Data: append(section.Bytes(), "Injector: {containers: [{name: tyk-mesh, image: gateway}]}"...), ReadFile: os.ReadFile})
	if err != nil || len(findings) > 0 {
		t.Fatalf("%v, %v\n%s", findings, err, &section)
	}

	key, err := os.ReadFile(filepath.Join(dir, pki.AuthKeyFile))
	if err != nil {
		t.Fatal(err)
	}

	c := loaded.CA
	if c.Key.Reveal() != strings.TrimSpace(string(key)) {
		t.Error("the key is another")
	}

	if c.CertPath != filepath.Join(dir, pki.ChainFile) || c.BundlePath != filepath.Join(dir, pki.BundleFile) {
		t.Errorf("%q, %q", c.CertPath, c.BundlePath)
	}

	if c.Addr != "http://cfssl-svc.default:8888" || len(c.DefaultNames) != 1 || c.DefaultNames[0].O != `a "b": #c` || c.DefaultNames[0].C != "GB" {
		t.Errorf("%q, %+v", c.Addr, c.DefaultNames)
	}

	if strings.Contains(section.String(), strings.TrimSpace(string(key))) {
		t.Error("the section shows the key")
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// Where the section cannot be printed there is no CA either: the same command can be typed again.
// What was there before stays.
func TestCASectionIsNotPrinted(t *testing.T) {
	parent := t.TempDir()
	there := filepath.Join(parent, "there")
	if err := errors.Join(os.Mkdir(there, 0o755), os.WriteFile(filepath.Join(there, "README"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}

	for _, dir := range []string{there, filepath.Join(parent, "new")} {
		status, stderr := caInitIn(t.Context(), dir, full{}, nil, "-q", "--algo", "ecdsa")
		if status != 1 || stderr != "error: writing to standard output: no space left on device\n" {
			t.Errorf("exit status %d: %s", status, stderr)
		}
	}

	onlyThere(t, parent, "there", "there/README")
}

// onlyThere fails if a folder holds anything else.
func onlyThere(t *testing.T, folder string, want ...string) {
	t.Helper()
	var got []string
	err := filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
		if short, _ := filepath.Rel(folder, path); short != "." {
			got = append(got, filepath.ToSlash(short))
		}
		return err
	})

	if err != nil || strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("there is %q, want %q, %v", got, want, err)
	}
}
