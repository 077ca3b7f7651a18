package main

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/inject"
)

// A flag group holds flags that several commands share. A group that a command has not added breaks
// none of its rules.

// inputFlagGroup names the manifests.
type inputFlagGroup struct {
	files     []string
	recursive bool
}

func (g *inputFlagGroup) inputFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVarP(&g.files, "filename", "f", nil, "read manifests from `PATH`: a file, a directory, or - for standard input; may be repeated (default: standard input)")
	f.BoolVarP(&g.recursive, "recursive", "R", false, "read directories with all directories below them")
}

// outputFlagGroup says where manifests go.
type outputFlagGroup struct {
	inPlace bool
	outFile string // the file of --output; "" for standard output
	added   bool
}

func (g *outputFlagGroup) outputFlags(cmd *cobra.Command) {
	g.added = true
	cmd.Flags().BoolVarP(&g.inPlace, "in-place", "i", false, "rewrite the files instead of printing them")
	cmd.Flags().StringVarP(&g.outFile, "output", "o", "", "write the manifests to `FILE` instead of printing them, in one step after everything has succeeded")
}

func (g *outputFlagGroup) rules(cmd *cobra.Command) []flagRule {
	return []flagRule{
		{g.added && cmd.Flags().Changed("output") && g.outFile == "", "--output needs a file"},
		{slices.Contains([]string{formatYAML, formatJSON}, g.outFile),
			"--output names a file, not a format: manifests stay in their own format, YAML or JSON; write ./" + g.outFile + " for a file of that name"},
	}
}

// The values of --output for other output than manifests.
const (
	formatTable = "table"
	formatJSON  = "json"
	formatYAML  = "yaml"
)

// formatFlagGroup is the format of other output than manifests.
type formatFlagGroup struct {
	format  string
	formats []string // the values that format may have; nil if the command has no such flag
}

// formatFlag adds the flag of commands that print a table or JSON.
func (g *formatFlagGroup) formatFlag(cmd *cobra.Command) {
	g.formatsFlag(cmd, formatTable, formatJSON)
}

// formatsFlag adds a flag for the given formats, of which the first is the default.
func (g *formatFlagGroup) formatsFlag(cmd *cobra.Command, formats ...string) {
	g.formats = formats
	cmd.Flags().StringVarP(&g.format, "output", "o", formats[0], "print in this `FORMAT`: "+strings.Join(formats, " or "))
}

func (g *formatFlagGroup) rules() []flagRule {
	return []flagRule{{g.formats != nil && !slices.Contains(g.formats, g.format), "--output must be " + strings.Join(g.formats, " or ")}}
}

// reportFlagGroup says what a run reports, and how.
type reportFlagGroup struct {
	report string
	quiet  bool
}

func (g *reportFlagGroup) reportFlags(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&g.quiet, "quiet", "q", false, "print errors only")
	cmd.Flags().StringVar(&g.report, "report", "", "print a report for machines on standard error, in this `FORMAT`: "+reportFormatNames()+"; FORMAT=FILE (also text=FILE) writes it to a file")
}

// configFlagGroup says which servers there are: those of a configuration, or files.
type configFlagGroup struct{ config, local string }

func (g *configFlagGroup) configFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&g.config, "config", "", "read the configuration from `FILE` (default: the first that exists of $TYKMESH_CONFIG, tykmesh.yaml, tyk-k8s.yaml, ...)")
}

func (g *configFlagGroup) localFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&g.local, "local", "", "use files in `DIR` instead of the Dashboard, the CA and the ledger")
}

func (g *configFlagGroup) rules(cmd *cobra.Command) []flagRule {
	return []flagRule{{cmd.Flags().Changed("local") && g.local == "", "--local needs a directory"}}
}

// remoteFlagGroup says how servers are asked.
type remoteFlagGroup struct {
	timeout          time.Duration
	verbose          bool
	parallel         int
	asks, concurrent bool // the command has added --timeout; --parallel
}

func (g *remoteFlagGroup) remoteFlags(cmd *cobra.Command) {
	g.asks = true
	cmd.Flags().DurationVar(&g.timeout, "timeout", 2*time.Minute, "give up if no step finishes within this `TIME`")
	cmd.Flags().BoolVarP(&g.verbose, "verbose", "v", false, "print each request, without its body, and each changed field")
}

func (g *remoteFlagGroup) parallelFlag(cmd *cobra.Command) {
	g.concurrent = true
	cmd.Flags().IntVar(&g.parallel, "parallel", 8, "send up to `N` requests at once")
}

func (g *remoteFlagGroup) rules() []flagRule {
	return []flagRule{
		{g.asks && g.timeout <= 0, "--timeout must be more than 0"},
		{g.concurrent && g.parallel < 1, "--parallel must be at least 1"},
	}
}

// registrationFlagGroup says how manifests are injected, and their services registered.
type registrationFlagGroup struct {
	onSkip     string
	upgradeAPI bool
	reinject   bool
	adopt      []string
	added      bool
}

// onSkip are the values of --on-skip.
var onSkip = map[string]inject.OnSkip{"fail": inject.SkipFail, "warn": inject.SkipWarn, "ignore": inject.SkipIgnore}

func (g *registrationFlagGroup) registrationFlags(cmd *cobra.Command) {
	g.added = true
	f := cmd.Flags()
	f.StringVar(&g.onSkip, "on-skip", "fail", "how to treat annotated objects that cannot be edited: `POLICY` is fail, warn (pass through with a warning) or ignore")
	f.BoolVar(&g.upgradeAPI, "upgrade-api", false, "rewrite annotated workloads of API versions that Kubernetes no longer serves (extensions/v1beta1, ...)")
	f.BoolVar(&g.reinject, "reinject", false, "replace the sidecars of injected objects by those of this configuration, like uninject and then inject")
	f.StringArrayVar(&g.adopt, "adopt", nil, "take over the API with this `SLUG` although tykmesh did not create it; may be repeated")
}

func (g *registrationFlagGroup) rules() []flagRule {
	_, known := onSkip[g.onSkip]
	return []flagRule{{g.added && !known, "--on-skip must be fail, warn or ignore"}}
}
