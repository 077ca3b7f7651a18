package files

import (
	"os"
	"testing"
)

// A file that is added to keeps the text of others, in front of the run's and behind it. The run's
// second text takes the place of its first.
func TestAppended(t *testing.T) {
	tree(t, "summary")
	holds := func(want string) {
		t.Helper()
		if got, err := os.ReadFile("summary"); string(got) != want || err != nil {
			t.Fatalf("the file holds %q, want %q: %v", got, want, err)
		}
	}

	write := func(f File, text string) {
		t.Helper()
		if err := f.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}

	f, err := Appended("summary")
	if err != nil {
		t.Fatal(err)
	}

	holds("text of summary")
	write(f, "\nfirst")
	holds("text of summary\nfirst")
	write(f, "\nit failed")
	holds("text of summary\nit failed")

	other, err := Appended("summary")
	if err != nil {
		t.Fatal(err)
	}

	write(other, "\nother")
	write(f, "\nagain")
	holds("text of summary\nit failed\nother\nagain")
}

// A summary that cannot be added to is refused before the run does anything.
func TestAppendedIsRegular(t *testing.T) {
	tree(t, "directory/a")
	for _, path := range []string{"directory", "/dev/null", "none/summary"} {
		if _, err := Appended(path); err == nil {
			t.Errorf("%s is accepted", path)
		}
	}
}
