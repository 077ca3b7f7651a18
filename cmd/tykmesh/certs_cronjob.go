package main

import (
	_ "embed"
	"fmt"
	"io"
	"strings"
	"text/template"
	"unicode"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation"
)

//go:embed cronjob.yaml
var cronJobTemplate string

// cronJob is the manifest that certs renew prints.
type cronJob struct {
	print                      bool
	Image, Schedule, Namespace string
	RenewBefore                string // "" where the flag was not given
}

// cronJobFlags are those that mean nothing without --print-cronjob.
var cronJobFlags = []string{"image", "schedule", "namespace"}

func (j *cronJob) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&j.print, "print-cronjob", false, "print a CronJob that does this in the cluster, and do nothing else")
	f.StringVar(&j.Image, "image", "", "`IMAGE` of the CronJob, with tykmesh in its PATH; there is no published one")
	f.StringVar(&j.Schedule, "schedule", "17 3 * * *", "when the CronJob runs, as `CRON` says it")
	f.StringVarP(&j.Namespace, "namespace", "n", "", "`NAMESPACE` of the CronJob (default: that of kubectl's context)")
}

// unused refuses flags of the CronJob where none is printed.
func (*cronJob) unused(cmd *cobra.Command) error {
	for _, flag := range cronJobFlags {
		if cmd.Flags().Changed(flag) {
			return &usageError{fmt.Sprintf("--%s is for --print-cronjob", flag), cmd.CommandPath()}
		}
	}
	return nil
}

// run prints the CronJob.
func (j *cronJob) run(cmd *cobra.Command, p process, names []string) error {
	if f := cmd.Flags().Lookup("renew-before"); f.Changed {
		j.RenewBefore = f.Value.String()
	}
	if problem := j.problem(names); problem != "" {
		return &usageError{problem, cmd.CommandPath()}
	}
	return j.write(p.stdout)
}

// problem says what no CronJob can be made of; "" if one can.
func (j *cronJob) problem(names []string) string {
	blank := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }
	fields := len(strings.Fields(j.Schedule))
	switch {
	case len(names) > 0:
		return "the CronJob renews what is due: --print-cronjob takes no names"
	case j.Image == "":
		return "--print-cronjob needs --image: an image with tykmesh in its PATH; there is no published one"
	case strings.ContainsFunc(j.Image, blank):
		return fmt.Sprintf("--image is not an image: %q", j.Image)
	case fields != 5 && !(fields == 1 && strings.HasPrefix(j.Schedule, "@")), strings.ContainsFunc(strings.ReplaceAll(j.Schedule, " ", ""), blank):
		return fmt.Sprintf("--schedule is not five fields of cron: %q", j.Schedule)
	case j.Namespace != "" && len(validation.IsDNS1123Label(j.Namespace)) > 0:
		return fmt.Sprintf("--namespace is not a namespace: %q", j.Namespace)
	case j.RenewBefore == "0h" || strings.HasPrefix(j.RenewBefore, "-"):
		return "--renew-before must be more than 0"
	}
	return ""
}

func (j *cronJob) write(w io.Writer) error {
	t, err := template.New("cronjob.yaml").Parse(cronJobTemplate)
	if err != nil {
		return fmt.Errorf("reading the CronJob's template: %w", err)
	}
	if err := t.Execute(w, j); err != nil {
		return fmt.Errorf("writing the CronJob: %w", err)
	}
	return nil
}
