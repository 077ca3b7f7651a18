package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
)

func newCertsCmd(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "certs",
		Short: "List, renew and prune the certificates of the mesh",
		Long: "certs looks after certificates without any manifest: those of the mesh and of its services, in the Dashboard's store and in the ledger.\n" +
			"inject renews what is due of the services that it is about; this is for all others.",
		Example: "  tykmesh certs list --expiring 30d   # exits with 3 if one in use ends within 30 days\n" +
			"  tykmesh certs renew                 # what is due\n" +
			"  tykmesh certs prune --dry-run       # what nothing uses any more",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}

	cmd.AddCommand(newCertsListCmd(p), newCertsRenewCmd(p), newCertsPruneCmd(p))
	return cmd
}

// certificateSettings returns those of commands that deal with certificates alone.
func certificateSettings(c config.Config, o options) (mesh.Settings, error) {
	settings, err := registeredSettings(c, o)
	if err == nil && !settings.TLS {
		err = settingError(c, "Injector.enableMeshTLS", errors.New("is not on, so nothing on the mesh has a certificate"))
	}
	return settings, err
}
