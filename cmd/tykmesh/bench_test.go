package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/tykmesh/tykmesh/inject/injecttest"
)

// use is what processes took of the machine.
type use struct {
	wall, cpu time.Duration
	rss       int64 // the most that one of them took, in bytes
	runs      int
}

// measured is a program that runs another and says on file 3 what that took. It stands between
// because a process begins with the peak of the memory of the one that started it (getrusage(2)),
// and a benchmark whose servers hold thousands of APIs is larger than the program.
const measured = "tykmesh-measured"

func runMeasured() {
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	begin := time.Now()
	err := cmd.Run()

	wall := time.Since(begin)
	if cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}

	fmt.Fprintln(os.NewFile(3, "use"), int64(wall), int64(cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()), maxRSS(cmd.ProcessState))
	os.Exit(cmd.ProcessState.ExitCode())
}

// run adds what a program takes.
func (u *use) run(b *testing.B, cmd *exec.Cmd) {
	b.Helper()
	between := exec.Command(measured, append([]string{cmd.Path}, cmd.Args[1:]...)...)
	between.Env, between.Stdout = cmd.Env, cmd.Stdout
	var report bytes.Buffer
	between.Stderr = &report

	said, say, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}

	defer said.Close()
	between.ExtraFiles = []*os.File{say}
	err = between.Run()
	say.Close()
	if err != nil {
		b.Fatalf("%v\n%s", err, report.Bytes())
	}

	var wall, cpu time.Duration
	var rss int64
	if _, err := fmt.Fscan(said, &wall, &cpu, &rss); err != nil {
		b.Fatal(err)
	}

	u.wall, u.cpu, u.rss, u.runs = u.wall+wall, u.cpu+cpu, max(u.rss, rss), u.runs+1
}

// report says what a run took. The time is the program's, without what stands between.
func (u *use) report(b *testing.B) {
	b.ReportMetric(float64(u.wall)/float64(u.runs), "ns/op")
	b.ReportMetric(float64(u.cpu)/float64(u.runs), "cpu-ns/op")
	b.ReportMetric(float64(u.rss), "peak-B")
}

// measure runs the program until the benchmark is over; it returns what the last run printed.
func measure(b *testing.B, start func() *exec.Cmd) (stdout []byte) {
	b.Helper()
	var u use
	for b.Loop() {
		var out bytes.Buffer
		cmd := start()
		cmd.Stdout = &out
		u.run(b, cmd)
		stdout = out.Bytes()
	}

	u.report(b)

	return stdout
}

// BenchmarkStart is how long users wait for a program that has nothing to do. It is to take less
// than 20 ms.
func BenchmarkStart(b *testing.B) {
	binary := buildProgram(b)
	b.Run("command=version", func(b *testing.B) {
		measure(b, func() *exec.Cmd { return exec.Command(binary, "version") })
	})
}

// BenchmarkInject injects streams without a server. With 1,000 services and a configured sidecar it
// is to take less than 1 s of CPU and 64 MiB.
func BenchmarkInject(b *testing.B) {
	binary, folder := buildProgram(b), b.TempDir()
	for _, services := range []int{10, 100, 1000, 5000} {
		stream := injecttest.NewStream(services, 3)
		file := writeStream(b, folder, stream)
		for _, profile := range []string{"configured", "builtin"} {
			b.Run(fmt.Sprintf("profile=%s/services=%d", profile, services), func(b *testing.B) {
				stdout := measure(b, injection(b, binary, profile, file))
				if n := bytes.Count(stdout, []byte("name: tyk-mesh\n")); n != stream.Workloads {
					b.Fatalf("%d sidecars for %d workloads", n, stream.Workloads)
				}
			})
		}
	}
}

// writeStream returns the file of a stream.
func writeStream(b *testing.B, folder string, stream injecttest.Stream) string {
	b.Helper()
	file := filepath.Join(folder, "stream.yaml")
	if err := os.WriteFile(file, stream.Text, 0o644); err != nil {
		b.Fatal(err)
	}
	return file
}

// builtinConfig leaves the sidecar to the program.
const builtinConfig = `Tyk: {url: http://dashboard.tyk:3000, org: 5d64a47fed63100001b2f2ac}
Sidecar: {redis: redis.tyk:6379}
`

// injection returns the program that puts sidecars into a stream, and neither registers nor signs
// anything. Settings are environment variables.
func injection(b *testing.B, binary, profile, file string, settings ...string) func() *exec.Cmd {
	b.Helper()
	config, err := filepath.Abs(filepath.Join(samples, "tykmesh.yaml"))
	if err != nil {
		b.Fatal(err)
	}

	if profile == "builtin" {
		config = filepath.Join(b.TempDir(), "tykmesh.yaml")
		if err := os.WriteFile(config, []byte(builtinConfig), 0o644); err != nil {
			b.Fatal(err)
		}
	}

	mesh := filepath.Join(b.TempDir(), "mesh")

	return func() *exec.Cmd {
		cmd := exec.Command(binary, "inject", "-q", "--config", config, "--local", mesh, "-f", file)
		cmd.Env = append([]string{"TYKMESH_INJECTOR_CREATEROUTES=false", "TYKMESH_INJECTOR_ENABLEMESHTLS=false"}, settings...)
		return cmd
	}
}
