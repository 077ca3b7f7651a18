package main

import "github.com/spf13/cobra"

func newConfigCmd(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Begin a configuration, look at what counts, make the Secret that sidecars need",
		Long: "config is about tykmesh.yaml, or a tyk-k8s.yaml as it is: --config FILE, else $TYKMESH_CONFIG, tykmesh.yaml, tyk-k8s.yaml,\n" +
			"$XDG_CONFIG_HOME/tykmesh/tykmesh.yaml or /etc/tyk-k8s/tyk-k8s.yaml. What config init prints has every key with its purpose.",
		Example: "  tykmesh config init > tykmesh.yaml\n" +
			"  tykmesh config view                                     # what counts, and where each value comes from\n" +
			"  tykmesh config secret -n retail -n billing > secret.sh  # makes what the built-in sidecar needs in these namespaces",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}

	cmd.AddCommand(newConfigInitCmd(p), newConfigViewCmd(p), newConfigSecretCmd(p))
	return cmd
}
