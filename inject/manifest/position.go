package manifest

import "fmt"

// Position is a place in a file that a user can go to. Line and Column count from 1; a column
// counts characters, not bytes.
type Position struct {
	File         string
	Line, Column int
}

// String returns file:line:column, the form that editors and compilers use.
func (p Position) String() string {
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}
