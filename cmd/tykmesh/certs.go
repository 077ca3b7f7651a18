package main

import "github.com/spf13/cobra"

func newCertsCmd(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "certs",
		Short: "Look after the certificates of what is on the mesh",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newCertsRenewCmd(p))
	return cmd
}
