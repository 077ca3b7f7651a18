package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tykmesh/tykmesh/inject/injecttest"
)

// peerBench is a folder with a stream in it, and the programs of others.
type peerBench struct {
	folder, kubectl, kustomize, kyaml string
}

const (
	peerContainer = `name: tyk-mesh
image: tykio/tyk-sidecar:2.8.4
ports: [{containerPort: 8080}]
`
	peerKustomization = `resources: [stream.yaml]
patches:
- target: {kind: Deployment|StatefulSet|DaemonSet}
  patch: |
    apiVersion: apps/v1
    kind: any
    metadata: {name: any}
    spec:
      template:
        spec:
          containers:
          - name: tyk-mesh
            image: tykio/tyk-sidecar:2.8.4
            ports: [{containerPort: 8080}]
`
)

// BenchmarkPeers is inject without a server, and what people would otherwise do to the same stream.
// kustomize and kyaml, its library, add no more than a container to the workloads, kyaml not to
// those in Lists. kubectl does the same to every object, or stops: it annotates them, which is the
// least that it can. Lines are lost that the input has and the output has not; those of inject are
// its annotations, and where a Service's port leads.
func BenchmarkPeers(b *testing.B) {
	if os.Getenv("TYKMESH_BENCH_PEERS") == "" {
		b.Skip("make bench-peers runs this: it builds kubectl and kustomize")
	}

	p := peerBench{folder: b.TempDir(), kubectl: filepath.Join(buildKubernetes(b), "kubectl"), kustomize: filepath.Join(buildTools(b, kustomize), "kustomize")}
	p.kyaml = filepath.Join(p.folder, "kyaml")
	build := exec.Command("go", "build", "-C", root+"/testdata/bench/kyaml", "-o", p.kyaml, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=readonly -trimpath")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}

	for name, text := range map[string]string{"container.yaml": peerContainer, "kustomization.yaml": peerKustomization} {
		if err := os.WriteFile(filepath.Join(p.folder, name), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}

	binary := buildProgram(b)
	for _, services := range []int{10, 100, 1000} {
		stream := injecttest.NewStream(services, 5)
		file := writeStream(b, p.folder, stream)
		p.compare(b, "tykmesh", stream, injection(b, binary, "configured", file, "TYKMESH_INJECTOR_SERVICEPORTS=preserve"))
		p.compare(b, "kubectl", stream, p.command(p.kubectl, "annotate", "--local", "-f", file, "injector.tyk.io/status=injected", "-o", "yaml"))
		if services < 1000 { // with 1,000 it takes minutes
			p.compare(b, "kustomize", stream, p.command(p.kustomize, "build", p.folder))
		}

		p.compare(b, "kyaml", stream, p.command(p.kyaml, filepath.Join(p.folder, "container.yaml"), file))
	}
}

// command knows no cluster and no settings of the user's.
func (p *peerBench) command(name string, args ...string) func() *exec.Cmd {
	return func() *exec.Cmd {
		cmd := exec.Command(name, args...)
		cmd.Env = []string{"HOME=" + p.folder, "KUBECONFIG=" + filepath.Join(p.folder, "none")}
		return cmd
	}
}

// compare measures one tool on a stream, and counts what it did and undid.
func (p *peerBench) compare(b *testing.B, tool string, stream injecttest.Stream, start func() *exec.Cmd) {
	b.Helper()
	services := bytes.Count(stream.Text, []byte("\nkind: Service\n"))
	b.Run(fmt.Sprintf("services=%d/tool=%s", services, tool), func(b *testing.B) {
		stdout := measure(b, start)
		lines, comments := lost(stream.Text, stdout)
		b.ReportMetric(float64(bytes.Count(stdout, []byte("name: tyk-mesh\n"))), "sidecars")
		b.ReportMetric(float64(lines), "lost-lines")
		b.ReportMetric(float64(comments), "lost-comments")
	})
}

// lost counts the lines that one text has and another has not, as often and indented as they are,
// and how many of them hold a comment.
func lost(before, after []byte) (lines, comments int) {
	there := make(map[string]int)
	for line := range bytes.Lines(after) {
		there[string(line)]++
	}

	for line := range bytes.Lines(before) {
		if there[string(line)]--; there[string(line)] >= 0 {
			continue
		}
		lines++
		if bytes.HasPrefix(bytes.TrimLeft(line, " "), []byte("#")) || bytes.Contains(line, []byte(" #")) {
			comments++
		}
	}

	return lines, comments
}
