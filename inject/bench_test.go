package inject_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"testing"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/injecttest"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// BenchmarkInject is the whole of the pure work, from bytes to bytes. It reports what is live at
// the end of it, which is the most that is live at any time: the input and the whole output.
func BenchmarkInject(b *testing.B) {
	text := injecttest.NewStream(1000, 3).Text
	b.Run("profile=configured/services=1000", func(b *testing.B) { benchmarkInject(b, text, "") })
	b.Run("profile=builtin/services=1000", func(b *testing.B) {
		if warnings := benchmarkInject(b, text, "builtin"); len(warnings) > 0 {
			b.Fatalf("%d findings in a stream without any: %v", len(warnings), warnings[0])
		}
	})
	b.Run("profile=standalone/services=1000", func(b *testing.B) { benchmarkInject(b, text, "standalone-tokens") })
	if file := os.Getenv("TYKMESH_BENCH_STREAM"); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("stream", func(b *testing.B) { benchmarkInject(b, text, "") })
	}
}

func benchmarkInject(b *testing.B, text []byte, name string) (warnings []inject.Problem) {
	s := profile(name)
	s.TLS = true
	if s.Standalone != nil { // where the others listen: some pods of the stream declare another port
		s.Sidecar.Port, s.Standalone.Port = sidecar.DefaultPort, sidecar.DefaultPort
	}

	b.ReportAllocs()
	var live uint64
	for b.Loop() {
		docs := manifest.Split("stream.yaml", text)
		stream, problems := inject.Inject(docs, s)
		if problems != nil {
			b.Fatal(problems[0])
		}

		if err := stream.Write(io.Discard, nil); err != nil {
			b.Fatal(err)
		}

		if live == 0 {
			b.StopTimer()
			live = liveBytes()
			b.StartTimer()
		}

		warnings = stream.Warnings
		runtime.KeepAlive(stream)
		runtime.KeepAlive(docs)
	}

	b.ReportMetric(float64(live), "live-B")

	return warnings
}

// liveBytes returns the memory that is reachable now.
func liveBytes() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkSplit(b *testing.B) {
	text := injecttest.NewStream(1000, 3).Text
	b.ReportAllocs()
	for b.Loop() {
		manifest.Split("stream.yaml", text)
	}
}

// BenchmarkDiff measures the diff of a stream that has been injected, as lines and as JSON on one
// line.
func BenchmarkDiff(b *testing.B) {
	for _, services := range []int{1, 5000} {
		text := injecttest.NewStream(services, 3).Text
		b.Run(fmt.Sprint("services=", services), func(b *testing.B) { benchmarkDiff(b, text) })
	}

	var line bytes.Buffer
	for range 5000 {
		line.WriteString(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","labels":{"app":"a"},` +
			`"annotations":{"injector.tyk.io/inject":"true"}},"spec":{"containers":[{"name":"a"}]}}`)
	}

	b.Run("line", func(b *testing.B) { benchmarkDiff(b, line.Bytes()) })
}

func benchmarkDiff(b *testing.B, text []byte) {
	stream, problems := inject.Inject(manifest.Split("stream.yaml", text), profile(""))
	if problems != nil {
		b.Fatal(problems[0])
	}

	files := slices.Collect(stream.Files(nil))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		for _, f := range files {
			manifest.Diff(f.Name, f.Text, f.Patch)
		}
	}
}

// BenchmarkTiny measures documents that hold next to nothing: the time, and the memory that
// is live at the end, for each byte of the input.
func BenchmarkTiny(b *testing.B) {
	for name, text := range map[string]string{"separators": "---\n", "words": "--- a\n", "json": "{}", "longer": "--- 0123456789012345678901234567\n"} {
		b.Run(name, func(b *testing.B) {
			const size = 3 << 20
			stream := bytes.Repeat([]byte(text), size/len(text))
			before := liveBytes()
			b.SetBytes(size)
			b.ReportAllocs()
			var live uint64
			for b.Loop() {
				docs := manifest.Split("stream.yaml", stream)
				s, problems := inject.Inject(docs, profile("builtin"))
				if problems != nil {
					b.Fatal(problems[0])
				}

				if err := s.Write(io.Discard, nil); err != nil {
					b.Fatal(err)
				}

				if live == 0 {
					b.StopTimer()
					live = liveBytes() - before
					b.StartTimer()
				}

				runtime.KeepAlive(docs)
				runtime.KeepAlive(s)
			}

			b.ReportMetric(float64(live)/size, "live-B/B")
		})
	}
}
