package main

import (
	_ "embed"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"
	"unicode"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/inject/display"
)

//go:embed cronjob.yaml
var cronJobTemplate string

// cronJob is the manifest that certs renew prints.
type cronJob struct {
	print                      bool
	Image, Schedule, Namespace string
	RenewBefore                string // "" where the flag was not given

	Config    string // the configuration's file
	Files     []jobFile
	Variables []string
}

// jobFile is a file that the configuration names: where it is here, where it belongs beside the
// configuration, and its key in the Secret.
type jobFile struct{ Source, Path, Key string }

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

	file, err := cmd.Flags().GetString("config")
	if err != nil {
		return err
	}
	if err := j.readReferences(p, file); err != nil {
		return err
	}

	return j.write(p.stdout)
}

// readReferences finds out what the job needs beside the configuration. Nothing of it is looked at.
func (j *cronJob) readReferences(p process, flag string) error {
	var files configFiles
	src, err := config.Find(flag, p.environ, files.file)
	if err == nil {
		err = (&report{targets: new(options).targetsOf(p, "")}).checkConfiguration(files, config.Config{})
	}

	if err != nil {
		return err
	}
	if src.Name == "" {
		return &usageError{"--print-cronjob reads the configuration, to know which files and variables go with it, and there is none: " + config.Hint, p.name + " certs renew"}
	}
	if display.Line(src.Name) != src.Name {
		return &usageError{fmt.Sprintf("--print-cronjob writes the name of the configuration into a comment, where %q cannot stand: rename the file", src.Name), p.name + " certs renew"}
	}

	references, err := config.References(src)
	if err != nil {
		return err
	}

	j.Config = src.Name
	var unfit config.Error
	for _, r := range references {
		switch {
		case r.Env != "" && !plainVariable.MatchString(r.Env):
			r.At.Msg = fmt.Sprintf("%q is not a name that a shell has variables of", r.Env)
			unfit = append(unfit, r.At)
		case r.Env != "":
			j.Variables = append(j.Variables, r.Env)
		case !filepath.IsLocal(r.Path), strings.ContainsFunc(r.Path, func(r rune) bool { return !unicode.IsPrint(r) }):
			r.At.Msg = fmt.Sprintf("%q would not be in the pod: name a file in the folder of the configuration, or below it", r.Path)
			unfit = append(unfit, r.At)
		default:
			path := filepath.ToSlash(filepath.Clean(r.Path))
			j.Files = append(j.Files, jobFile{filepath.Join(filepath.Dir(src.Name), r.Path), path, jobKey(path, len(j.Files))})
		}
	}

	if len(unfit) > 0 {
		return unfit
	}

	return nil
}

// plainVariable are the names of variables in a shell (POSIX.1, section 3.216).
var plainVariable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// jobKey is what a file is called in a Secret, whose keys have no slashes (Kubernetes API, Secret).
// A number tells those apart that would be alike.
func jobKey(path string, n int) string {
	return fmt.Sprintf("%d-%s", n+1, strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-._", r)) {
			return r
		}
		return '_'
	}, path))
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
	t, err := template.New("cronjob.yaml").Funcs(template.FuncMap{"word": shellWord}).Parse(cronJobTemplate)
	if err != nil {
		return fmt.Errorf("reading the CronJob's template: %w", err)
	}
	if err := t.Execute(w, j); err != nil {
		return fmt.Errorf("writing the CronJob: %w", err)
	}

	return nil
}
