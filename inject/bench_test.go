package inject_test

import (
	"io"
	"os"
	"runtime"
	"testing"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/injecttest"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// BenchmarkInject is the whole of the pure work, from bytes to bytes. It reports what is live at the end of it, which is the most that is
// live at any time: the input and the whole output.
func BenchmarkInject(b *testing.B) {
	text := injecttest.NewStream(1000, 3).Text
	b.Run("profile=configured/services=1000", func(b *testing.B) { benchmarkInject(b, text, "") })
	b.Run("profile=builtin/services=1000", func(b *testing.B) {
		if warnings := benchmarkInject(b, text, "builtin"); len(warnings) > 0 {
			b.Fatalf("%d findings in a stream without any: %v", len(warnings), warnings[0])
		}
	})
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

// liveBytes is the memory that is reachable now.
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
