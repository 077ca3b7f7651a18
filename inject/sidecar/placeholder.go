package sidecar

import "bytes"

// The servers of sidecars in a run without a configuration. No name below invalid exists (RFC
// 2606), so that sidecars with placeholders reach nothing.
const (
	PlaceholderDashboard = "http://dashboard" + placeholderDomain + ":3000"
	PlaceholderRedis     = "redis" + placeholderDomain + ":6379"

	placeholderDomain = ".tykmesh.invalid"
)

// HasPlaceholders reports whether a manifest has sidecars with placeholders.
func HasPlaceholders(text []byte) bool { return bytes.Contains(text, []byte(placeholderDomain)) }
