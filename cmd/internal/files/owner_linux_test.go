package files

import (
	"os"
	"syscall"
	"testing"

	"github.com/tykmesh/tykmesh/inject"
)

// A rewritten file keeps its owner, where the user may give files away.
func TestRewriteKeepsOwnerGroupAndMode(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may give files away")
	}

	tree(t, "a.yaml")
	const nobody, group = 65534, 12345
	if err := os.Chown("a.yaml", nobody, group); err != nil {
		t.Fatal(err)
	}

	if err := os.Chmod("a.yaml", 0o640); err != nil {
		t.Fatal(err)
	}

	if err := Rewrite([]inject.File{changed("a.yaml", "text of a.yaml")}); err != nil {
		t.Fatal(err)
	}

	info, err := os.Stat("a.yaml")
	if err != nil {
		t.Fatal(err)
	}

	if s := info.Sys().(*syscall.Stat_t); s.Uid != nobody || s.Gid != group || info.Mode().Perm() != 0o640 {
		t.Errorf("owner %d, group %d, mode %v", s.Uid, s.Gid, info.Mode())
	}
}
