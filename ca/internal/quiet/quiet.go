// Package quiet silences the logger that cfssl's packages share. They write to standard error by
// themselves, at levels that no option of theirs but this global one changes; standard error
// belongs to the program.
package quiet

import (
	"sync"

	"github.com/cloudflare/cfssl/log"
)

// CFSSL turns the logging of cfssl's packages off. Whoever calls into them calls this before: it
// writes the level once and orders that write before every caller's use.
func CFSSL() { once() }

// once is a variable because what it guards is one: the level is global to the process and read
// without a lock.
var once = sync.OnceFunc(func() { log.Level = log.LevelFatal + 1 })
