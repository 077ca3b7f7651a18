package main

import (
	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/ca"
)

func newCACmd(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ca",
		Short: "Set up the mesh's certificate authority",
		Long: "ca makes the certificate authority that signs the mesh's certificates, with all that its " + ca.ServerName + " needs, and later puts another in its\n" +
			"place. It is for those who have none: a " + ca.ServerName + " that runs already goes into CA.addr of the configuration.",
		Example: "  tykmesh ca init > ca.yaml\n" +
			"  tykmesh ca rotate              # how far a change has come, and what to do now",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}

	cmd.AddCommand(newCAInitCmd(p), newCARotateCmd(p))
	return cmd
}
