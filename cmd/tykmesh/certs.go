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
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newCertsListCmd(p), newCertsRenewCmd(p), newCertsPruneCmd(p))
	return cmd
}

// certificateSettings are those of commands that deal with certificates alone.
func certificateSettings(c config.Config, o options) (mesh.Settings, error) {
	settings, err := registeredSettings(c, o)
	if err == nil && !settings.TLS {
		err = settingError(c, "Injector.enableMeshTLS", errors.New("is not on, so nothing on the mesh has a certificate"))
	}
	return settings, err
}
