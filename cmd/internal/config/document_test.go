package config

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const readme = "../../../README.md"

// What can be configured is documented, and nothing else: README's table of keys is that of the program. -update writes it.
func TestReadmeHasEveryKey(t *testing.T) {
	data, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	const head = "| key | default | |\n| --- | --- | --- |\n"
	before, rest, begun := strings.Cut(string(data), head)
	rows, after, ended := strings.Cut(rest, "\n\n")
	if !begun || !ended {
		t.Fatal("README.md has no table of keys")
	}
	rows += "\n"
	if *update {
		if err := os.WriteFile(readme, []byte(before+head+table()+"\n"+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(table(), rows); diff != "" {
		t.Errorf("README.md, -want +got:\n%s", diff)
	}
}

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
