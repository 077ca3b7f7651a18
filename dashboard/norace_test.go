//go:build !race

package dashboard_test

// raced reports whether the race detector watches.
const raced = false
