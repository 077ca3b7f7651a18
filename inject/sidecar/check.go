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

// CheckTokens reports whether the gateway of an image can read tokens from files, as far as the tag
// of the image tells: from v5.14.0 on (Tyk Gateway, key-value stores, file).
func CheckTokens(image string) error {
	name := image[strings.LastIndex(image, "/")+1:]
	_, tag, _ := strings.Cut(strings.SplitN(name, "@", 2)[0], ":")

	var major, minor int
	if n, _ := fmt.Sscanf(strings.TrimPrefix(tag, "v"), "%d.%d", &major, &minor); n < 2 {
		return nil
	}
	if major < 5 || major == 5 && minor < 14 {
		return fmt.Errorf("the gateway %s cannot read tokens from files, so callees would refuse all calls; use v5.14.0 or later", image)
	}

	return nil
}

// CheckPort reports whether a sidecar can listen on a port. It runs without the rights that ports
// below 1024 need (ip(7), ip_unprivileged_port_start), and ControlPort is its own.
func CheckPort(port int) error {
	switch {
	case port < 1024 || port > 65535:
		return fmt.Errorf("not a port for a sidecar: %d; write a number from 1024 to 65535", port)
	case port == ControlPort:
		return fmt.Errorf("port %d is that of the sidecar's own API; write another", port)
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
