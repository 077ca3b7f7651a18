// Command notices writes the licence texts of everything that a released tykmesh is linked from:
// tykmesh itself, Go, and each module with a package in a binary for any system of the release.
// Most of those licences ask for that in binary distributions.
//
//	.goreleaser.yaml ──systems──> go list -deps ──packages──> licence files in and above their
//	directories ──> kinds of licence ──> a table, then every text once
//
// It fails on a module without a licence that it recognises: a human has to read that one first. The
// same commit and the same Go give the same bytes.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: notices CHECKOUT FILE")
		os.Exit(2)
	}
	if err := write(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// write writes the notices of the program in a checkout to a file.
func write(checkout, file string) error {
	modules, err := linked(checkout)
	if err != nil {
		return err
	}

	text, err := notices(modules)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}
