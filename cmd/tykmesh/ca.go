package main

import "github.com/spf13/cobra"

func newCACmd(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ca",
		Short: "Set up the mesh's certificate authority",
		Long: "ca makes a certificate authority that signs the mesh's certificates, with everything that its CFSSL needs, and later replaces it.\n" +
			"If you run a CFSSL already, you do not need it: set CA.addr in the configuration instead.",
		Example: "  tykmesh ca init > ca.yaml\n" +
			"  tykmesh ca rotate              # how far a rotation is, and what to do now",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}

	cmd.AddCommand(newCAInitCmd(p), newCARotateCmd(p))
	return cmd
}
