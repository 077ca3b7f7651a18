package main

import (
	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
)

func newConfigSchemaCmd(p process) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of tykmesh.yaml, for editors",
		Long: "schema prints a JSON Schema (draft-07). The first line of a configuration from config init names the file tykmesh.schema.json beside it:\n" +
			"write the schema there, and editors with a YAML language server complete keys, show their purpose and mark mistakes.",
		Example: "  tykmesh config schema > tykmesh.schema.json",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := p.stdout.Write(config.Schema())
			return err
		},
	}
}
