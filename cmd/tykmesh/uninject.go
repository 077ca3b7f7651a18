package main

import (
	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/inject"
)

func newUninjectCmd(p process) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "uninject",
		Short: "Print manifests as they were before inject",
		Long: "uninject takes out of a manifest what inject put in, as the record annotation in it says, and leaves what has been changed since.\n" +
			"It asks no server: the APIs and certificates stay.",
		Example: "  tykmesh uninject -f meshed.yaml | kubectl apply -f -",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd); err != nil {
				return err
			}
			return runUninject(p, o)
		},
	}
	o.inputFlags(cmd)
	return cmd
}

func runUninject(p process, o options) error {
	docs, err := readDocuments(p, o)
	if err != nil {
		return err
	}
	stream, problems := inject.Uninject(docs, inject.Settings{})
	if err := refuse(docs, problems); err != nil {
		return err
	}
	if err := stream.Write(p.stdout, nil); err != nil {
		return writeError(err)
	}
	newReport(p.stderr, o).uninjected(stream)
	return nil
}
