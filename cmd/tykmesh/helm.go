package main

import (
	"fmt"
	"io"
	"regexp"

	"github.com/spf13/cobra"
)

func newHelmCmd(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "helm",
		Short: "Run as a post-renderer of Helm",
		Long: "Helm pipes what a chart renders through a post-renderer. For Helm 4 that is a plugin, which plugin describes. For Helm 3 it is the " +
			"program itself: --post-renderer tykmesh --post-renderer-args inject.",
		Example: "  mkdir tykmesh-plugin && tykmesh helm plugin > tykmesh-plugin/plugin.yaml",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}

	cmd.AddCommand(&cobra.Command{
		Use:   "plugin",
		Short: "Print the plugin.yaml that Helm 4 wants of a post-renderer",
		Long: "plugin prints the description of a Helm 4 plugin that pipes what a chart renders through inject. Helm hides the " +
			"messages of a post-renderer, so the plugin writes them to report.txt in its directory.",
		Example: "  mkdir tykmesh-plugin && tykmesh helm plugin > tykmesh-plugin/plugin.yaml\n" +
			"  helm plugin install ./tykmesh-plugin\n" +
			"  helm upgrade --install shop ./shop -n retail --post-renderer tykmesh --post-renderer-args -n=retail",
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return writePlugin(p.stdout) },
	})

	return cmd
}

// semantic is a version that Helm takes: semver.org, strictly.
var semantic = regexp.MustCompile(`^v?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)`)

// writePlugin writes what Helm 4 reads of a plugin (its internal/plugin, apiVersion v1). The
// command is looked up in PATH, and Helm replaces the variable by the plugin's directory.
func writePlugin(w io.Writer) error {
	number := "0.0.0"
	if m := semantic.FindStringSubmatch(ownVersion()); m != nil {
		number = m[1]
	}

	_, err := fmt.Fprintf(w, `# Helm 4: a post-renderer that puts annotated pods and Services on a Tyk service mesh.
# Its report is in report.txt beside this file, because Helm does not show it.
apiVersion: v1
type: postrenderer/v1
name: tykmesh
version: %s
runtime: subprocess
runtimeConfig:
  platformCommand:
    - command: tykmesh
      args: ["inject", "--report", "text=${HELM_PLUGIN_DIR}/report.txt"]
`, number)

	if err != nil {
		return fmt.Errorf("writing plugin.yaml: %w", err)
	}

	return nil
}
