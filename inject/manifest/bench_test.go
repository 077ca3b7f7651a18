package manifest

import (
	"os"
	"testing"

	"sigs.k8s.io/yaml"
)

// BenchmarkRead measures each of the three readers.
func BenchmarkRead(b *testing.B) {
	stream, err := os.ReadFile("../../testdata/samples/echo.yaml")
	if err != nil {
		b.Fatal(err)
	}

	text := Split("echo.yaml", stream)[0].Text

	asJSON, err := yaml.YAMLToJSON(text)
	if err != nil {
		b.Fatal(err)
	}

	ways := []struct {
		name string
		text []byte
		read func(*Document) (*Node, error)
	}{
		{"fast", text, (*Document).parse},
		{"parser", text, (*Document).parseAll},
		{"json", asJSON, (*Document).parse},
	}

	for _, way := range ways {
		b.Run("way="+way.name, func(b *testing.B) {
			d := &Document{File: "echo.yaml", Line: 1, Text: way.text}
			b.ReportAllocs()
			for b.Loop() {
				if root, err := way.read(d); err != nil || root == nil {
					b.Fatal(root, err)
				}
			}
		})
	}
}
