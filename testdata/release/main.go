// Command release checks .goreleaser.yaml: that it holds nothing but fields which goreleaser knows, of
// the kinds that it wants, that packages and the formula can be made from it, and that nothing is
// published. Reading it so costs CI a fraction of building goreleaser, which says the same and more
// when make release runs.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/goreleaser/goreleaser/v2/pkg/config"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: release FILE")
		os.Exit(2)
	}
	if err := check(os.Args[1]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}

// check returns everything that is wrong with a configuration, whose paths count from its directory.
func check(file string) error {
	project, err := config.Load(file)
	if err != nil {
		return err
	}

	root := filepath.Dir(file)
	faults := append(archived(project, root), published(project)...)
	for _, p := range project.NFPMs {
		faults = append(faults, packaged(p, root)...)
	}
	for _, formula := range project.Brews {
		faults = append(faults, brewed(formula, project.Archives)...)
	}

	return errors.Join(faults...)
}
