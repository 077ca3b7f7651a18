package sidecar

import (
	"fmt"
	"slices"
	"strings"
)

// CheckImage says what is wrong with the name of an image. Only what no registry could have is refused.
func CheckImage(image string) error {
	switch {
	case image == "" || strings.ContainsAny(image, " \t\n\"'\\") || strings.HasSuffix(image, ":"):
		return fmt.Errorf("not an image: %q; IMAGE:VERSION or IMAGE@DIGEST", image)
	case strings.HasSuffix(image, ":latest") || !strings.ContainsAny(image[strings.LastIndex(image, "/")+1:], ":@"):
		return fmt.Errorf("the image %q can be another one tomorrow: IMAGE:VERSION or IMAGE@DIGEST", image)
	}
	return nil
}

// CheckLogLevel says whether a gateway knows a level (Tyk documentation, log_level).
func CheckLogLevel(level string) error {
	if levels := []string{"debug", "info", "warn", "error"}; !slices.Contains(levels, level) {
		return fmt.Errorf("want one of %s, got %q", strings.Join(levels, ", "), level)
	}
	return nil
}
