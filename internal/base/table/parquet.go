package table

import (
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"qushu/internal/base/errs"
	"qushu/internal/base/table/internal/xlsx"
)

// parquetSource is an Apache Parquet file. Its columns are the leaves of its schema; a list of values stands in its cell
// as JSON.
type parquetSource struct {
	file   *parquet.File
	lim    Limits
	names  []string
	leaves []*parquet.Column
}

// parquetBatch is how many rows are decoded at once.
const parquetBatch = 256

// guarded turns what the library does about a damaged file, which is to panic now and then, into words.
func guarded(fn func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = errs.New(errs.Invalid, "table.parquet_broken")
		}
	}()
	return fn()
}

func openParquet(src io.ReaderAt, size int64, lim Limits) (*parquetSource, error) {
	p := &parquetSource{lim: lim}
	if err := checkFooter(src, size); err != nil {
		return nil, err
	}
	err := guarded(func() error {
		f, err := parquet.OpenFile(src, size, &parquet.FileConfig{SkipPageIndex: true, SkipBloomFilters: true, ReadBufferSize: 256 << 10})
		if err != nil {
			return errs.Wrap(err, errs.Invalid, "table.parquet_broken")
		}
		p.file = f
		var unpacked int64
		for _, g := range f.Metadata().RowGroups {
			for _, c := range g.Columns {
				n := c.MetaData.TotalUncompressedSize
				if n < 0 || c.MetaData.TotalCompressedSize < 0 || c.MetaData.TotalCompressedSize > size {
					return errs.New(errs.Invalid, "table.parquet_broken")
				}
				unpacked += n
				if err := checkPages(src, size, &c.MetaData); err != nil {
					return err
				}
			}
		}
		if unpacked > lim.MaxUnzip*8 {
			return errs.New(errs.TooLarge, "table.bomb")
		}
		p.walk(f.Root(), "")
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case len(p.names) == 0:
		return nil, errs.New(errs.Invalid, "table.no_rows")
	case len(p.names) > lim.MaxColumns:
		return nil, errs.New(errs.TooLarge, "table.columns", lim.MaxColumns)
	}
	return p, nil
}

// walk collects the leaves. The wrappers that the format puts around lists (list.element) are not named.
func (p *parquetSource) walk(c *parquet.Column, before string) {
	for _, kid := range c.Columns() {
		name := before + kid.Name()
		if before != "" && (kid.Name() == "list" || kid.Name() == "element" || kid.Name() == "array") {
			name = strings.TrimSuffix(before, ".")
		}
		if kid.Leaf() {
			p.names, p.leaves = append(p.names, name), append(p.leaves, kid)
			continue
		}
		p.walk(kid, name+".")
	}
}

func (p *parquetSource) close() error { return nil }

// rows gives the names as row 1 and the first record as row 2.
func (p *parquetSource) rows(yield xlsx.Yield) error {
	if !yield(1, append([]string(nil), p.names...), nil) {
		return nil
	}
	n := 1
	return guarded(func() error {
		for _, g := range p.file.RowGroups() {
			more, err := p.group(g, &n, yield)
			if err != nil || !more {
				return err
			}
		}
		return nil
	})
}

func (p *parquetSource) group(g parquet.RowGroup, n *int, yield xlsx.Yield) (more bool, err error) {
	rows := g.Rows()
	defer rows.Close()
	buf := make([]parquet.Row, parquetBatch)
	for {
		got, err := rows.ReadRows(buf)
		for _, r := range buf[:got] {
			*n++
			cells, why := p.cells(*n, r)
			if !yield(*n, cells, why) {
				return false, nil
			}
		}
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, errs.Wrap(err, errs.Invalid, "table.parquet_broken")
		}
		if got == 0 {
			return false, errs.New(errs.Invalid, "table.parquet_broken")
		}
	}
}

func (p *parquetSource) cells(n int, r parquet.Row) (cells []string, why []errs.Field) {
	cells = make([]string, len(p.names))
	lists := map[int][]string{}
	for _, v := range r {
		at := v.Column()
		if at < 0 || at >= len(cells) || v.IsNull() {
			continue
		}
		text := parquetText(p.leaves[at], v)
		if p.leaves[at].MaxRepetitionLevel() > 0 {
			lists[at] = append(lists[at], text)
			continue
		}
		cells[at] = text
	}
	for at, l := range lists {
		if b, err := json.Marshal(l); err == nil {
			cells[at] = string(b)
		}
	}
	for i, c := range cells {
		if len(c) > p.lim.MaxCell && utf8.RuneCountInString(c) > p.lim.MaxCell {
			why = append(why, errs.Field{Row: n, Name: p.names[i], Key: "table.cell_long", Args: []any{p.names[i], p.lim.MaxCell}})
			cells[i] = ""
		}
	}
	return cells, why
}

// parquetText writes a value as people write it: LogicalTypes.md of the format.
func parquetText(c *parquet.Column, v parquet.Value) string {
	var logical any
	if l := c.Type().LogicalType(); l != nil {
		logical = l.Value
	}
	switch v.Kind() {
	case parquet.Boolean:
		return strconv.FormatBool(v.Boolean())
	case parquet.Int32, parquet.Int64:
		n := v.Int64()
		if v.Kind() == parquet.Int32 {
			n = int64(v.Int32())
		}
		switch l := logical.(type) {
		case *format.DateType:
			return time.Unix(n*86400, 0).UTC().Format(time.DateOnly)
		case *format.TimestampType:
			return moment(n, l)
		case *format.DecimalType:
			return scaled(big.NewInt(n), int(l.Scale))
		case *format.IntType:
			if !l.IsSigned && v.Kind() == parquet.Int64 {
				return strconv.FormatUint(v.Uint64(), 10)
			}
			if !l.IsSigned {
				return strconv.FormatUint(uint64(v.Uint32()), 10)
			}
		}
		return strconv.FormatInt(n, 10)
	case parquet.Int96: // as Impala and old Spark wrote moments
		i := v.Int96()
		nanos := int64(uint64(i[1])<<32 | uint64(i[0]))
		return civilText(time.Unix((int64(i[2])-2440588)*86400, nanos).In(civil()))
	case parquet.Float:
		return strconv.FormatFloat(float64(v.Float()), 'f', -1, 32)
	case parquet.Double:
		return strconv.FormatFloat(v.Double(), 'f', -1, 64)
	}
	b := v.ByteArray()
	switch l := logical.(type) {
	case *format.DecimalType:
		n := new(big.Int).SetBytes(b)
		if len(b) > 0 && b[0]&0x80 != 0 { // two's complement
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
		return scaled(n, int(l.Scale))
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

func moment(n int64, l *format.TimestampType) string {
	unit := time.Millisecond
	if l.Unit.Value != nil {
		unit = l.Unit.Value.Duration()
	}
	per := int64(time.Second / max(unit, 1))
	at := time.Unix(n/per, n%per*int64(unit)).UTC()
	if l.IsAdjustedToUTC {
		at = at.In(civil())
	}
	return civilText(at)
}

func civilText(at time.Time) string { return at.Format("2006-01-02 15:04:05.999999") }

// scaled writes an integer with its point.
func scaled(n *big.Int, scale int) string {
	if scale <= 0 || scale > 38 {
		return n.String()
	}
	sign, s := "", new(big.Int).Abs(n).String()
	if n.Sign() < 0 {
		sign = "-"
	}
	if len(s) <= scale {
		s = strings.Repeat("0", scale+1-len(s)) + s
	}
	return sign + s[:len(s)-scale] + "." + s[len(s)-scale:]
}
