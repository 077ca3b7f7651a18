// Package quiet silences the logger that cfssl's packages share. They write to standard error on
// their own, and only a global variable stops them; standard error belongs to the program.
package quiet

import (
	"sync"

	"github.com/cloudflare/cfssl/log"
)

// CFSSL turns off the logging of cfssl's packages. Call it before any call of theirs: it writes the
// level once, and orders that write before every use.
func CFSSL() { once() }

// once is global because the level is: cfssl's packages read it without a lock.
var once = sync.OnceFunc(func() { log.Level = log.LevelFatal + 1 })
