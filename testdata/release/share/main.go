// Command share writes the files that stand beside the binary in archives and packages: completions
// of each shell, the schema of the configuration, and the manual pages, compressed as Debian and
// Fedora want them.
//
//	tykmesh completion SHELL ──> completions/      tykmesh config schema ──> tykmesh.schema.json
//	pages/*.1 ──gzip──> man/*.1.gz
//
// The same commit and the same Go give the same bytes.
package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// completions are the files that shells look for, by the arguments that print them.
var completions = map[string]string{
	"bash":       "tykmesh.bash",
	"zsh":        "_tykmesh",
	"fish":       "tykmesh.fish",
	"powershell": "tykmesh.ps1",
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: share TYKMESH PAGES FOLDER")
		os.Exit(2)
	}
	if err := write(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// write writes all files.
func write(tykmesh, pages, folder string) error {
	for _, below := range []string{"completions", "man"} {
		if err := os.MkdirAll(filepath.Join(folder, below), 0o755); err != nil {
			return err
		}
	}

	if err := keep(filepath.Join(folder, "tykmesh.schema.json"), tykmesh, "config", "schema"); err != nil {
		return err
	}
	for shell, name := range completions {
		if err := keep(filepath.Join(folder, "completions", name), tykmesh, "completion", shell); err != nil {
			return err
		}
	}

	return compress(pages, filepath.Join(folder, "man"))
}

// keep writes the output of a command to a file.
func keep(file, tykmesh string, arguments ...string) error {
	cmd := exec.Command(tykmesh, arguments...)
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", cmd, err)
	}
	if len(text) == 0 {
		return fmt.Errorf("%s: it prints nothing", cmd)
	}
	return os.WriteFile(file, text, 0o644)
}

// compress writes all manual pages with gzip, without times and names in the headers.
func compress(pages, folder string) error {
	files, err := filepath.Glob(filepath.Join(pages, "*.1"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("%s: it has no manual pages", pages)
	}

	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}

		var packed bytes.Buffer
		w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(file)+".gz"), packed.Bytes(), 0o644); err != nil {
			return err
		}
	}

	return nil
}
