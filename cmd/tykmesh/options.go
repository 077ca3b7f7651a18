package main

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/inject"
)

// options holds the flags of all commands that ask servers or read manifests. Each command has some
// of them.
type options struct {
	files     []string
	recursive bool
	inPlace   bool
	outFile   string // the file of --output; "" for standard output
	dryRun    bool
	report    string
	quiet     bool

	namespace  string
	config     string
	local      string
	onSkip     string
	registered bool
	upgradeAPI bool
	chosenAPI  bool // --upgrade-api was given, with any value
	reinject   bool
	renew      span
	certifies  bool // the command issues certificates: it makes a CA if --local DIR has none yet
	adopt      []string
	yes        bool
	format     string
	formats    []string // the values that format may have
	expiring   span
	timeout    time.Duration
	parallel   int
	verbose    bool

	now func() time.Time // the clock
}

// onSkip are the values of --on-skip.
var onSkip = map[string]inject.OnSkip{"fail": inject.SkipFail, "warn": inject.SkipWarn, "ignore": inject.SkipIgnore}

func (o *options) inputFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVarP(&o.files, "filename", "f", nil, "read manifests from `PATH`: a file, a directory, or - for standard input; may be repeated (default: standard input)")
	f.BoolVarP(&o.recursive, "recursive", "R", false, "read directories with all directories below them")
	o.reportFlags(cmd)
}

func (o *options) reportFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print errors only")
	f.StringVar(&o.report, "report", "", "print a report for machines on standard error, in this `FORMAT`: json, github or sarif; FORMAT=FILE (also text=FILE) writes it to a file")
}

// outputFlags adds the flags of commands that print manifests.
func (o *options) outputFlags(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&o.inPlace, "in-place", "i", false, "rewrite the files instead of printing them")
	cmd.Flags().StringVarP(&o.outFile, "output", "o", "", "write the manifests to `FILE` instead of printing them, in one step after everything has succeeded")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "change nothing; print the planned steps and a diff of the manifests")
}

func (o *options) namespaceFlag(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&o.namespace, "namespace", "n", "", "put objects without a namespace into `NAMESPACE` (default: default)")
}

// remoteFlags adds the flags of commands that ask servers.
func (o *options) remoteFlags(cmd *cobra.Command) {
	o.configFlag(cmd)
	o.localFlag(cmd)
	f := cmd.Flags()
	f.DurationVar(&o.timeout, "timeout", 2*time.Minute, "give up if no step finishes within this `TIME`")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "print each request, without its body, and each changed field")
}

func (o *options) configFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.config, "config", "", "read the configuration from `FILE` (default: the first that exists of $TYKMESH_CONFIG, tykmesh.yaml, tyk-k8s.yaml, ...)")
}

func (o *options) localFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.local, "local", "", "use files in `DIR` instead of the Dashboard, CFSSL and MongoDB")
}

func (o *options) parallelFlag(cmd *cobra.Command) {
	cmd.Flags().IntVar(&o.parallel, "parallel", 8, "work on up to `N` services at once")
}

// registrationFlags adds the flags of commands that register services, or plan to.
func (o *options) registrationFlags(cmd *cobra.Command) {
	o.inputFlags(cmd)
	o.namespaceFlag(cmd)
	o.remoteFlags(cmd)
	o.parallelFlag(cmd)
	cmd.Flags().StringVar(&o.onSkip, "on-skip", "fail", "how to treat annotated objects that cannot be edited: `POLICY` is fail, warn (pass through with a warning) or ignore")
	cmd.Flags().BoolVar(&o.upgradeAPI, "upgrade-api", false, "rewrite annotated workloads of API versions that Kubernetes no longer serves (extensions/v1beta1, ...)")
	cmd.Flags().BoolVar(&o.reinject, "reinject", false, "replace the sidecars of injected objects by those of this configuration, like uninject and then inject")
	cmd.Flags().StringArrayVar(&o.adopt, "adopt", nil, "take over the API with this `SLUG` although tykmesh did not create it; may be repeated")
}

// formatFlag adds the flag of commands that print a table or JSON.
func (o *options) formatFlag(cmd *cobra.Command) { o.formatsFlag(cmd, formatTable, formatJSON) }

// formatsFlag adds a flag for the given formats, of which the first is the default.
func (o *options) formatsFlag(cmd *cobra.Command, formats ...string) {
	o.formats = formats
	cmd.Flags().StringVarP(&o.format, "output", "o", formats[0], "print in this `FORMAT`: "+strings.Join(formats, " or "))
}

// The values of --output for other output than manifests.
const (
	formatTable = "table"
	formatJSON  = "json"
	formatYAML  = "yaml"
)

// flagRule is a rule that flags must not break, and its message.
type flagRule struct {
	broken bool
	msg    string
}

// check refuses values without a meaning.
func (o *options) check(cmd *cobra.Command) error {
	has := func(flag string) bool { return cmd.Flags().Lookup(flag) != nil }
	_, known := onSkip[o.onSkip]
	for _, rule := range append([]flagRule{
		{has("timeout") && o.timeout <= 0, "--timeout must be more than 0"},
		{has("parallel") && o.parallel < 1, "--parallel must be at least 1"},
		{has("on-skip") && !known, "--on-skip must be fail, warn or ignore"},
		{cmd.Flags().Changed("expiring") && o.expiring <= 0, "--expiring must be more than 0"},
		{o.quiet && o.verbose, "--quiet and --verbose exclude each other"},
		{cmd.Flags().Changed("local") && o.local == "", "--local needs a directory"},
	}, o.outputRules(cmd)...) {
		if rule.broken {
			return &usageError{rule.msg, cmd.CommandPath()}
		}
	}

	return nil
}

// outputRules returns the rules about the place and the format of the output.
func (o *options) outputRules(cmd *cobra.Command) []flagRule {
	return []flagRule{
		{o.formats != nil && !slices.Contains(o.formats, o.format), "--output must be " + strings.Join(o.formats, " or ")},
		{o.formats == nil && cmd.Flags().Changed("output") && o.outFile == "", "--output needs a file"},
		{o.formats == nil && slices.Contains([]string{formatYAML, formatJSON}, o.outFile),
			"--output names a file, not a format: manifests stay in their own format, YAML or JSON; write ./" + o.outFile + " for a file of that name"},
		{o.inPlace && o.outFile != "", "--in-place and --output exclude each other"},
		{o.inPlace && o.dryRun, "--in-place and --dry-run exclude each other"},
		{o.dryRun && o.outFile != "", "--dry-run and --output exclude each other: a dry run prints no manifests"},
		{o.inPlace && (len(o.files) == 0 || slices.Contains(o.files, files.Stdin)), "--in-place rewrites files: name them with -f"},
	}
}
