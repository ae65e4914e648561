package warehouse

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"time"

	"qushu/internal/base/errs"
)

// Feed checks rows on their way into an engine, numbers them and sums them up. Engines use it; callers need not.
type Feed struct {
	cols  []Column
	key   []int
	sum   hash.Hash
	row   []any
	buf   []byte
	rows  int64
	bytes int64
	line  int64
}

// NewFeed returns a Feed for rows of spec, which has been checked.
func NewFeed(spec Spec) *Feed {
	f := &Feed{cols: spec.Columns, key: KeyColumns(spec.Columns), sum: sha256.New(), row: make([]any, len(spec.Columns))}
	for _, c := range spec.Columns {
		fmt.Fprintf(f.sum, "%s %s %t\n", c.Name, c.Type, c.Key)
	}
	return f
}

// Take checks one row and returns its line, the hash of its key (0 without one) and its values as the types keep them,
// in a slice used again for the next row. A wrong row is Invalid, with the line and the column.
func (f *Feed) Take(r Row) (line, key int64, values []any, err error) {
	switch {
	case r.Line == 0:
		f.line++
	case r.Line > f.line:
		f.line = r.Line
	default:
		return 0, 0, nil, fmt.Errorf("warehouse: line %d comes after line %d", r.Line, f.line)
	}
	if len(r.Values) != len(f.cols) {
		return 0, 0, nil, errs.New(errs.Invalid, "warehouse.bad_row", f.line).
			With(errs.Field{Row: int(f.line), Key: "warehouse.width", Args: []any{len(r.Values), len(f.cols)}})
	}
	f.buf = f.buf[:0]
	for i, c := range f.cols {
		v, err := c.Type.Coerce(r.Values[i])
		if err == nil && c.Key && (v == nil || v == "") {
			err = errs.New(errs.Invalid, "warehouse.key_empty")
		}
		if e, ok := errors.AsType[*errs.Error](err); ok {
			return 0, 0, nil, errs.New(errs.Invalid, "warehouse.bad_row", f.line).
				With(errs.Field{Row: int(f.line), Name: c.Name, Key: e.Key, Args: e.Args})
		}
		f.row[i] = v
		before := len(f.buf)
		f.buf = appendValue(f.buf, v)
		if s, ok := v.(string); ok {
			before = len(f.buf) - 1 - len(s) // a text's own length, without what appendValue adds
		}
		f.bytes += int64(len(f.buf) - 1 - before)
	}
	f.sum.Write(f.buf)
	f.rows++
	if len(f.key) > 0 {
		f.buf = f.buf[:0]
		for _, i := range f.key {
			f.buf = appendValue(f.buf, f.row[i])
		}
		key = fnv1a(f.buf)
	}
	return f.line, key, f.row, nil
}

// Version fills in the figures of the rows taken; left is how many of them were left out as duplicates.
func (f *Feed) Version(id string, spec Spec, left int64, made time.Time) Version {
	return Version{ID: id, Table: spec.Table, Columns: append([]Column(nil), spec.Columns...), Rows: f.rows - left,
		Bytes: f.bytes, Hash: hex.EncodeToString(f.sum.Sum(nil)), Made: made.UTC().Truncate(time.Microsecond)}
}

// KeyHash returns the 64-bit integer tables are clustered by: FNV-1a of the key's values. Stored in tables, so it must
// never change.
func KeyHash(key []any) int64 {
	var b []byte
	for _, v := range key {
		b = appendValue(b, v)
	}
	return fnv1a(b)
}

func fnv1a(b []byte) int64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return int64(h)
}

// appendValue writes v so that two different rows never give the same bytes: texts carry their length, the rest an end.
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, 0)
	case string:
		b = strconv.AppendInt(b, int64(len(v)), 10)
		b = append(b, ':')
		return append(b, v...)
	case int64:
		b = strconv.AppendInt(b, v, 10)
	case Decimal:
		b = append(b, v...)
	case Date:
		b = append(b, v...)
	case time.Time:
		b = strconv.AppendInt(b, v.UnixMicro(), 10)
	case bool:
		b = strconv.AppendBool(b, v)
	}
	return append(b, ';')
}

// Duplicates is the error of a load that met keys twice under Reject: Invalid, one field a listed row.
func Duplicates(count int64, listed []Repeat) error {
	fields := make([]errs.Field, len(listed))
	for i, r := range listed {
		fields[i] = errs.Field{Row: int(r.Line), Key: "warehouse.duplicate_of", Args: []any{r.First}}
	}
	return errs.New(errs.Invalid, "warehouse.duplicate_keys", count).With(fields...)
}

// Listing returns how many duplicates to list.
func (s Spec) Listing() int {
	if s.ListAtMost > 0 {
		return s.ListAtMost
	}
	return 100
}
