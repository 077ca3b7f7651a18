package files

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
)

// endless is a standard input that somebody forgot to end.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	e.read += len(p)
	return len(p), nil
}

func TestReadAll(t *testing.T) {
	input := &endless{}
	if _, err := readAll(input, 1<<20, 0); err == nil || err.Error() != "larger than 1 MiB" || input.read > 1<<20+1 {
		t.Errorf("%d bytes of an endless input were read: %v", input.read, err)
	}

	if text, err := readAll(strings.NewReader("four"), 4, 0); string(text) != "four" || err != nil {
		t.Errorf("as much as may be read: %q, %v", text, err)
	}

	if _, err := readAll(strings.NewReader("fours"), 4, 9); err == nil {
		t.Error("one byte more is read")
	}
}

// What takes no room on the disk would take 64 GiB of memory: each file that people name is refused
// by its size.
func TestFilesAreReadUpToTheirLimit(t *testing.T) {
	tree(t, "huge.yaml", "folder/huge.yaml")
	for _, name := range []string{"huge.yaml", "folder/huge.yaml"} {
		if err := os.Truncate(name, 1<<36); err != nil {
			t.Fatal(err)
		}
	}

	_, named := config.Find("huge.yaml", nil, ReadConfig)
	_, file := Inputs{Paths: []string{"huge.yaml"}}.Read(atOnce)

	_, folder := Inputs{Paths: []string{"folder"}}.Read(atOnce)
	for want, err := range map[string]error{
		"--config names a file that cannot be read: larger than 4 MiB": named,
		"reading manifests: huge.yaml: larger than 256 MiB":            file,
		"reading manifests: folder/huge.yaml: larger than 256 MiB":     folder,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}

	_, err := ReadConfig("/dev/zero")
	var at *fs.PathError
	if _, none := os.Stat("/dev/zero"); none == nil && (!errors.As(err, &at) || at.Path != "/dev/zero" || at.Err.Error() != "larger than 4 MiB") {
		t.Errorf("a device without end: %v", err)
	}
}
