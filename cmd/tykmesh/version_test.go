package main

import (
	"runtime/debug"
	"testing"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	recorded := func(version string) *debug.BuildInfo { return &debug.BuildInfo{Main: debug.Module{Version: version}} }
	for _, c := range []struct {
		stamp string
		info  *debug.BuildInfo
		want  string
	}{
		{"v1.2.3", recorded("v1.2.2-0.20260102030405-abcdef012345"), "v1.2.3"},
		{"", recorded("v1.2.3"), "v1.2.3"},
		{"", recorded("(devel)"), "dev"},
		{"", recorded(""), "dev"},
		{"", nil, "dev"},
	} {
		if got := versionOf(c.stamp, c.info); got != c.want {
			t.Errorf("stamped %q, recorded %v: %s, want %s", c.stamp, c.info, got, c.want)
		}
	}
}
