//go:build !windows

package pki

import (
	"errors"
	"os"
	"syscall"
)

// tryLock locks a folder, unless another run has. The lock ends with the process that holds it, however that ends. Where the file system knows no
// locks nothing keeps runs apart.
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
