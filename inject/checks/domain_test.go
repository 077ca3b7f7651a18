package checks

import (
	"strings"
	"testing"
)

// TestIsPublicDomain holds a sample of the list against what people call namespaces.
func TestIsPublicDomain(t *testing.T) {
	for _, name := range strings.Fields("com org net dev app shop io cloud prod qa ci uk de bd ck np mm online tools xn--p1ai") {
		if !isPublicDomain(name) {
			t.Errorf("%s is a top-level domain", name)
		}
	}

	for _, name := range strings.Fields("default mesh staging test production local internal lan payments shop-eu web frontend backend github") {
		if isPublicDomain(name) {
			t.Errorf("%s is no top-level domain", name)
		}
	}
}
