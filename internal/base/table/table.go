// Package table streams tables in and out: CSV in the encodings Chinese offices use, XLSX, and in only: JSON and Parquet. A file is recognised
// by its content, read in memory bounded by Limits whatever its size, and every row that cannot be used comes with
// its number as Excel shows it and the reason.
//
//	r, err := table.OpenFile(path, "人员.xlsx", table.Limits{})
//	head, err := r.Head(50)                      // which row is the header, sample rows, what is wrong with it
//	cols := table.Guess(head.Names, head.Samples) // for the user to correct
//	for row, err := range r.Rows(head) { … cols[i].Parse(row.Cells[i]) … }
package table

import (
	"bytes"
	"embed"
	"errors"
	"io"
	"iter"
	"os"
	"path"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/table/internal/xlsx"
)

// Text holds this package's messages in every language of the interface.
//
//go:embed text/*.json
var Text embed.FS

// Limits bound what a file may cost; zero fields take the default, MaxBytes and MaxRows are unlimited when zero.
type Limits struct {
	MaxBytes   int64  // size of the file
	MaxRows    int64  // rows with data
	MaxColumns int    // 2000
	MaxCell    int    // characters of one cell: 32767, Excel's own
	MaxUnzip   int64  // bytes an XLSX unpacks to: 2 GiB
	MaxRatio   int    // unpacked : packed of one large part of an XLSX: 200
	MaxEntries int    // parts of an XLSX: 10000
	TempDir    string // where large string tables are spilled, "" for the system's
}

func (l Limits) withDefaults() Limits {
	if l.MaxColumns <= 0 {
		l.MaxColumns = 2000
	}
	if l.MaxCell <= 0 {
		l.MaxCell = maxExcelCell
	}
	if l.MaxUnzip <= 0 {
		l.MaxUnzip = 2 << 30
	}
	if l.MaxRatio <= 0 {
		l.MaxRatio = 200
	}
	if l.MaxEntries <= 0 {
		l.MaxEntries = 10_000
	}
	return l
}

// Format is a kind of file.
type Format string

// The formats. JSON and Parquet are read, not written; their names stand in row 1, as it were.
const (
	CSV     Format = "csv" // with any delimiter
	XLSX    Format = "xlsx"
	JSON    Format = "json" // an array of objects, or one object after another
	Parquet Format = "parquet"
)

// Sheet is one worksheet of a workbook.
type Sheet struct {
	Name   string
	Hidden bool
}

// Row is one row. Number counts from 1 as Excel shows it. A row with Reasons must not be used; its Cells are then
// what could be read of it, for the list of rejected rows.
type Row struct {
	Number  int
	Cells   []string
	Reasons []errs.Field
}

// source is a table of either format; it may be read any number of times. It yields the rows that hold anything.
type source interface {
	rows(yield xlsx.Yield) error
	close() error
}

// Reader is an open table. It is not safe for concurrent use.
type Reader struct {
	lim    Limits
	format Format
	src    source
	csv    *csvSource  // when CSV
	book   *xlsxSource // when XLSX
	file   *os.File    // when opened by path
}

// OpenFile is Open on a file; the Reader's Close closes it.
func OpenFile(file, name string, lim Limits) (*Reader, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, readFailed(err)
	}
	st, err := f.Stat()
	if err == nil {
		var r *Reader
		if r, err = Open(f, st.Size(), name, lim); err == nil {
			r.file = f
			return r, nil
		}
	}
	f.Close()
	return nil, err
}

// Open recognises the table in src by its content; name is the file's name as the user knows it and only serves
// to word a refusal. Of a workbook the first visible sheet with rows is chosen; see Use. Errors: Invalid when it is no table or
// damaged, TooLarge when over a limit.
func Open(src io.ReaderAt, size int64, name string, lim Limits) (*Reader, error) {
	lim = lim.withDefaults()
	if size == 0 {
		return nil, errs.New(errs.Invalid, "table.empty")
	}
	if lim.MaxBytes > 0 && size > lim.MaxBytes {
		return nil, errs.New(errs.TooLarge, "table.too_big", (size+1<<20-1)>>20, lim.MaxBytes>>20)
	}
	begin := make([]byte, min(size, 4096))
	if _, err := src.ReadAt(begin, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, readFailed(err)
	}
	r := &Reader{lim: lim}
	switch {
	case bytes.HasPrefix(begin, []byte("PK\x03\x04")):
		book, err := openXLSX(src, size, lim)
		if err != nil {
			return nil, err
		}
		r.format, r.src, r.book = XLSX, book, book
	case bytes.HasPrefix(begin, []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")):
		return nil, oleKind(src, size)
	case bytes.HasPrefix(begin, []byte("PAR1")):
		p, err := openParquet(src, size, lim)
		if err != nil {
			return nil, err
		}
		r.format, r.src = Parquet, p
	case looksJSON(begin):
		j, err := openJSON(src, size, lim)
		if err != nil {
			return nil, err
		}
		r.format, r.src = JSON, j
	default:
		if err := refuseOthers(begin, name); err != nil {
			return nil, err
		}
		text, err := openCSV(src, size, lim)
		if err != nil {
			return nil, err
		}
		r.format, r.src, r.csv = CSV, text, text
	}
	return r, nil
}

// Close removes temporary files and closes what OpenFile opened.
func (r *Reader) Close() error {
	err := r.src.close()
	if r.file != nil {
		err = errors.Join(err, r.file.Close())
	}
	return err
}

// Format tells which kind of file it is.
func (r *Reader) Format() Format { return r.format }

// Encoding names the text encoding: "UTF-8", "UTF-16" or "GB18030"; "" for XLSX and Parquet. Plain ASCII counts as UTF-8 until
// a line says otherwise.
func (r *Reader) Encoding() string {
	if r.format == JSON {
		return "UTF-8"
	}
	if r.csv == nil {
		return ""
	}
	return r.csv.enc.String()
}

// Delimiter is the character between cells of a CSV, 0 for XLSX.
func (r *Reader) Delimiter() byte {
	if r.csv == nil {
		return 0
	}
	return r.csv.delim
}

// Sheets lists the worksheets in the order of their tabs, nil for CSV.
func (r *Reader) Sheets() []Sheet {
	if r.book == nil {
		return nil
	}
	var out []Sheet
	for _, s := range r.book.book.Sheets {
		out = append(out, Sheet{Name: s.Name, Hidden: s.Hidden})
	}
	return out
}

// Sheet is the name of the worksheet in use, "" for CSV.
func (r *Reader) Sheet() string {
	if r.book == nil {
		return ""
	}
	return r.book.book.Sheets[r.book.sheet].Name
}

// Use chooses the worksheet with that name. It is read through once, so a damaged one is refused here.
func (r *Reader) Use(sheet string) error {
	if r.book != nil {
		for i, s := range r.book.book.Sheets {
			if s.Name == sheet {
				return r.book.use(i)
			}
		}
	}
	return errs.New(errs.Invalid, "table.no_sheet", sheet)
}

// Rows gives the rows below the header, blank ones left out, each with exactly as many cells as the header. A row
// that cannot be used is given with its reasons and the reading goes on; an error ends it: the file is damaged,
// over MaxRows, or cannot be read any more.
func (r *Reader) Rows(h Head) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		var n int64
		var over error
		err := r.src.rows(func(number int, cells []string, why []errs.Field) bool {
			if number <= h.Last || blank(cells) && len(why) == 0 {
				return true
			}
			if n++; r.lim.MaxRows > 0 && n > r.lim.MaxRows {
				over = errs.New(errs.TooLarge, "table.rows", r.lim.MaxRows)
				return false
			}
			return yield(r.fit(h, number, cells, why), nil)
		})
		if over != nil {
			err = over
		}
		if err != nil {
			yield(Row{}, err)
		}
	}
}

// fit gives a row the width of the header. Too many cells, or in a CSV too few, mean that a delimiter or a line
// break stands inside a cell, and then every cell after it is in the wrong column.
func (r *Reader) fit(h Head, number int, cells []string, why []errs.Field) Row {
	for i, w := range why {
		if c := colNumber(w.Name); c > 0 && c <= len(h.Names) {
			why[i].Name = h.Names[c-1]
		}
	}
	width := len(h.Names)
	switch {
	case len(cells) > width && !blank(cells[width:]):
		why = append(why, errs.Field{Row: number, Key: "table.row_wide", Args: []any{lastFilled(cells), width}})
	case len(cells) < width && r.format == CSV:
		why = append(why, errs.Field{Row: number, Key: "table.row_narrow", Args: []any{len(cells), width}})
	}
	for len(cells) < width {
		cells = append(cells, "")
	}
	return Row{Number: number, Cells: cells[:width:width], Reasons: why}
}

// blank reports whether no cell holds anything but white space.
func blank(cells []string) bool { return lastFilled(cells) == 0 }

// lastFilled is the 1-based place of the last cell that is not blank, 0 when all are.
func lastFilled(cells []string) int {
	for i := len(cells); i > 0; i-- {
		if strings.TrimSpace(cells[i-1]) != "" {
			return i
		}
	}
	return 0
}

// colNumber is the inverse of xlsx.ColName, 0 when s is no column's letters.
func colNumber(s string) int {
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] < 'A' || s[i] > 'Z' || n > 1<<20 {
			return 0
		}
		n = n*26 + int(s[i]-'A') + 1
	}
	return n
}

func readFailed(err error) error { return errs.Wrap(err, errs.Internal, "table.read_failed") }

// extension is the file name's ending in lower case without the point.
func extension(name string) string {
	return strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
}
