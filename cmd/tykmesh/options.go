package main

import (
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/files"
)

// options holds the flags of a command: the groups that it has added to its flags, and its own.
type options struct {
	inputFlagGroup
	outputFlagGroup
	formatFlagGroup
	reportFlagGroup
	configFlagGroup
	remoteFlagGroup
	registrationFlagGroup

	namespace  string
	dryRun     bool
	registered bool
	chosenAPI  bool // --upgrade-api was given, with any value
	renew      span
	expiring   span
	yes        bool
	certifies  bool // the command issues certificates: it makes a CA if --local DIR has none yet

	now func() time.Time // the clock
}

// inputFlags adds the flags of commands that read manifests.
func (o *options) inputFlags(cmd *cobra.Command) {
	o.inputFlagGroup.inputFlags(cmd)
	o.reportFlags(cmd)
}

// outputFlags adds the flags of commands that print manifests.
func (o *options) outputFlags(cmd *cobra.Command) {
	o.outputFlagGroup.outputFlags(cmd)
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "change nothing; print the planned steps and a diff of the manifests")
}

func (o *options) namespaceFlag(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&o.namespace, "namespace", "n", "", "put objects without a namespace into `NAMESPACE` (default: default)")
}

// remoteFlags adds the flags of commands that ask servers.
func (o *options) remoteFlags(cmd *cobra.Command) {
	o.configFlag(cmd)
	o.localFlag(cmd)
	o.remoteFlagGroup.remoteFlags(cmd)
}

// registrationFlags adds the flags of commands that register services, or plan to.
func (o *options) registrationFlags(cmd *cobra.Command) {
	o.inputFlags(cmd)
	o.namespaceFlag(cmd)
	o.remoteFlags(cmd)
	o.parallelFlag(cmd)
	o.registrationFlagGroup.registrationFlags(cmd)
}

// flagRule is a rule that flags must not break, and its message.
type flagRule struct {
	broken bool
	msg    string
}

// check refuses values without a meaning.
func (o *options) check(cmd *cobra.Command) error {
	rules := slices.Concat(
		o.remoteFlagGroup.rules(), o.registrationFlagGroup.rules(),
		[]flagRule{
			{cmd.Flags().Changed("expiring") && o.expiring <= 0, "--expiring must be more than 0"},
			{o.quiet && o.verbose, "--quiet and --verbose exclude each other"},
		},
		o.configFlagGroup.rules(cmd), o.formatFlagGroup.rules(), o.outputFlagGroup.rules(cmd),
		[]flagRule{
			{o.inPlace && o.outFile != "", "--in-place and --output exclude each other"},
			{o.inPlace && o.dryRun, "--in-place and --dry-run exclude each other"},
			{o.dryRun && o.outFile != "", "--dry-run and --output exclude each other: a dry run prints no manifests"},
			{o.inPlace && (len(o.files) == 0 || slices.Contains(o.files, files.Stdin)), "--in-place rewrites files: name them with -f"},
		})
	for _, rule := range rules {
		if rule.broken {
			return &usageError{rule.msg, cmd.CommandPath()}
		}
	}

	return nil
}
