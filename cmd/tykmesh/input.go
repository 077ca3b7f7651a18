package main

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/cmd/internal/phase"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// inputTime is the time limit for each source of commands without the flag --timeout.
const inputTime = 2 * time.Minute

// inputFlags name the manifests.
type inputFlags struct {
	files     []string // of -f
	at        []int    // for each of them, the number of arguments before it
	builds    []string // of -k
	recursive bool
	plainHTTP bool

	command *command
	args    func() []string // the paths among the arguments; nil if arguments are no paths
}

func (g *inputFlags) add(c *command) {
	g.command = c
	f := c.Flags()
	f.VarP(&pathList{g, f}, "filename", "f", "read manifests from `PATH`: a file, a directory, a pattern in quotes, an https:// URL, or - for standard input; may be repeated (default: standard input)")
	f.BoolVarP(&g.recursive, "recursive", "R", false, "read directories with all directories below them")
	f.BoolVar(&g.plainHTTP, "plain-http", false, "also read URLs that begin with http://, whose answers every host on the way can change")
	c.guards = append(c.guards, func(r *report.Run) error {
		in := g.inputs()
		if c.rewrites {
			in.Rewrite = c.CommandPath() + " -i"
		}
		return r.Targets.CheckInputs(in)
	})
}

// addBuild adds the flag for the output of kustomize.
func (g *inputFlags) addBuild(c *command) {
	c.Flags().StringArrayVarP(&g.builds, "kustomize", "k", nil, "read the manifests that kustomize builds of `DIR`, with kustomize or kubectl in PATH; may be repeated")
	c.rules = append(c.rules, func() []flagRule {
		return []flagRule{
			{slices.Contains(g.builds, ""), "--kustomize needs a directory"},
			{len(g.builds) > 0 && (len(g.paths()) > 0 || g.recursive), "--kustomize excludes --recursive and other paths; add the files to the resources of the kustomization"},
		}
	})
}

// takePaths lets the command take paths as arguments, too.
func (g *inputFlags) takePaths(c *command) {
	c.Use += " [PATH]..."
	c.ValidArgsFunction = extensions("yaml", "yml", "json")
	g.args = c.Flags().Args
}

// paths returns the paths of -f and of arguments in the order in which they were typed, as a shell
// makes -f a.yaml b.yaml of -f *.yaml.
func (g *inputFlags) paths() (all []string) {
	var args []string
	if g.args != nil {
		args = g.args()
	}

	next := 0
	for i, path := range g.files {
		before := min(max(g.at[i], next), len(args))
		all = append(append(all, args[next:before]...), path)
		next = before
	}

	return append(all, args[next:]...)
}

// inputs returns the inputs of the command.
func (g *inputFlags) inputs() files.Inputs {
	return files.Inputs{Paths: g.paths(), Builds: g.builds, Recursive: g.recursive, PlainHTTP: g.plainHTTP, Stdin: g.command.process.stdin}
}

// rewritable reports whether the command reads files only.
func (g *inputFlags) rewritable() bool { return g.inputs().Rewritable() }

// wait returns a function that bounds the time in which servers and kustomize are waited for.
func (g *inputFlags) wait(ctx context.Context, r *report.Run) files.Wait {
	return func(read func(context.Context, func(string)) error) error {
		limit := inputTime
		if g.command.timeout != nil {
			limit = *g.command.timeout
		}

		ctx, remotely := phase.Begin(ctx, limit, r)
		err := read(ctx, func(source string) {
			remotely.Progress()
			r.Debug("input", "source", source)
		})
		if err != nil {
			err = remotely.Explain(err)
		}
		if remotely.End() && err == nil {
			err = remotely.InterruptedAtEnd()
		}

		return err
	}
}

// pathList is the value of -f. It notes how many arguments are before each path.
type pathList struct {
	input *inputFlags
	flags *pflag.FlagSet
}

// Set adds a path.
func (l *pathList) Set(path string) error {
	l.input.files, l.input.at = append(l.input.files, path), append(l.input.at, l.flags.NArg())
	return nil
}

// String returns the default, which is no path.
func (*pathList) String() string { return "" }

// Type returns the kind of values. cobra completes a flag again if its type ends in Array.
func (*pathList) Type() string { return "pathArray" }

// readDocuments reads the manifests, and reports the files that are left out.
func readDocuments(ctx context.Context, p process, in inputFlags, configuration string, r *report.Run) ([]*manifest.Document, error) {
	inputs := in.inputs()
	inputs.Stdin = p.stdin
	sources, err := inputs.Read(in.wait(ctx, r))
	if err == nil {
		sources, err = files.Manifests(sources, configuration, func(name, why string) { r.Printf("%s: left out: %s", name, why) })
	}

	if err != nil {
		return nil, err
	}

	var docs []*manifest.Document
	for _, s := range sources {
		docs = append(docs, manifest.Split(s.Name, s.Data)...)
	}

	return docs, nil
}
