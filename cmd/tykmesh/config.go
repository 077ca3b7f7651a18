package main

import "github.com/spf13/cobra"

func newConfigCmd(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Write or show a configuration, create the Secret of sidecars",
		Long: "config is about the configuration file: --config FILE, else $TYKMESH_CONFIG, else the first that exists of tykmesh.yaml, tyk-k8s.yaml,\n" +
			"$XDG_CONFIG_HOME/tykmesh/tykmesh.yaml and /etc/tyk-k8s/tyk-k8s.yaml. A tyk-k8s.yaml needs no change. config init prints every key with its purpose.",
		Example: "  tykmesh config init > tykmesh.yaml\n" +
			"  tykmesh config schema > tykmesh.schema.json             # lets editors complete and check tykmesh.yaml\n" +
			"  tykmesh config view                                     # the values in use, and where each comes from\n" +
			"  tykmesh config secret -n retail -n billing > secret.sh  # a script that creates the Secret of the built-in sidecar in these namespaces",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}

	cmd.AddCommand(newConfigInitCmd(p), newConfigSchemaCmd(p), newConfigViewCmd(p), newConfigSecretCmd(p))
	return cmd
}
