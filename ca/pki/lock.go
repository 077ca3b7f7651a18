package pki

import "time"

// BusyError is a directory that another run is changing.
type BusyError struct{ Path string }

func (e *BusyError) Error() string { return "another run is changing the CA of " + e.Path }

// lockWait limits the wait for another run, which takes less; lockTurn is the time between tries.
const (
	lockWait = 2 * time.Second
	lockTurn = 20 * time.Millisecond
)

// lock keeps other runs out of a directory until unlock is called.
//
// Errors: *BusyError; a directory that does not exist.
func lock(dir string) (unlock func(), err error) {
	for end := time.Now().Add(lockWait); ; time.Sleep(lockTurn) {
		unlock, ok, err := tryLock(dir)
		if err != nil || ok {
			return unlock, err
		}
		if time.Now().After(end) {
			return nil, &BusyError{dir}
		}
	}
}
