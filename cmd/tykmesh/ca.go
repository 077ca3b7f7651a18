package main

import "github.com/spf13/cobra"

func newCACmd(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ca",
		Short: "Set up the mesh's certificate authority",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newCAInitCmd(p), newCARotateCmd(p))
	return cmd
}
