package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/explain"
	"github.com/tykmesh/tykmesh/cmd/internal/mesh"
)

func newCertsCmd(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "certs",
		Short: "List, renew, prune and print the certificates of the mesh",
		Long: "certs manages certificates without manifests: those of the mesh and its services, in the Dashboard's store and in the ledger. " +
			"inject renews the certificates of the services in its manifests; certs is for all others.\n\n" +
			"In standalone mode certificates are in Secrets: certs secrets prints those that are missing or due.",
		Example: "  tykmesh certs list --expiring 30d   # exits with 3 if one in use ends within 30 days\n" +
			"  tykmesh certs renew                 # those that expire soon\n" +
			"  tykmesh certs prune --dry-run       # the unused ones\n" +
			"  tykmesh certs secrets -f app.yaml -w due.yaml   # in standalone mode: writes the Secrets that are due, for kubectl apply -f due.yaml",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}

	cmd.AddCommand(newCertsListCmd(p), newCertsRenewCmd(p), newCertsPruneCmd(p), newCertsSecretsCmd(p))
	return cmd
}

// certificateSettings returns the settings of commands that deal only with certificates.
func certificateSettings(c config.Config, s serverFlags) (mesh.Settings, error) {
	settings, err := registeredSettings(c, s)
	if err == nil && !settings.TLS {
		err = explain.Setting(c, "Injector.enableMeshTLS", errors.New("is not on, so the mesh uses no certificates"))
	}
	return settings, err
}
