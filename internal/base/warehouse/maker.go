package warehouse

import (
	"context"
	"time"
)

// Maker is a Reader that makes versions of what it is asked: the answer is worked out and kept inside the engine, no row
// of it passes through the program.
type Maker interface {
	Reader
	// Shape tells which columns the answer of a reading has when its tables have these, one list for each of its tables
	// in order. Nothing is read: the tables are empty.
	Shape(ctx context.Context, r *Reading, tables [][]Column, now time.Time) ([]Column, error)
	// Trace tells where the columns of the answer come from, when its tables have columns of these names in order.
	Trace(r *Reading, tables [][]string) (*Trace, error)
	// Make answers a reading without parameters into a new version, whole or not at all, as Load does. The columns of
	// spec are those of the answer in order, of the types Shape gives. More than l.Rows rows are Invalid, beyond l.Time
	// or the memory readers have it is Busy.
	Make(ctx context.Context, spec Spec, r *Reading, faces []Face, l Limits) (Loaded, error)
}

// How says what became of the values of a column.
type How string

// The ways, from less to more.
const (
	Copied     How = "copy"      // they are given as they are
	Derived    How = "derived"   // each is worked out of values of its row, or of rows joined to it
	Aggregated How = "aggregate" // each is worked out of values of many rows
)

// Origin is a column an answer was made of.
type Origin struct {
	Table  int    // place in Reading.Tables
	Column string // as the table calls it
}

// Output is one column of an answer with what it was made of.
type Output struct {
	Name string // "" where only the engine knows what it calls it
	How  How
	From []Origin // sorted; none for what stands in the text itself
}

// Trace is where an answer comes from. Conditions are the columns that decide which rows there are and how they are
// grouped: those of joins, filters and groups, and of orders before a limit.
type Trace struct {
	Outputs    []Output
	Conditions []Origin // sorted
}
