package main

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
)

// configInitCmd holds the flags of config init.
type configInitCmd struct {
	reportFlags
	mode string
}

func newConfigInitCmd(p process) *cobra.Command {
	f := &configInitCmd{}
	c := newCommand(p, &cobra.Command{
		Use:   "init",
		Short: "Print a configuration to begin with, every key with its purpose",
		Long: "init prints a configuration for the built-in sidecar, with every key: the keys that most users need have a value to fill in, all others " +
			"are comments with their default or an example. With --local DIR it works unchanged. init writes no file.\n\n" +
			"With --mode standalone it is short: the keys that a mesh without a Dashboard needs. It fits the CA of tykmesh ca init.",
		Example: "  tykmesh config init > tykmesh.yaml\n" +
			"  tykmesh config init | less\n" +
			"  tykmesh config init --mode standalone > tykmesh.yaml   # a mesh without a Dashboard",
		Args: noArgs,
	}, f.run)

	f.addQuiet(c)
	c.Flags().StringVar(&f.mode, "mode", config.ModeDashboard, "the `MODE` of the mesh: dashboard, or standalone for one without a Dashboard")
	c.rules = append(c.rules, func() []flagRule {
		return []flagRule{{f.mode != config.ModeDashboard && f.mode != config.ModeStandalone, "--mode must be dashboard or standalone"}}
	})

	return c.Command
}

func (f *configInitCmd) run(_ context.Context, p process, r *report.Run) (report.Output, error) {
	text, steps := config.Begin(), dashboardSteps
	if f.mode == config.ModeStandalone {
		text, steps = config.BeginStandalone(), standaloneSteps
	}

	for line := range strings.Lines(steps) {
		r.Lastly("%s", strings.TrimRight(line, "\n"))
	}

	return func() error {
		_, err := io.WriteString(p.stdout, text)
		return err
	}, nil
}

// dashboardSteps and standaloneSteps are what to do after config init, a line each.
const (
	dashboardSteps = `next, when this is in tykmesh.yaml:
  fill in Tyk.url, Tyk.org and Sidecar.redis; export TYK_DASHBOARD_KEY, the key of a Dashboard user
  tykmesh config schema > tykmesh.schema.json     # lets editors complete and check the file
  tykmesh ca init                                 # creates a CA for the mesh, unless you have one; then remove the # of certPath and bundlePath
  tykmesh config secret -n NAMESPACE > secret.sh  # creates the Secret that sidecars need, in each namespace of the mesh
  tykmesh check                                   # is everything ready?
without any server: tykmesh inject --local ./mesh -f app.yaml
`
	standaloneSteps = `next, when this is in tykmesh.yaml:
  tykmesh ca init --algo ecdsa -q > /dev/null             # creates a CA in ca-quickstart, to which this file leads; unless you have one
  tykmesh certs secrets -f app.yaml | kubectl apply -f -  # gives each service its certificate
  kubectl apply -f <(tykmesh inject -f app.yaml)          # puts the services on the mesh
`
)
