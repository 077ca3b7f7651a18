package pki

import (
	"errors"
	"path/filepath"
	"syscall"
)

// Constants of Windows that the package syscall lacks (winbase.h, winerror.h).
const (
	deleteOnClose    = 0x04000000
	sharingViolation = syscall.Errno(32)
)

// tryLock locks a directory, unless another run has locked it. The lock is a file that one process
// at a time can have open; Windows deletes it when that process closes it or ends.
func tryLock(dir string) (unlock func(), ok bool, err error) {
	name, err := syscall.UTF16PtrFromString(filepath.Join(dir, ".tykmesh-lock"))
	if err != nil {
		return nil, false, err
	}

	handle, err := syscall.CreateFile(name, syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL|deleteOnClose, 0)
	switch {
	case errors.Is(err, sharingViolation), errors.Is(err, syscall.ERROR_ACCESS_DENIED): // the latter while Windows deletes it
		return nil, false, nil
	case err != nil:
		return nil, false, err
	}

	return func() { _ = syscall.CloseHandle(handle) }, true, nil
}
