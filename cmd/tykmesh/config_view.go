package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
)

func newConfigViewCmd(p process) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "view",
		Short: "Print the configuration that counts, and where each value comes from",
		Long: "view prints every key with its value, and behind it where that comes from: a line of the file, a variable, the default. Secrets are not\n" +
			"shown, nor what looks like one in containers. Paths are as they are opened. What is wrong comes after what could be read, and the exit\n" +
			"status is 2 then. No server is asked.",
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

func runConfigView(ctx context.Context, p process, o options, report *report) (output, error) {
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
		write := v.WriteYAML
		if o.format == formatJSON {
			write = func(w io.Writer) error { return writeDocument(w, v) }
		}

		if err := write(p.stdout); err != nil {
			return err
		}

		return wrong
	}, nil
}
