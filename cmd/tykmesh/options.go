package main

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/inject"
)

// options are the flags of the commands that read manifests.
type options struct {
	files     []string
	recursive bool
	inPlace   bool
	outFile   string // that gets what would be printed; "" for standard output
	dryRun    bool
	report    string
	quiet     bool

	namespace  string
	config     string
	local      string
	onSkip     string
	registered bool
	upgradeAPI bool
	chosenAPI  bool // --upgrade-api was given, with whatever value
	reinject   bool
	renew      span
	certifies  bool // certificates are made: a CA too, where --local DIR has none yet
	adopt      []string
	yes        bool
	format     string
	formats    []string // that it may be
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
	f.StringArrayVarP(&o.files, "filename", "f", nil, "`PATH` of a file, a folder, or - for standard input; may be repeated (default: standard input)")
	f.BoolVarP(&o.recursive, "recursive", "R", false, "read folders with their subfolders")
	o.reportFlags(cmd)
}

func (o *options) reportFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print errors only")
	f.StringVar(&o.report, "report", "", "report for machines: json, github or sarif, on standard error; `FORMAT`=FILE (also text=FILE) writes it to a file")
}

// outputFlags are those of commands that print manifests.
func (o *options) outputFlags(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&o.inPlace, "in-place", "i", false, "rewrite the files instead of printing them")
	cmd.Flags().StringVarP(&o.outFile, "output", "o", "", "write the manifests to `FILE` instead of printing them: all at once, when everything has succeeded")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "change nothing: print what would be done, and a diff of the manifests")
}

func (o *options) namespaceFlag(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&o.namespace, "namespace", "n", "", "`NAMESPACE` of objects that name none (default: default)")
}

// remoteFlags are those of commands that talk to servers.
func (o *options) remoteFlags(cmd *cobra.Command) {
	o.configFlag(cmd)
	o.localFlag(cmd)
	f := cmd.Flags()
	f.DurationVar(&o.timeout, "timeout", 2*time.Minute, "give up when no step has finished for this `TIME`")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "print every request, without its body, and every changed field")
}

func (o *options) configFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.config, "config", "", "configuration `FILE` (default: the first that is there of $TYKMESH_CONFIG, tykmesh.yaml, tyk-k8s.yaml, ...)")
}

func (o *options) localFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.local, "local", "", "`DIR` whose files stand in for the Dashboard, the CA and the ledger")
}

func (o *options) parallelFlag(cmd *cobra.Command) {
	cmd.Flags().IntVar(&o.parallel, "parallel", 8, "`N` services are worked on at once")
}

// registrationFlags are those of commands that register what manifests ask for, or say what there
// is to register.
func (o *options) registrationFlags(cmd *cobra.Command) {
	o.inputFlags(cmd)
	o.namespaceFlag(cmd)
	o.remoteFlags(cmd)
	o.parallelFlag(cmd)
	cmd.Flags().StringVar(&o.onSkip, "on-skip", "fail", "what becomes of annotated objects that cannot be edited, by this `POLICY`: fail refuses the run, warn and ignore let them through as they are")
	cmd.Flags().BoolVar(&o.upgradeAPI, "upgrade-api", false, "rewrite annotated workloads of API versions that Kubernetes no longer serves (extensions/v1beta1, ...)")
	cmd.Flags().BoolVar(&o.reinject, "reinject", false, "inject what is injected already anew, with the sidecar of this configuration: as uninject and then inject")
	cmd.Flags().StringArrayVar(&o.adopt, "adopt", nil, "take over the API with this `SLUG` although it is not ours; may be repeated")
}

// formatFlag is that of commands whose output is no manifest.
func (o *options) formatFlag(cmd *cobra.Command) { o.formatsFlag(cmd, formatTable, formatJSON) }

// formatsFlag is a formatFlag for such formats; the first is for people.
func (o *options) formatsFlag(cmd *cobra.Command, formats ...string) {
	o.formats = formats
	cmd.Flags().StringVarP(&o.format, "output", "o", formats[0], "`FORMAT` of the output: "+strings.Join(formats, " or "))
}

// The values of --output.
const (
	formatTable = "table"
	formatJSON  = "json"
	formatYAML  = "yaml"
)

// flagRule is what flags must not say.
type flagRule struct {
	broken bool
	msg    string
}

// check refuses values that mean nothing.
func (o *options) check(cmd *cobra.Command) error {
	has := func(flag string) bool { return cmd.Flags().Lookup(flag) != nil }
	_, known := onSkip[o.onSkip]
	for _, rule := range append([]flagRule{
		{has("timeout") && o.timeout <= 0, "--timeout must be more than 0"},
		{has("parallel") && o.parallel < 1, "--parallel must be at least 1"},
		{has("on-skip") && !known, "--on-skip must be fail, warn or ignore"},
		{cmd.Flags().Changed("expiring") && o.expiring <= 0, "--expiring must be more than 0"},
		{o.quiet && o.verbose, "--quiet and --verbose exclude each other"},
		{cmd.Flags().Changed("local") && o.local == "", "--local needs a folder"},
	}, o.outputRules(cmd)...) {
		if rule.broken {
			return &usageError{rule.msg, cmd.CommandPath()}
		}
	}

	return nil
}

// outputRules returns those about where output goes, and in which format.
func (o *options) outputRules(cmd *cobra.Command) []flagRule {
	return []flagRule{
		{o.formats != nil && !slices.Contains(o.formats, o.format), "--output must be " + strings.Join(o.formats, " or ")},
		{o.formats == nil && cmd.Flags().Changed("output") && o.outFile == "", "--output needs a file"},
		{o.formats == nil && slices.Contains([]string{formatYAML, formatJSON}, o.outFile),
			"--output names a file, not a format: manifests stay YAML or JSON, as they are; ./" + o.outFile + " is a file of that name"},
		{o.inPlace && o.outFile != "", "--in-place and --output exclude each other"},
		{o.inPlace && o.dryRun, "--in-place and --dry-run exclude each other"},
		{o.dryRun && o.outFile != "", "--dry-run and --output exclude each other: what a dry run prints is no manifest"},
		{o.inPlace && (len(o.files) == 0 || slices.Contains(o.files, stdinPath)), "--in-place rewrites files: name them with -f"},
	}
}
