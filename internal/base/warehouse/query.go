package warehouse

import (
	"context"

	"qushu/internal/base/errs"
)

// Query is a question as a tree, never as text. Columns are named by their Column.Name; where two sources have the
// name, or a source has an alias, "alias.name" says which.
type Query struct {
	From   string // version id
	As     string // alias of From, "" when nothing is joined
	Join   []Join
	Select []Item // empty: every column of From
	Where  Cond   // zero: every row
	Group  []string
	Order  []Sort // without it the order of rows is the engine's, and may differ from run to run
	Limit  int64  // 0: all
	Offset int64
}

// Join adds the rows of another version that are equal in every pair of On: a column of what stands before, and one of
// the joined version. NULL equals nothing.
type Join struct {
	Version string
	As      string // alias, required
	On      [][2]string
	Outer   bool // keep rows without a partner, with NULLs
}

// Item is one column of the answer: a column, or an aggregate over it.
type Item struct {
	Agg Agg
	Col string // "" only with Count, which then counts rows
	As  string // name in the answer; "" takes Col's name without alias
}

// Agg is an aggregate.
type Agg string

// The aggregates. NULLs are not counted. Sum of integers is an integer, of decimal(p,s) a decimal(38,s); Avg is a
// decimal(38,6) worked out in double precision; Min and Max take every type but boolean.
const (
	Count         Agg = "count"
	CountDistinct Agg = "count_distinct"
	Sum           Agg = "sum"
	Min           Agg = "min"
	Max           Agg = "max"
	Avg           Agg = "avg"
)

// Sort orders the answer by a name in it or, when nothing is grouped, by any column. NULLs come last either way, and
// text sorts by its bytes; what is sealed, by those of the sealed text: an order that stays, and tells nothing.
type Sort struct {
	By   string
	Desc bool
}

// Op is what a condition does.
type Op string

// The operations.
const (
	OpAnd      Op = "and"      // all of Kids; true without any
	OpOr       Op = "or"       // one of Kids; false without any
	OpNot      Op = "not"      // the one kid is false; of NULL neither it nor its opposite holds
	OpEq       Op = "eq"       // Col = Values[0]
	OpNe       Op = "ne"       // Col ≠ Values[0]
	OpLt       Op = "lt"       // Col < Values[0]
	OpLe       Op = "le"       // Col ≤ Values[0]
	OpGt       Op = "gt"       // Col > Values[0]
	OpGe       Op = "ge"       // Col ≥ Values[0]
	OpIn       Op = "in"       // Col is one of Values; false without any
	OpIsNull   Op = "isnull"   // Col is NULL
	OpPrefix   Op = "prefix"   // the text in Col begins with Values[0]; no wildcards, case counts
	OpContains Op = "contains" // the text in Col contains Values[0]; no wildcards, case counts
	OpFrom     Op = "from"     // Col is at Values[0] or after it in the order Sort gives: ge, but of sealed columns too
)

// Cond is a condition on rows. Build it with the functions below.
type Cond struct {
	Op     Op
	Col    string
	Values []any
	Kids   []Cond
}

// And holds when all conds do.
func And(conds ...Cond) Cond { return Cond{Op: OpAnd, Kids: conds} }

// Or holds when one of conds does.
func Or(conds ...Cond) Cond { return Cond{Op: OpOr, Kids: conds} }

// Not holds when c is false; where a NULL decides, neither c nor Not(c) holds.
func Not(c Cond) Cond { return Cond{Op: OpNot, Kids: []Cond{c}} }

// Eq holds when col = v. v is what the column's Type.Coerce takes, and not nil: see IsNull.
func Eq(col string, v any) Cond { return Cond{Op: OpEq, Col: col, Values: []any{v}} }

// Ne holds when col ≠ v.
func Ne(col string, v any) Cond { return Cond{Op: OpNe, Col: col, Values: []any{v}} }

// Lt holds when col < v.
func Lt(col string, v any) Cond { return Cond{Op: OpLt, Col: col, Values: []any{v}} }

// Le holds when col ≤ v.
func Le(col string, v any) Cond { return Cond{Op: OpLe, Col: col, Values: []any{v}} }

// Gt holds when col > v.
func Gt(col string, v any) Cond { return Cond{Op: OpGt, Col: col, Values: []any{v}} }

// Ge holds when col ≥ v.
func Ge(col string, v any) Cond { return Cond{Op: OpGe, Col: col, Values: []any{v}} }

// From holds of rows from v on, when they are sorted by col.
func From(col string, v any) Cond { return Cond{Op: OpFrom, Col: col, Values: []any{v}} }

// In holds when col is one of values; hundreds of thousands are fine.
func In[T any](col string, values ...T) Cond {
	c := Cond{Op: OpIn, Col: col, Values: make([]any, len(values))}
	for i, v := range values {
		c.Values[i] = v
	}
	return c
}

// IsNull holds when col is NULL.
func IsNull(col string) Cond { return Cond{Op: OpIsNull, Col: col} }

// Prefix holds when the text in col begins with s.
func Prefix(col, s string) Cond { return Cond{Op: OpPrefix, Col: col, Values: []any{s}} }

// Contains holds when the text in col contains s.
func Contains(col, s string) Cond { return Cond{Op: OpContains, Col: col, Values: []any{s}} }

// Get returns the rows of a version whose key is exactly key, one value a key column in their order; none is no error.
// This is the question tables are laid out for: about a millisecond at any size.
func Get(ctx context.Context, s Store, version string, key ...any) ([][]any, error) {
	v, err := s.Version(ctx, version)
	if err != nil {
		return nil, err
	}
	cols := KeyColumns(v.Columns)
	if len(cols) == 0 {
		return nil, errs.New(errs.Invalid, "warehouse.no_key", v.Table)
	}
	if len(cols) != len(key) {
		return nil, errs.New(errs.Invalid, "warehouse.key_width", v.Table, len(cols), len(key))
	}
	conds := make([]Cond, len(key))
	for i, c := range cols {
		conds[i] = Eq(v.Columns[c].Name, key[i])
	}
	res, err := s.Query(ctx, Query{From: version, Where: And(conds...)})
	if err != nil {
		return nil, err
	}
	return res.All()
}

// CountRows returns how many rows q's sources and condition give; its other parts are not looked at.
func CountRows(ctx context.Context, s Store, q Query) (int64, error) {
	res, err := s.Query(ctx, Query{From: q.From, As: q.As, Join: q.Join, Where: q.Where, Select: []Item{{Agg: Count, As: "n"}}})
	if err != nil {
		return 0, err
	}
	rows, err := res.All()
	if err != nil {
		return 0, err
	}
	return rows[0][0].(int64), nil
}
