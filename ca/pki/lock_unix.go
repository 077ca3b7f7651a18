//go:build !windows

package pki

import (
	"errors"
	"os"
	"syscall"
)

// tryLock locks a directory, unless another run has locked it. The system releases the lock when
// the process ends, however it ends. On a file system without such locks (NFS) runs are not kept
// apart.
func tryLock(dir string) (unlock func(), ok bool, err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, false, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, false, f.Close()
	}

	return func() { _ = f.Close() }, true, nil
}
