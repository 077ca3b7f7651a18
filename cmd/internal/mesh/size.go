package mesh

import (
	"fmt"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// BuiltIn holds the settings of built-in sidecars that count for registration.
type BuiltIn struct {
	MemoryLimit    string            // Sidecar.memoryLimit; "": no limit
	MemoryLimitPos manifest.Position // where the file sets it; zero elsewhere
}

// Memory of a Tyk Gateway 5.14 that runs as a sidecar, measured at the peak of a reload, when it
// holds the old APIs and the new ones. The amounts are 2 to 9 percent above the measured ones.
//
//	routes   loads all, measured   MemoryNeed   loads few, measured   MemoryNeed
//	   500               132 MiB      144 MiB
//	 1,000               216          224                 132 MiB      139 MiB
//	 2,000               374          384
//	 5,000               846          864                 431          439
const (
	mebibyte = 1 << 20

	emptyMemory   = 64 * mebibyte         // of a gateway without routes
	loadedMemory  = mebibyte * 160 / 1000 // a route, with the inbound API of its service
	skippedMemory = mebibyte * 75 / 1000  // a route that tags exclude: a gateway parses the whole list first

	limitStep = 64 * mebibyte // of the limits that tykmesh proposes
)

// MemoryNeed returns the memory in bytes that a sidecar needs in a mesh of so many routes, of which
// it loads some. Request bodies come on top.
func MemoryNeed(routes, loaded int) int64 {
	loaded = min(loaded, routes)
	return emptyMemory + int64(loaded)*loadedMemory + int64(routes-loaded)*skippedMemory
}

// EnoughMemory returns a limit, as Kubernetes writes it, that leaves room for a need.
func EnoughMemory(need int64) string {
	return Mebibytes((need + limitStep - 1) / limitStep * limitStep)
}

// Mebibytes returns an amount of memory as Kubernetes writes it, rounded up.
func Mebibytes(amount int64) string { return fmt.Sprintf("%dMi", (amount+mebibyte-1)/mebibyte) }
