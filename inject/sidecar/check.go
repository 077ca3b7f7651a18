package sidecar

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// imageName is a name that a registry can have (github.com/distribution/reference, grammar).
// Compiled when asked for: that takes half a millisecond, of which each start of the program would
// pay the price.
var imageName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^((\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9.-]*)(:[0-9]+)?/)?[a-z0-9]+((\.|_|__|-+|/)[a-z0-9]+)*` +
		`(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@[A-Za-z0-9+._-]+:[0-9A-Fa-f]{32,})?$`)
})

// variableName is the name of an environment variable as every Kubernetes and every shell takes it.
var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// CheckVariable reports whether an environment variable can have a name.
func CheckVariable(name string) error {
	if !variableName.MatchString(name) {
		return fmt.Errorf("not a valid variable name: %q", name)
	}
	return nil
}

// CheckImage reports whether a name of an image is valid and pinned to a version. It refuses only
// names that no registry could have.
func CheckImage(image string) error {
	switch {
	case !imageName().MatchString(image):
		return fmt.Errorf("not an image: %q; write IMAGE:VERSION or IMAGE@DIGEST", image)
	case strings.HasSuffix(image, ":latest") || !strings.ContainsAny(image[strings.LastIndex(image, "/")+1:], ":@"):
		return fmt.Errorf("the image %q is not pinned to a version; write IMAGE:VERSION or IMAGE@DIGEST", image)
	}
	return nil
}

// CheckLogLevel reports whether a gateway knows a level (Tyk documentation, log_level).
func CheckLogLevel(level string) error {
	if levels := []string{"debug", "info", "warn", "error"}; !slices.Contains(levels, level) {
		return fmt.Errorf("not a log level: %q; write one of %s", level, strings.Join(levels, ", "))
	}
	return nil
}
