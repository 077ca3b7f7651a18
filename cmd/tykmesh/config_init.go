package main

import (
	"context"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
)

// configInitCmd holds the flags of config init.
type configInitCmd struct {
	reportFlags
	mode, dir string
}

func newConfigInitCmd(p process) *cobra.Command {
	f := &configInitCmd{}
	c := newCommand(p, &cobra.Command{
		Use:   "init",
		Short: "Print a configuration to begin with, every key with its purpose",
		Long: "init prints a configuration for the built-in sidecar, with every key: the keys that most users need have a value to fill in, all others " +
			"are comments with their default or an example. With --local DIR it works unchanged. init writes no file. " +
			"If tykmesh ca init has made a CA in ca-quickstart, or in --dir, the configuration names its files.\n\n" +
			"With --mode standalone it is short: the keys that a mesh without a Dashboard needs. It fits the CA of tykmesh ca init.",
		Example: "  tykmesh config init > tykmesh.yaml\n" +
			"  tykmesh config init | less\n" +
			"  tykmesh config init --mode standalone > tykmesh.yaml   # a mesh without a Dashboard",
		Args: noArgs,
	}, f.run)

	f.addQuiet(c)
	c.Flags().StringVar(&f.mode, "mode", config.ModeDashboard, "the `MODE` of the mesh: dashboard, or standalone for one without a Dashboard")
	c.Flags().StringVar(&f.dir, "dir", defaultCADir, "name the files of the CA that ca init makes in `DIR`")
	c.rules = append(c.rules, func() []flagRule {
		return []flagRule{
			{f.mode != config.ModeDashboard && f.mode != config.ModeStandalone, "--mode must be dashboard or standalone"},
			{f.dir == "", "--dir is empty: name a directory"},
		}
	})

	return c.Command
}

func (f *configInitCmd) run(_ context.Context, p process, r *report.Run) (report.Output, error) {
	made := f.authority()
	text, steps := made.Begin(), dashboardSteps
	if f.mode == config.ModeStandalone {
		text, steps = made.BeginStandalone(), standaloneSteps
	}

	for line := range strings.Lines(steps) {
		if made.Exists && strings.Contains(line, " ca init ") {
			continue
		}
		r.Lastly("%s", strings.TrimRight(line, "\n"))
	}

	return func() error {
		_, err := io.WriteString(p.stdout, text)
		return err
	}, nil
}

// authority returns the CA in the directory, or the one that ca init is to make there.
func (f *configInitCmd) authority() config.Authority {
	has := func(name string) bool { return files.Exists(filepath.Join(f.dir, name)) }
	return config.Authority{
		Dir: filepath.ToSlash(filepath.Clean(f.dir)), Namespace: pki.ServedIn(f.dir),
		Exists: has(pki.ChainFile) && has(pki.BundleFile), Tokens: has(ca.TokenPublicFile) && has(ca.TokenKeyFile),
	}
}

// dashboardSteps and standaloneSteps are what to do after config init, a line each.
const (
	dashboardSteps = `next, when this is in tykmesh.yaml:
  fill in Tyk.url, Tyk.org and Sidecar.redis; export TYK_DASHBOARD_KEY, the key of a Dashboard user
  tykmesh config schema > tykmesh.schema.json     # lets editors complete and check the file
  tykmesh ca init --config tykmesh.yaml           # creates a CA for the mesh, unless you have one, and sets its keys there
  tykmesh config secret -n NAMESPACE > secret.sh  # creates the Secret that sidecars need, in each namespace of the mesh
  tykmesh check                                   # is everything ready?
without any server: tykmesh inject --local ./mesh -f app.yaml
`
	standaloneSteps = `next, when this is in tykmesh.yaml:
  tykmesh ca init --algo ecdsa --config tykmesh.yaml      # creates a CA in ca-quickstart, unless you have one
  tykmesh certs secrets -f app.yaml | kubectl apply -f -  # gives each service its certificate
  kubectl apply -f <(tykmesh inject -f app.yaml)          # puts the services on the mesh
`
)
