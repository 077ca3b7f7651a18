package main

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/explain"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
)

// configViewCmd holds the flags of config view.
type configViewCmd struct {
	configFlags
	reportFlags
	format string
}

func newConfigViewCmd(p process) *cobra.Command {
	f := &configViewCmd{}
	c := newCommand(p, &cobra.Command{
		Use:   "view",
		Short: "Print the configuration in use, and where each value comes from",
		Long: "view prints every key with its value, and as a comment where the value comes from: a line of the file, a variable, the default. It never " +
			"prints secrets. Of containers and of Sidecar.env it prints only names, because they may hold secrets. Paths start at the current directory. " +
			"If the configuration has errors, they follow the values that could be read, and the exit status is 2. view talks to no server.",
		Example: "  tykmesh config view\n" +
			"  tykmesh config view -o json | jq '.settings[] | select(.from != \"default\" and .from != \"not set\")'",
		Args: noArgs,
	}, f.run)

	f.addConfig(c)
	f.addLocal(c)
	formatFlag(c, &f.format, formatYAML, formatJSON)
	f.addQuiet(c)

	return c.Command
}

func (f *configViewCmd) run(_ context.Context, p process, r *report.Run) (report.Output, error) {
	var (
		v      config.Viewed
		wrong  error
		reader configReader
	)
	src, err := reader.find(p, f.configFlags)
	if err == nil {
		v, wrong = config.View(src)
		err = reader.apart(r, config.Config{})
	}

	if err != nil {
		return nil, err
	}
	if v.Settings == nil {
		return nil, wrong
	}

	r.Diagnose(explain.ConfigWarnings(v.Warnings)...)

	return func() error {
		if f.format == formatJSON {
			return cmp.Or(report.WriteDocument(p.stdout, v), wrong)
		}
		_, err := p.stdout.Write(v.YAML())

		return cmp.Or(err, wrong)
	}, nil
}
