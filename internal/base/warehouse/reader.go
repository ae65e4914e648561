package warehouse

import (
	"context"
	"time"
)

// Limits of what a reader may write.
const (
	MaxSQL     = 20_000 // bytes of a text
	MaxSources = 16     // tables named in one
)

// Reader is a Store that answers SELECTs written by people. A text is never run: it is read into a tree, every node of
// which is one the engine's package knows and lets through, and what is run is written anew from that tree, with the
// tables in it replaced by the faces the caller gives. Whatever is not known is refused and named.
type Reader interface {
	// Read reads one SELECT. What it may not say is Invalid, with its place in the text.
	Read(ctx context.Context, text string) (*Reading, error)
	// Ask answers a reading from faces, one for each of its tables in order. Beyond l.Rows the answer is cut; beyond
	// l.Time it is Busy, and so beyond the memory readers have.
	Ask(ctx context.Context, r *Reading, faces []Face, args map[string]any, l Limits) (*Answer, error)
	// Bind readies a reading for tables with these columns, one list for each of its tables in order, of which some are kept
	// otherwise than plain: what it compares with them is put through seal, parameters by args. It returns what is then to be
	// asked, and how each column of the answer is kept; both are nil when nothing it touches is. Whatever needs to see the values
	// of such a column, or compares it with what is kept otherwise, is Invalid, by the name of the column and its place.
	Bind(r *Reading, tables [][]Column, args map[string]any, seal func(c Column, value string) (string, error)) (*Reading, []Column, error)
}

// Reading is a text that was read.
type Reading struct {
	Tables []Named  // tables it names, each once, in the order met
	Params []string // names of its parameters, "$name" in the text
	Tree   any      // the engine's own
}

// Named is a table a text names. One table in two of its versions is named twice.
type Named struct {
	Name    string   // as written
	At      At       // zero for the version that serves
	Columns []string // every name that may be one of its columns
	All     bool     // "*" over it stands somewhere
	Except  []string // what every such "*" leaves out
}

// At is which version of a table is meant: AT (VERSION => n), by its number, or AT (TIMESTAMP => t), the one that served then.
type At struct {
	Number int64
	Time   time.Time
}

// Zero reports whether nothing was said, and the version that serves is meant.
func (a At) Zero() bool { return a.Number == 0 && a.Time.IsZero() }

// Face is what a reader sees of a version: some columns, and some rows.
type Face struct {
	Version string
	Columns []string // names of its columns, in the order "*" gives them
	Where   Cond     // zero for every row
}

// Limits bound one answer.
type Limits struct {
	Rows int           // most rows, 1 at least
	Time time.Duration // how long it may take, 0 for as long as ctx
	Now  time.Time     // what current_date and its like are
}

// Answer is what a text came to.
type Answer struct {
	Columns []Column
	Rows    [][]any // as their types keep them
	More    bool    // there are rows beyond the limit
}
