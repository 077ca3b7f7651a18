//go:build unix

package ca_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/tykmesh/tykmesh/ca"
)

// BenchmarkEightRSA is 8 certificates with RSA-4096 keys, the guide's default, at once. Making keys takes nearly all of the time, on all cores: cpu is
// what they spent on it, and cores what that is of the wall time. The time of a key varies much.
func BenchmarkEightRSA(b *testing.B) {
	signer := newLocal(b, b.TempDir())
	start, spent := time.Now(), userTime(b)
	for b.Loop() {
		issueMany(b, signer, 8, 8, ca.KeyRequest{Algo: ca.RSA, Size: 4096})
	}
	spent = userTime(b) - spent
	b.ReportMetric(float64(spent)/float64(b.N), "cpu-ns/op")
	b.ReportMetric(spent.Seconds()/time.Since(start).Seconds(), "cores")
}

// userTime is the time that CPUs have spent on this process' own code.
func userTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano())
}
