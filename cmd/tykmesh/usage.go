package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tykmesh/tykmesh/cmd/internal/exit"
	"github.com/tykmesh/tykmesh/cmd/internal/prose"
	"github.com/tykmesh/tykmesh/inject/spelling"
)

// usageError is an error in the command line.
type usageError struct {
	msg, command string
	hint         string // the next thing to type; "" for the command's help
}

func (e *usageError) Error() string { return e.msg }

// ExitCode returns the status for usage and configuration.
func (*usageError) ExitCode() int { return exit.Usage }

// Hint returns the next thing to type, which often is the command that prints help.
func (e *usageError) Hint() string {
	if e.hint != "" {
		return e.hint
	}
	return fmt.Sprintf("%s --help lists arguments and flags", e.command)
}

// noArgs refuses arguments that are no flags. If -f was forgotten, the user learns it at once;
// otherwise the run would wait for standard input.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	msg := fmt.Sprintf("unexpected argument %q", args[0])
	switch {
	case !cmd.HasParent():
		return unknownCommand(cmd, args[0])
	case cmd.HasSubCommands():
		msg = fmt.Sprintf("unknown command %q", args[0])
		if known := foreignCommands[cmd.Name()+" "+args[0]]; known != "" {
			msg += "; did you mean " + known + "?"
		} else {
			msg += spelling.Suggest(args[0], commandNames(cmd))
		}
	case cmd.Flags().Lookup("filename") != nil && cmd.Flags().Lookup("dir") == nil:
		msg += "; name manifests with -f"
	}

	return &usageError{msg: msg, command: cmd.CommandPath()}
}

// unknownCommand returns the error about a word that is no command.
func unknownCommand(root *cobra.Command, word string) error {
	e := &usageError{msg: fmt.Sprintf("unknown command %q", word), command: root.CommandPath()}
	switch {
	case strings.ContainsAny(word, "./"):
		e.msg += "; a command comes first"
		e.hint = root.CommandPath() + " inject " + prose.ShellWord(word)
	case foreignCommands[word] != "":
		e.msg += "; did you mean " + foreignCommands[word] + "?"
	default:
		e.msg += spelling.Suggest(word, commandNames(root))
	}

	return e
}

// foreignCommands are commands of kubectl, helm, linkerd, istioctl and deck, and the nearest one of
// tykmesh.
var foreignCommands = map[string]string{
	"get": "status", "list": "status", "ls": "status", "describe": "status", "top": "status", "edges": "status", "dashboard": "status -o html", "viz": "status -o html",
	"analyze": "diff", "lint": "diff", "plan": "diff", "validate": "diff", "apply": "inject", "kube-inject": "inject", "upgrade": "inject --reinject",
	"sync": "register", "remove": "delete", "rm": "delete", "uninstall": "uninject", "install": "config init", "doctor": "check", "ping": "check",
	"explain": "help", "options": "help", "docs": "help", "config validate": "view", "config show": "view", "config path": "view",
}

// flagError returns the error about wrong flags. Behind an unknown command the command is the
// error: cobra takes its flags for those of the command above.
func flagError(cmd *cobra.Command, err error) error {
	msg, unknown, wrong, lacking := err.Error(), (*pflag.NotExistError)(nil), (*pflag.InvalidValueError)(nil), (*pflag.ValueRequiredError)(nil)
	switch args := cmd.Flags().Args(); {
	case errors.As(err, &wrong) && wrong.GetFlag().Name == "dry-run":
		msg = fmt.Sprintf("--dry-run=%s: %v", wrong.GetValue(), wrong.Unwrap())
	case errors.As(err, &wrong) && wrong.GetFlag().Value.Type() == "bool":
		name := wrong.GetFlag().Name
		msg = fmt.Sprintf("--%s=%s: --%[1]s is on or off; write --%[1]s", name, wrong.GetValue())
	case errors.As(err, &lacking):
		msg = strings.TrimLeft(flagName(lacking.GetFlag()), " ") + ": the value is missing"
	case cmd.HasSubCommands() && len(args) > 0:
		return noArgs(cmd, args)
	case cmd.HasSubCommands():
		msg += "; a command comes first"
	case errors.As(err, &unknown) && strings.HasSuffix(cmd.CommandPath(), " certs renew") && slices.Contains(printerFlags, unknown.GetSpecifiedName()):
		return &usageError{msg + "; renew prints no CronJob", cmd.CommandPath(), "edit testdata/samples/certs-renew-cronjob.yaml in the source of tykmesh"}
	case errors.As(err, &unknown) && kubectlFlags[unknown.GetSpecifiedName()] != "":
		msg += "; " + kubectlFlags[unknown.GetSpecifiedName()]
	case errors.As(err, &unknown):
		msg += spelling.DidYouMean("--", unknown.GetSpecifiedName(), longFlags(cmd))
	}

	return &usageError{msg: msg, command: cmd.CommandPath()}
}

// kubectlFlags are flags of kubectl that tykmesh lacks, and what to do instead.
var kubectlFlags = map[string]string{
	"k": aboutManifests, "kustomize": aboutManifests, "watch": "it answers once",
	"no-color": aboutColour, "no-colour": aboutColour, "colour": aboutColour,
	"l": aboutCluster, "selector": aboutCluster, "A": aboutCluster, "all-namespaces": aboutCluster, "context": aboutCluster, "kubeconfig": aboutCluster,
	"kube-context": aboutCluster, "cluster": aboutCluster, "field-selector": aboutCluster,
}

const (
	aboutManifests = "this command reads no manifests"
	aboutColour    = "write --color never"
	aboutCluster   = "tykmesh asks no cluster"
)

// printerFlags are flags of earlier versions of certs renew, which printed a CronJob.
var printerFlags = []string{"print-cronjob", "image", "schedule"}

// refuseUnknownTopics makes help report an unknown command. Otherwise cobra would print the help of
// the root command.
func refuseUnknownTopics(root *cobra.Command, stdout any) {
	root.InitDefaultHelpCmd()
	help, _, err := root.Find([]string{"help"})
	if err != nil {
		panic(err) // there is one now
	}

	help.ValidArgsFunction = helpWords
	help.Use = "help [COMMAND | TOPIC | CODE]"
	help.Short = "Explain a command, a topic or a code of an error"
	help.Long = "help explains a command with its flags, a topic, or a code that errors and warnings carry."
	help.Example = "  tykmesh help certs renew\n  tykmesh help annotations\n  tykmesh help TM0005"
	help.Run, help.RunE = nil, func(_ *cobra.Command, args []string) error {
		if len(args) == 1 && codeLike.MatchString(args[0]) {
			return explainCode(root.OutOrStdout(), stdout, args[0])
		}

		cmd, rest, err := root.Find(args)
		if err == nil {
			err = noArgs(cmd, rest)
		}

		if err != nil {
			return err
		}

		cmd.InitDefaultHelpFlag()

		return cmd.Help()
	}
}

func commandNames(cmd *cobra.Command) (names []string) {
	for _, below := range cmd.Commands() {
		names = append(names, below.Name())
	}
	return names
}

func longFlags(cmd *cobra.Command) (names []string) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}
