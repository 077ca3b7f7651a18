package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
)

func newConfigInitCmd(p process) *cobra.Command {
	f := &reportFlags{}
	c := newCommand(p, &cobra.Command{
		Use:   "init",
		Short: "Print a configuration to begin with, every key with its purpose",
		Long: "init prints a configuration for the built-in sidecar, with every key: the keys that most users need have a value to fill in, all others\n" +
			"are comments with their default or an example. With --local DIR it works unchanged. init writes no file.",
		Example: "  tykmesh config init > tykmesh.yaml\n" +
			"  tykmesh config init | less",
		Args: noArgs,
	}, runConfigInit)

	f.addQuiet(c)
	return c.Command
}

func runConfigInit(_ context.Context, p process, r *report.Run) (report.Output, error) {
	for _, line := range []string{
		"next, when this is in tykmesh.yaml:",
		"  fill in Tyk.url, Tyk.org and Sidecar.redis; export TYK_DASHBOARD_KEY, the key of a Dashboard user",
		"  tykmesh config schema > tykmesh.schema.json     # lets editors complete and check the file",
		"  tykmesh ca init                                 # creates a CA for the mesh, unless you have one; then remove the # of certPath and bundlePath",
		"  tykmesh config secret -n NAMESPACE > secret.sh  # creates the Secret that sidecars need, in each namespace of the mesh",
		"  tykmesh check                                   # is everything ready?",
		"without any server: tykmesh inject --local ./mesh -f app.yaml",
	} {
		r.Lastly("%s", line)
	}

	return func() error {
		_, err := io.WriteString(p.stdout, config.Begin())
		return err
	}, nil
}
