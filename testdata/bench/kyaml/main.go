// Command kyaml gives the annotated workloads of a stream a container, as people do with a function
// of their own. Its arguments are the files of the container and of the stream.
package main

import (
	"fmt"
	"os"

	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "kyaml:", err)
		os.Exit(1)
	}
}

func run() error {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		return err
	}
	stream, err := os.Open(os.Args[2])
	if err != nil {
		return err
	}
	defer stream.Close()
	add := func(objects []*yaml.RNode) ([]*yaml.RNode, error) {
		for _, o := range objects {
			template, err := o.Pipe(yaml.Lookup("spec", "template"))
			if err != nil || template == nil || template.GetAnnotations()["injector.tyk.io/inject"] != "true" {
				continue
			}
			if err := template.PipeE(yaml.Lookup("spec", "containers"), yaml.Append(yaml.MustParse(string(text)).YNode())); err != nil {
				return nil, err
			}
		}
		return objects, nil
	}
	return kio.Pipeline{
		Inputs:  []kio.Reader{&kio.ByteReader{Reader: stream, OmitReaderAnnotations: true}},
		Filters: []kio.Filter{kio.FilterFunc(add)},
		Outputs: []kio.Writer{&kio.ByteWriter{Writer: os.Stdout}},
	}.Execute()
}
