package main

import (
	"cmp"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersionCmd(p process) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version, as --version does", Long: "version prints one line: tykmesh and its version.", Example: "  tykmesh version", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(p.stdout, "tykmesh", ownVersion())
			return err
		},
	}
}

// ownVersion returns the version of this program.
func ownVersion() string {
	info, _ := debug.ReadBuildInfo()
	return versionOf(version, info)
}

// versionOf returns the version of a build:
//
//	make build, make release      the version that they stamp
//	go install PACKAGE@VERSION    the version of the module, as Go records it
//	go build, in a checkout       the same, made from the commit
//	-buildvcs=false, tests        dev
func versionOf(stamp string, info *debug.BuildInfo) string {
	recorded := ""
	if info != nil && info.Main.Version != "(devel)" {
		recorded = info.Main.Version
	}
	return cmp.Or(stamp, recorded, "dev")
}
