//go:build race

package dashboard_test

// raced reports whether the race detector watches. It takes memory of its own, and twenty
// times as long.
const raced = true
