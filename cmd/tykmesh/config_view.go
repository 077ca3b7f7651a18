package main

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
)

func newConfigViewCmd(p process) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "view",
		Short: "Print the configuration in use, and where each value comes from",
		Long: "view prints every key with its value, and as a comment where the value comes from: a line of the file, a variable, the default. It never\n" +
			"prints secrets. Of containers and of Sidecar.env it prints only names, because they may hold secrets. Paths start at the current directory.\n" +
			"If the configuration has errors, they follow the values that could be read, and the exit status is 2. view talks to no server.",
		Example: "  tykmesh config view\n" +
			"  tykmesh config view -o json | jq '.settings[] | select(.from != \"default\" and .from != \"not set\")'",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd, p, runConfigView) },
	}

	o.configFlag(cmd)
	o.localFlag(cmd)
	o.formatsFlag(cmd, formatYAML, formatJSON)
	cmd.Flags().BoolVarP(&o.quiet, "quiet", "q", false, "print errors only")

	return cmd
}

func runConfigView(_ context.Context, p process, o options, report *report) (output, error) {
	var (
		v     config.Viewed
		wrong error
		files configFiles
	)
	src, err := config.Find(o.config, p.environ, files.file)
	if err == nil {
		src.Local = o.local != ""
		v, wrong = config.View(src)
		err = report.checkConfiguration(files, config.Config{})
	}

	if err != nil {
		return nil, err
	}
	if v.Settings == nil {
		return nil, wrong
	}

	report.findings(v.Warnings)

	return func() error {
		if o.format == formatJSON {
			return cmp.Or(writeDocument(p.stdout, v), wrong)
		}
		_, err := p.stdout.Write(v.YAML())

		return cmp.Or(err, wrong)
	}, nil
}
