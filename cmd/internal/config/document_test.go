package config

import "testing"

// Whoever adds a key says what it is for.
func TestEveryKeyIsExplained(t *testing.T) {
	for _, section := range schema {
		for _, key := range section.keys {
			if name := dotted(section.name, key.name); key.text == "" || key.show == nil {
				t.Errorf("%s: nobody is told what it is for, or what it is", name)
			}
		}
	}
}
