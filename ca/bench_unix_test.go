//go:build unix

package ca_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/tykmesh/tykmesh/ca"
)

// BenchmarkRSA issues 16 certificates with RSA-2048 keys, 8 at a time. Nearly all of the time goes
// into keys, on all cores; cpu is the sum over the cores. Keys with 4096 bits, the guide's default,
// take ten times as long, and vary widely.
func BenchmarkRSA(b *testing.B) {
	signer := newLocal(b, b.TempDir())
	spent := userTime(b)
	for b.Loop() {
		issueMany(b, signer, 16, 8, ca.KeyRequest{Algo: ca.RSA, Size: 2048})
	}
	b.ReportMetric(float64(userTime(b)-spent)/float64(b.N), "cpu-ns/op")
}

// userTime returns the CPU time of this process in user mode.
func userTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano())
}
