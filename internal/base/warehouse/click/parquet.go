package click

import (
	"errors"
	"io"
	"math/big"
	"os"
	"slices"
	"time"

	"github.com/parquet-go/parquet-go"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/internal/snapshot"
)

const (
	// rowGroup is how many rows the writer holds in memory.
	rowGroup = 65_536
	// wideBytes is the length of a wide decimal in a file, two's complement, the highest byte first.
	wideBytes = 16
	// civil is how far the clock of datetimes in a file, which shows +08:00 without saying so, is ahead of UTC.
	civil = 8 * time.Hour
)

// leaf returns the type of a column in a file, as the embedded engine writes it.
func leaf(t warehouse.Type) parquet.Node {
	switch t.Kind {
	case warehouse.KindInteger:
		return parquet.Int(64)
	case warehouse.KindDecimal:
		typ := parquet.FixedLenByteArrayType(wideBytes)
		if t.Precision <= 9 {
			typ = parquet.Int32Type
		} else if small(t) {
			typ = parquet.Int64Type
		}
		return parquet.Decimal(t.Scale, t.Precision, typ)
	case warehouse.KindDate:
		return parquet.Date()
	case warehouse.KindDatetime:
		return parquet.TimestampAdjusted(parquet.Microsecond, false)
	case warehouse.KindBoolean:
		return parquet.Leaf(parquet.BooleanType)
	default:
		return parquet.String()
	}
}

// rowWriter writes the rows of a version to a file.
type rowWriter struct {
	w     *parquet.GenericWriter[any]
	cols  []warehouse.Column
	keyed bool
	at    []int // where the file has the columns, _k first where there is a key
	row   parquet.Row
	n     int
}

func newRowWriter(w io.Writer, cols []warehouse.Column) *rowWriter {
	out := &rowWriter{cols: cols, keyed: len(warehouse.KeyColumns(cols)) > 0}
	names := snapshot.Columns(cols)
	group := parquet.Group{}
	for i, name := range names {
		if at := i - (len(names) - len(cols)); at < 0 {
			group[name] = parquet.Optional(parquet.Int(64))
		} else {
			group[name] = parquet.Optional(leaf(cols[at].Type))
		}
	}
	schema := parquet.NewSchema("version", group)
	out.at = places(schema, names)
	out.row = make(parquet.Row, len(names))
	out.w = parquet.NewGenericWriter[any](w, schema, parquet.Compression(&parquet.Zstd))
	return out
}

// places returns where schema has the columns of names, -1 for one it has not.
func places(schema *parquet.Schema, names []string) []int {
	out := make([]int, len(names))
	for i, name := range names {
		out[i] = slices.IndexFunc(schema.Columns(), func(path []string) bool { return len(path) == 1 && path[0] == name })
	}
	return out
}

func (w *rowWriter) write(key int64, values []any) error {
	first := 0
	if w.keyed {
		first = 1
		w.row[w.at[0]] = parquet.Int64Value(key).Level(0, 1, w.at[0])
	}
	for i, v := range values {
		at := w.at[first+i]
		if v == nil {
			w.row[at] = parquet.NullValue().Level(0, 0, at)
		} else {
			w.row[at] = stored(w.cols[i].Type, v).Level(0, 1, at)
		}
	}
	if _, err := w.w.WriteRows([]parquet.Row{w.row}); err != nil {
		return err
	}
	if w.n++; w.n%rowGroup == 0 {
		return w.w.Flush()
	}
	return nil
}

func (w *rowWriter) close() error { return w.w.Close() }

// stored returns v, of type t and not nil, as a file holds it.
func stored(t warehouse.Type, v any) parquet.Value {
	switch v := v.(type) {
	case int64:
		return parquet.Int64Value(v)
	case warehouse.Decimal:
		n, _ := v.Unscaled()
		switch {
		case t.Precision <= 9:
			return parquet.Int32Value(int32(n.Int64()))
		case small(t):
			return parquet.Int64Value(n.Int64())
		}
		if n.Sign() < 0 {
			n.Add(n, new(big.Int).Lsh(big.NewInt(1), 8*wideBytes))
		}
		return parquet.FixedLenByteArrayValue(n.FillBytes(make([]byte, wideBytes)))
	case warehouse.Date:
		return parquet.Int32Value(days(v))
	case time.Time:
		return parquet.Int64Value(v.Add(civil).UnixMicro())
	case bool:
		return parquet.BooleanValue(v)
	}
	s, _ := v.(string)
	return parquet.ByteArrayValue([]byte(s))
}

// readRows reads a version's file row by row; values are used again. A file that is not what cols say is Invalid.
func readRows(name string, cols []warehouse.Column, row func(key int64, values []any) error) (err error) {
	bad := func(cause error) error { return errs.Wrap(cause, errs.Invalid, "warehouse.bad_snapshot", name) }
	defer func() {
		if r := recover(); r != nil { // the library panics over some damaged files
			err = bad(nil)
		}
	}()
	in, err := os.Open(name)
	if err != nil {
		return bad(err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return bad(err)
	}
	f, err := parquet.OpenFile(in, info.Size(), &parquet.FileConfig{SkipPageIndex: true, SkipBloomFilters: true, ReadBufferSize: 256 << 10})
	if err != nil {
		return bad(err)
	}
	names := snapshot.Columns(cols)
	at := places(f.Schema(), names)
	if slices.Contains(at, -1) {
		return bad(nil)
	}
	first := len(names) - len(cols)
	values := make([]any, len(cols))
	buf := make([]parquet.Row, 256)
	for _, g := range f.RowGroups() {
		err := groupRows(g, buf, func(r parquet.Row) error {
			if len(r) < len(names) {
				return bad(nil)
			}
			for i, c := range cols {
				var ok bool
				if values[i], ok = loaded(c.Type, r[at[first+i]]); !ok || values[i] == nil && c.Key {
					return bad(nil)
				}
			}
			key := int64(0)
			if first > 0 {
				key = r[at[0]].Int64()
			}
			return row(key, values)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func groupRows(g parquet.RowGroup, buf []parquet.Row, each func(parquet.Row) error) error {
	rows := g.Rows()
	defer rows.Close()
	for {
		n, err := rows.ReadRows(buf)
		for _, r := range buf[:n] {
			if err := each(r); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil || n == 0 {
			return errors.Join(err, io.ErrUnexpectedEOF)
		}
	}
}

// loaded is the inverse of stored. ok is false when the value is not of type t.
func loaded(t warehouse.Type, v parquet.Value) (out any, ok bool) {
	if v.IsNull() {
		return nil, true
	}
	switch kind := v.Kind(); {
	case t.Kind == warehouse.KindBoolean:
		return v.Boolean(), kind == parquet.Boolean
	case t.Kind == warehouse.KindText:
		return string(v.ByteArray()), kind == parquet.ByteArray
	case t.Kind == warehouse.KindDate:
		return warehouse.Date(time.Unix(int64(v.Int32())*86400, 0).UTC().Format(time.DateOnly)), kind == parquet.Int32
	case t.Kind == warehouse.KindDecimal && kind == parquet.FixedLenByteArray:
		n := new(big.Int).SetBytes(v.ByteArray())
		if b := v.ByteArray(); len(b) > 0 && b[0]&0x80 != 0 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
		return warehouse.FromUnscaled(n, t.Scale), true
	case t.Kind == warehouse.KindDecimal && kind == parquet.Int32:
		return warehouse.FromUnscaled(big.NewInt(int64(v.Int32())), t.Scale), true
	case kind != parquet.Int64:
		return nil, false
	case t.Kind == warehouse.KindDecimal:
		return warehouse.FromUnscaled(big.NewInt(v.Int64()), t.Scale), true
	case t.Kind == warehouse.KindDatetime:
		return time.UnixMicro(v.Int64()).Add(-civil).In(warehouse.Zone()), true
	}
	return v.Int64(), true
}
