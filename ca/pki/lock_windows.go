package pki

import (
	"errors"
	"path/filepath"
	"syscall"
)

// What Windows knows of files that the package syscall does not name (winbase.h, winerror.h).
const (
	deleteOnClose    = 0x04000000
	sharingViolation = syscall.Errno(32)
)

// tryLock locks a folder, unless another run has: by a file that only one process can have open, and that goes with the process that has.
func tryLock(dir string) (unlock func(), ok bool, err error) {
	name, err := syscall.UTF16PtrFromString(filepath.Join(dir, ".tykmesh-lock"))
	if err != nil {
		return nil, false, err
	}
	handle, err := syscall.CreateFile(name, syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL|deleteOnClose, 0)
	switch {
	case errors.Is(err, sharingViolation), errors.Is(err, syscall.ERROR_ACCESS_DENIED): // the latter while it goes
		return nil, false, nil
	case err != nil:
		return nil, false, err
	}
	return func() { _ = syscall.CloseHandle(handle) }, true, nil
}
