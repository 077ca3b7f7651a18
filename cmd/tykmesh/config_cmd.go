package main

import "github.com/spf13/cobra"

func newConfigCmd(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Begin a configuration, look at what counts, make the Secret that sidecars need",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newConfigInitCmd(p), newConfigViewCmd(p), newConfigSecretCmd(p))
	return cmd
}
