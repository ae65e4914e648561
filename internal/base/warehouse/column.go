package warehouse

import (
	"fmt"
	"strings"
	"unicode"

	"qushu/internal/base/errs"
)

// Limits that keep a hostile spreadsheet from becoming a hostile table.
const (
	MaxColumns = 1000 // columns of a table
	MaxName    = 64   // characters of a column name
	MaxTable   = 200  // characters of a table name
)

// Kind is what a column holds.
type Kind string

// The kinds, with the Go type of their values. NULL is nil in all of them.
const (
	KindText     Kind = "text"     // string, valid UTF-8
	KindInteger  Kind = "integer"  // int64
	KindDecimal  Kind = "decimal"  // Decimal
	KindDate     Kind = "date"     // Date
	KindDatetime Kind = "datetime" // time.Time, in microseconds
	KindBoolean  Kind = "boolean"  // bool
)

// Type is the type of a column. Precision and Scale are for decimals: digits in all (1–38) and after the point.
type Type struct {
	Kind             Kind
	Precision, Scale int
}

// DecimalType returns decimal(precision,scale).
func DecimalType(precision, scale int) Type { return Type{KindDecimal, precision, scale} }

// String gives the type as text: "integer", "decimal(18,2)".
func (t Type) String() string {
	if t.Kind == KindDecimal {
		return fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
	}
	return string(t.Kind)
}

// Check returns Invalid unless t is one of the types.
func (t Type) Check() error {
	switch t.Kind {
	case KindText, KindInteger, KindDate, KindDatetime, KindBoolean:
		if t.Precision == 0 && t.Scale == 0 {
			return nil
		}
	case KindDecimal:
		if t.Precision >= 1 && t.Precision <= 38 && t.Scale >= 0 && t.Scale <= t.Precision {
			return nil
		}
	}
	return errs.New(errs.Invalid, "warehouse.bad_type", t.String())
}

// MarshalText implements encoding.TextMarshaler.
func (t Type) MarshalText() ([]byte, error) { return []byte(t.String()), t.Check() }

// UnmarshalText implements encoding.TextUnmarshaler. Text that is no type is Invalid.
func (t *Type) UnmarshalText(b []byte) error {
	got := Type{Kind: Kind(b)}
	if strings.HasPrefix(string(b), "decimal") {
		got.Kind = KindDecimal
		if n, err := fmt.Sscanf(string(b), "decimal(%d,%d)", &got.Precision, &got.Scale); n != 2 || err != nil || got.String() != string(b) {
			return errs.New(errs.Invalid, "warehouse.bad_type", string(b))
		}
	}
	if err := got.Check(); err != nil {
		return err
	}
	*t = got
	return nil
}

// Keep is how the values of a text column lie on disk.
type Keep string

// The ways. What is sealed or hashed can be compared for equality, counted and grouped by, and nothing else; see sealed.
const (
	Plain  Keep = ""
	Sealed Keep = "sealed" // encrypted, and readable again
	Hashed Keep = "hashed" // a keyed hash, and never readable again
)

// Column is one column of a table.
type Column struct {
	Name  string `json:"name"`            // an identifier, see ValidName
	Type  Type   `json:"type"`            //
	Title string `json:"title,omitempty"` // what people call it, "" for the name
	Key   bool   `json:"key,omitempty"`   // part of the key rows are looked up by
	Keep  Keep   `json:"keep,omitempty"`  // how its values lie on disk
	Realm string `json:"realm,omitempty"` // what it identifies, unless plain: columns of one realm can be compared
	Under string `json:"under,omitempty"` // id of the key it is kept under; in a Spec "" for the current one
}

// Comparable reports whether values of two columns lie on disk alike, so that an engine may compare them. A key that is not
// known yet fits any.
func (c Column) Comparable(o Column) bool {
	return c.Keep == o.Keep && (c.Keep == Plain || c.Realm == o.Realm && (c.Under == o.Under || c.Under == "" || o.Under == ""))
}

// Called is what people call the column.
func (c Column) Called() string {
	if c.Title == "" {
		return c.Name
	}
	return c.Title
}

// ValidName reports whether s may name a column: a letter of any script or an underscore, then letters, digits and
// underscores, at most MaxName characters. Names differ by more than upper and lower case within a table.
func ValidName(s string) bool {
	n := 0
	for _, r := range s {
		letter := r == '_' || unicode.IsLetter(r)
		if !letter && (n == 0 || !unicode.IsDigit(r) && !unicode.IsMark(r)) || r == unicode.ReplacementChar {
			return false
		}
		n++
	}
	return n > 0 && n <= MaxName
}

// Check returns Invalid when the table's name, a column or the key is wrong, naming it.
func (s Spec) Check() error {
	for part := range strings.SplitSeq(s.Table, ".") {
		if !ValidName(part) || len([]rune(s.Table)) > MaxTable {
			return errs.New(errs.Invalid, "warehouse.bad_table", s.Table)
		}
	}
	if len(s.Columns) == 0 {
		return errs.New(errs.Invalid, "warehouse.no_columns")
	}
	if len(s.Columns) > MaxColumns {
		return errs.New(errs.Invalid, "warehouse.too_many_columns", len(s.Columns), MaxColumns)
	}
	switch s.OnDuplicate {
	case Reject, KeepFirst, KeepAll:
	default:
		return fmt.Errorf("warehouse: no such treatment of duplicates: %q", s.OnDuplicate)
	}
	seen := map[string]string{}
	for _, c := range s.Columns {
		if !ValidName(c.Name) {
			return errs.New(errs.Invalid, "warehouse.bad_column", c.Name)
		}
		folded := strings.ToLower(c.Name)
		if other, twice := seen[folded]; twice {
			return errs.New(errs.Invalid, "warehouse.column_twice", other, c.Name)
		}
		seen[folded] = c.Name
		if err := c.Type.Check(); err != nil {
			return err
		}
		if c.Keep != Plain && (c.Type.Kind != KindText || c.Realm == "" || c.Keep != Sealed && c.Keep != Hashed) {
			return errs.New(errs.Invalid, "warehouse.bad_keep", c.Called())
		}
	}
	return nil
}

// KeyColumns returns the positions of the key's columns, in order.
func KeyColumns(cols []Column) []int {
	var out []int
	for i, c := range cols {
		if c.Key {
			out = append(out, i)
		}
	}
	return out
}
