package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/inject"
)

func newUninjectCmd(p process) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "uninject",
		Short: "Print manifests as they were before inject",
		Long: "uninject removes from a manifest everything that inject added, according to its record annotation, and keeps later changes.\n" +
			"It asks no server: the APIs and certificates stay.",
		Example: "  tykmesh uninject -f meshed.yaml | kubectl apply -f -\n" +
			"  tykmesh uninject --upgrade-api -f meshed.yaml | kubectl apply -f -      # after inject --upgrade-api",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.chosenAPI = cmd.Flags().Changed("upgrade-api")
			return o.run(cmd, p, runUninject)
		},
	}

	o.inputFlags(cmd)
	o.outputFlags(cmd)
	cmd.Flags().BoolVar(&o.upgradeAPI, "upgrade-api", false, "keep the API versions that inject --upgrade-api wrote, which Kubernetes serves; =false restores the original ones")

	return cmd
}

func runUninject(_ context.Context, p process, o options, report *report) (output, error) {
	docs, err := readDocuments(p, o, "", report)
	if err != nil {
		return nil, err
	}

	report.list = resourceList(docs)

	takeBack := inject.Uninject
	if o.upgradeAPI {
		takeBack = inject.UninjectServed
	}

	stream, problems := takeBack(docs)
	report.objects = stream.Objects
	if !o.chosenAPI { // kubectl would apply the Services, and then refuse the workloads
		problems = append(problems, stream.Warnings...)
	}

	if err := refuse(docs, problems); err != nil {
		return nil, err
	}
	if err := o.checkOutput(stream); err != nil {
		return nil, err
	}

	report.uninjected(stream)

	return o.output(p, stream, nil, nil, report), nil
}
