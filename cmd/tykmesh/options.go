package main

import (
	"time"

	"github.com/spf13/cobra"
)

// options are the flags of the commands that read manifests.
type options struct {
	files     []string
	recursive bool
	namespace string
	config    string
	local     string
	adopt     []string
	timeout   time.Duration
	parallel  int
	quiet     bool
	verbose   bool
}

func (o *options) inputFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVarP(&o.files, "filename", "f", nil, "`PATH` of a file, a folder, or - for standard input; may be repeated (default: standard input)")
	f.BoolVarP(&o.recursive, "recursive", "R", false, "read folders with their subfolders")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print errors only")
}

func (o *options) remoteFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&o.namespace, "namespace", "n", "", "`NAMESPACE` of objects that name none (default: default)")
	f.StringVar(&o.config, "config", "", "configuration `FILE` (default: the first that is there of $TYKMESH_CONFIG, tykmesh.yaml, tyk-k8s.yaml, ...)")
	f.StringVar(&o.local, "local", "", "`DIR` in which files stand in for the Dashboard, CFSSL and MongoDB")
	f.StringArrayVar(&o.adopt, "adopt", nil, "take over the API with this `SLUG` although it is not ours; may be repeated")
	f.DurationVar(&o.timeout, "timeout", 2*time.Minute, "give up when no step has finished for so long")
	f.IntVar(&o.parallel, "parallel", 8, "how many services to register at once")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "print every request, without its body, and every changed field")
}

// check refuses values that mean nothing.
func (o *options) check(cmd *cobra.Command) error {
	switch {
	case o.timeout <= 0 && cmd.Flags().Lookup("timeout") != nil:
		return &usageError{"--timeout must be more than 0", cmd.CommandPath()}
	case o.parallel < 1 && cmd.Flags().Lookup("parallel") != nil:
		return &usageError{"--parallel must be at least 1", cmd.CommandPath()}
	case o.quiet && o.verbose:
		return &usageError{"--quiet and --verbose exclude each other", cmd.CommandPath()}
	case cmd.Flags().Changed("local") && o.local == "":
		return &usageError{"--local needs a folder", cmd.CommandPath()}
	}
	return nil
}
