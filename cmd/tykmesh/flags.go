package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/cmd/internal/prose"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject"
)

// A group holds flags that several commands share. Its method add adds them to a command, with
// their rules.

// namespaceFlag adds the flag for objects without a namespace.
func namespaceFlag(c *command, namespace *string) {
	c.Flags().StringVarP(namespace, "namespace", "n", "", "put objects without a namespace into `NAMESPACE` (default: default)")
}

// fileFlags name a file that takes the place of standard output.
type fileFlags struct {
	file   string // the file of --output-file; "" for standard output
	secret bool   // only the owner of the file may read it
}

// add adds the flag. what are the things that the command prints: "manifests".
func (g *fileFlags) add(c *command, what string) {
	c.output = g
	c.Flags().StringVarP(&g.file, "output-file", "w", "", "write the "+what+" to `FILE`, once everything has succeeded")
	c.rules = append(c.rules, func() []flagRule {
		return []flagRule{
			{c.Flags().Changed("output-file") && g.file == "", "--output-file needs a file"},
			{strings.Contains(g.file, "://"), "--output-file names a file, and no URL"},
		}
	})
}

// newOutput returns the output for the file.
func (g *fileFlags) newOutput() (*files.Output, error) {
	if g.secret {
		return files.NewSecretOutput(g.file)
	}
	return files.NewOutput(g.file)
}

// outputFlags say where manifests go.
type outputFlags struct {
	fileFlags
	format  string
	command func() string // its name, for errors
	inPlace bool
	dryRun  bool
}

func (g *outputFlags) add(c *command, in *inputFlags) {
	f := c.Flags()
	f.BoolVarP(&g.inPlace, "in-place", "i", false, "rewrite the files instead of printing them")
	g.fileFlags.add(c, "manifests")
	g.addFormat(c)
	g.command = c.CommandPath
	addDryRun(c, &g.dryRun, "change nothing; print the planned steps and a diff of the manifests")
	c.rules = append(c.rules, func() []flagRule {
		return []flagRule{
			{g.inPlace && g.file != "", "--in-place and --output-file exclude each other"},
			{g.format == formatJSON && g.inPlace, "--in-place keeps the format of a file; leave out --output json"},
			{g.format == formatJSON && g.dryRun, "--output json prints manifests, and a dry run prints none; use one of the two"},
			{g.inPlace && g.dryRun, "--in-place and --dry-run exclude each other"},
			{g.dryRun && g.file != "", "--dry-run and --output-file exclude each other: a dry run prints no manifests"},
			{g.inPlace && !in.rewritable(), "--in-place rewrites files: name them, and leave out -k, - and URLs"},
		}
	})
	c.rewrites = true
}

// addFormat adds the flag for the format of manifests. Earlier versions named a file with it.
func (g *outputFlags) addFormat(c *command) {
	formatFlag(c, &g.format, formatYAML, formatJSON)
	c.rules = append([]func() []flagRule{func() []flagRule {
		isFile := g.format == "" || strings.ContainsAny(g.format, "./"+string(filepath.Separator))
		return []flagRule{{isFile, "--output names a format; write to a file with -w" + fileOf(g.format)}}
	}}, c.rules...)
}

// fileOf returns a file as the value of a flag; "" without one.
func fileOf(file string) string {
	if file == "" {
		return " FILE"
	}
	return " " + prose.ShellWord(file)
}

// The values of --output where manifests or a configuration are printed.
const (
	formatYAML = report.FormatYAML
	formatJSON = report.FormatJSON
)

// formatFlag adds the flag for the format of the output. The first of the formats is the default.
func formatFlag(c *command, format *string, formats ...string) {
	words := orWords(formats)
	c.Flags().StringVarP(format, outputFlag, "o", formats[0], "print in this `FORMAT`: "+words)
	_ = c.Flags().SetAnnotation(outputFlag, outputFlag, formats) // for completion
	c.rules = append(c.rules, func() []flagRule {
		return []flagRule{{!slices.Contains(formats, *format), fmt.Sprintf("--output must be %s, not %q; -w names a file", words, *format)}}
	})
}

// outputFlag is the name of the flag, and of the annotation that holds its values.
const outputFlag = "output"

// orWords returns "table, json or yaml".
func orWords(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// listFlags are those of commands that ask servers and print a report.List.
type listFlags struct {
	serverFlags
	reportFlags
	fileFlags
	format  string
	further []string // formats that the lists of this command alone have
}

func (g *listFlags) add(c *command) {
	g.serverFlags.add(c)
	g.reportFlags.add(c)
	formatFlag(c, &g.format, slices.Concat(report.ListFormats, g.further)...)
	g.fileFlags.add(c, "lines")
}

// reportFlags say what a run reports, and how.
type reportFlags struct {
	reports []string // the values of --report
	quiet   bool
}

func (g *reportFlags) add(c *command) {
	g.addQuiet(c)
	c.Flags().StringArrayVar(&g.reports, "report", nil, "print the report on standard error in this `FORMAT`: "+report.FormatNames()+"; FORMAT=FILE (also text=FILE) writes it to a file; may be repeated")
}

func (g *reportFlags) addQuiet(c *command) {
	c.report = g
	c.Flags().BoolVarP(&g.quiet, "quiet", "q", false, "print errors only")
}

// configFlags say which servers there are: those of a configuration, or files.
type configFlags struct {
	config, local string

	// In standalone mode:
	instead string   // the hint of a command that needs a Dashboard: what to type; "" for others
	secrets []string // the keys of the secrets that the command needs (config.Source)
}

func (g *configFlags) addConfig(c *command) {
	c.Flags().StringVar(&g.config, "config", "", "configuration `FILE` (default: $TYKMESH_CONFIG, tykmesh.yaml, tyk-k8s.yaml, ...)")
}

func (g *configFlags) addLocal(c *command) {
	c.Flags().StringVar(&g.local, "local", "", "use files in `DIR` instead of the Dashboard, the CA and the ledger")
	c.rules = append(c.rules, func() []flagRule {
		return []flagRule{{c.Flags().Changed("local") && g.local == "", "--local needs a directory"}}
	})
	c.guards = append(c.guards, g.apart)
}

// apart refuses targets in the directory of --local.
func (g *configFlags) apart(r *report.Run) error {
	if g.local == "" || len(r.Targets) == 0 {
		return nil
	}

	read := []string{filepath.Join(g.local, localLedgerFile)}
	for _, below := range []string{"apis/*.json", "certs/*.pem", localCADir + "/*"} {
		found, _ := filepath.Glob(filepath.Join(g.local, below)) // the patterns are valid
		read = append(read, found...)
	}

	return r.Targets.CheckApart("a file of --local "+g.local, read...)
}

// serverFlags say which servers are asked, and how.
type serverFlags struct {
	configFlags
	timeout  time.Duration
	verbose  bool
	parallel int

	makesCA bool             // the run issues certificates: it makes a CA if --local DIR has none yet
	now     func() time.Time // the clock
}

func (g *serverFlags) add(c *command) {
	g.addConfig(c)
	g.addLocal(c)
	g.addWaiting(c)
}

// addWaiting adds the flags that say how long servers are waited for, and what of it is shown.
func (g *serverFlags) addWaiting(c *command) {
	g.now = c.process.now
	c.noisy = &g.verbose
	timeoutFlag(c, &g.timeout)
	c.Flags().BoolVarP(&g.verbose, "verbose", "v", false, "print each request, without its body, and each changed field")
}

// timeoutFlag adds the flag for the time without progress.
func timeoutFlag(c *command, timeout *time.Duration) {
	c.timeout = timeout
	c.Flags().DurationVar(timeout, "timeout", 2*time.Minute, "give up when no step has finished for this `TIME`")
	c.rules = append(c.rules, func() []flagRule {
		return []flagRule{{*timeout <= 0, "--timeout must be more than 0"}}
	})
}

func (g *serverFlags) addParallel(c *command) {
	c.Flags().IntVar(&g.parallel, "parallel", 8, "send up to `N` requests at once")
	c.rules = append(c.rules, func() []flagRule {
		return []flagRule{{g.parallel < 1, "--parallel must be at least 1"}}
	})
}

// registrationFlags say how manifests are injected, and their services registered.
type registrationFlags struct {
	namespace  string
	onSkip     string
	upgradeAPI bool
	reinject   bool
	adopt      []string
}

// onSkip are the values of --on-skip.
var onSkip = map[string]inject.OnSkip{"fail": inject.SkipFail, "warn": inject.SkipWarn, "ignore": inject.SkipIgnore}

func (g *registrationFlags) add(c *command) {
	namespaceFlag(c, &g.namespace)
	f := c.Flags()
	f.StringVar(&g.onSkip, "on-skip", "fail", "treat annotated objects that cannot be edited by this `POLICY`: fail, warn (pass them) or ignore")
	f.BoolVar(&g.upgradeAPI, "upgrade-api", false, "rewrite workloads of API versions that Kubernetes no longer serves")
	f.BoolVar(&g.reinject, "reinject", false, "replace sidecars by those of this configuration")
	f.StringArrayVar(&g.adopt, "adopt", nil, "take over the API with this `SLUG`, which tykmesh did not create; may be repeated")
	c.rules = append(c.rules, func() []flagRule {
		_, known := onSkip[g.onSkip]
		return []flagRule{{!known, "--on-skip must be fail, warn or ignore"}}
	})
}

// confirmFlags are those of commands that ask before they delete.
type confirmFlags struct{ dryRun, yes bool }

func (g *confirmFlags) add(c *command) {
	addDryRun(c, &g.dryRun, "print the deletions, and delete nothing")
	c.Flags().BoolVarP(&g.yes, "yes", "y", false, "delete without asking")
}
