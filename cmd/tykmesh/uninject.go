package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/explain"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject"
)

// uninjectCmd holds the flags of uninject.
type uninjectCmd struct {
	inputFlags
	outputFlags
	reportFlags
	timeout time.Duration
	served  bool // workloads keep the API versions that Kubernetes serves

	given func(flag string) bool
}

func newUninjectCmd(p process) *cobra.Command {
	f := &uninjectCmd{}
	c := newCommand(p, &cobra.Command{
		Use:   "uninject",
		Short: "Print manifests as they were before inject",
		Long: "uninject removes from a manifest everything that inject added, according to its record annotation, and keeps later changes. " +
			"It asks no server: the APIs and certificates stay.",
		Example: "  tykmesh uninject -f meshed.yaml | kubectl apply -f -\n" +
			"  tykmesh uninject --upgrade-api -f meshed.yaml | kubectl apply -f -      # after inject --upgrade-api",
	}, f.run)

	c.verbs.done, f.given = "uninjected", c.Flags().Changed
	f.inputFlags.add(c)
	f.addBuild(c)
	f.takePaths(c)
	timeoutFlag(c, &f.timeout)
	f.reportFlags.add(c)
	f.outputFlags.add(c, &f.inputFlags)
	c.Flags().BoolVar(&f.served, "upgrade-api", false, "keep the API versions that inject --upgrade-api wrote, which Kubernetes serves; =false restores the original ones")

	return c.Command
}

func (f *uninjectCmd) run(ctx context.Context, p process, r *report.Run) (report.Output, error) {
	docs, err := readDocuments(ctx, p, f.inputFlags, "", r)
	if err != nil {
		return nil, err
	}

	list := resourceList(docs)
	if list != nil {
		r.AnswerFunction(list.Text)
	}

	takeBack := inject.Uninject
	if f.served {
		takeBack = inject.UninjectServed
	}

	stream, problems := takeBack(docs)
	r.Objects(func() []report.Event { return objectEvents(stream.Objects) })
	if !f.given("upgrade-api") { // kubectl would apply the Services, and then refuse the workloads
		problems = append(problems, stream.Warnings...)
	}

	if err := explain.Refuse(docs, problems); err != nil {
		return nil, err
	}
	if err := f.checkOutput(docs, stream, list != nil); err != nil {
		return nil, err
	}

	tellUninjected(r, stream)

	return f.output(r, injected{stream: stream, isList: list != nil}), nil
}

// tellUninjected reports the uninjected objects.
func tellUninjected(r *report.Run, stream *inject.Stream) {
	n := 0
	for _, o := range stream.Objects {
		if o.Outcome != inject.Injected {
			r.Lastly("%s", objectEvent(o))
			continue
		}
		n++
		r.Lastly("%s: %s: %s", o.Pos, o, r.Verb(o.Change))
	}

	if stream.Emitted > 0 {
		r.Lastly("%s that inject had added %s", report.Plural(stream.Emitted, "object"), r.Verb("removed"))
	}

	stay := "; the APIs and certificates stay: tykmesh delete deletes them"
	switch {
	case n == 0:
		stay = ""
	case !stream.Registered && stream.Emitted > 0:
		stay = "; in the cluster the added objects stay: tykmesh status -f - lists those that no workload uses"
	}

	r.Lastly("%s %s%s", report.Plural(n, "object"), r.Verb("taken off the mesh"), stay)
}
