package xlsx

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"qushu/internal/base/errs"
)

// Excel's own bounds (§18.3.1.73, §18.3.1.4).
const (
	maxRow = 1048576
	maxCol = 16384
)

// maxRowText bounds the text of one row in bytes; Excel's own theoretical 512 MiB is nobody's data.
const maxRowText = 8 << 20

// maxMerges is how many merged ranges are remembered; all are counted.
const maxMerges = 10_000

// Range is a merged range, 1-based and inclusive.
type Range struct{ Col1, Row1, Col2, Row2 int }

// String gives the range as Excel writes it: B2:C3.
func (r Range) String() string {
	return ColName(r.Col1) + strconv.Itoa(r.Row1) + ":" + ColName(r.Col2) + strconv.Itoa(r.Row2)
}

// ColName gives the letters of 1-based column n.
func ColName(n int) string {
	s := ""
	for ; n > 0; n = (n - 1) / 26 {
		s = string(rune('A'+(n-1)%26)) + s
	}
	return s
}

// Survey is what a pass over a sheet tells before its rows are read.
type Survey struct {
	LastRow int
	Merges  []Range // the first of them
	Merged  int     // how many in all
}

// Survey reads the sheet once from end to end, so that a damaged one is refused before any of its rows is used,
// and finds the merged ranges, which stand behind the rows (§18.3.1.55).
func (b *Book) Survey(sheet int) (Survey, error) {
	var out Survey
	err := b.part(b.Sheets[sheet].path, 0, func(s *scanner, t token) error {
		switch n := string(s.name); {
		case t != start:
		case n == "row":
			out.LastRow++
			if v := s.attr("r"); v != nil {
				var err error
				if out.LastRow, err = strconv.Atoi(string(v)); err != nil || out.LastRow > maxRow {
					return errSyntax
				}
			}
		case n == "mergeCell":
			r, ok := parseRange(string(s.attr("ref")))
			if !ok {
				return errSyntax
			}
			if out.Merged++; len(out.Merges) < maxMerges {
				out.Merges = append(out.Merges, r)
			}
		}
		return nil
	})
	return out, err
}

func parseRange(ref string) (Range, bool) {
	a, z, two := strings.Cut(ref, ":")
	if !two {
		z = a
	}
	c1, r1, ok1 := parseRef([]byte(a))
	c2, r2, ok2 := parseRef([]byte(z))
	return Range{c1, r1, c2, r2}, ok1 && ok2 && c1 <= c2 && r1 <= r2
}

// parseRef reads "BC23" into column and row.
func parseRef(ref []byte) (col, row int, ok bool) {
	i := 0
	for ; i < len(ref) && i < 4 && ref[i] >= 'A' && ref[i] <= 'Z'; i++ {
		col = col*26 + int(ref[i]-'A') + 1
	}
	for j := i; j < len(ref); j++ {
		if ref[j] < '0' || ref[j] > '9' || row > maxRow {
			return 0, 0, false
		}
		row = row*10 + int(ref[j]-'0')
	}
	return col, row, col > 0 && col <= maxCol && row > 0 && row <= maxRow
}

// Yield takes a row: its number as Excel shows it, the texts of its cells and why it cannot be used. Returning
// false stops the reading.
type Yield func(row int, cells []string, why []errs.Field) bool

// Rows gives the rows that hold anything. Both slices are the receiver's to keep.
func (b *Book) Rows(sheet int, yield Yield) error {
	if err := b.loadStrings(); err != nil {
		return err
	}
	r := rowReader{book: b}
	inData := false
	return b.part(b.Sheets[sheet].path, b.rawCell(), func(s *scanner, t token) error {
		switch n := string(s.name); {
		case n == "sheetData":
			inData = t == start
		case n == "row" && t == start && inData:
			if err := r.read(s); err != nil {
				return err
			}
			if (r.any || len(r.why) > 0) && !yield(r.row, r.cells, r.why) {
				return errStop
			}
		}
		return nil
	})
}

// rawCell is the most bytes of XML the text of one allowed cell can take: each character as a reference.
func (b *Book) rawCell() int { return b.lim.Cell*10 + 1024 }

// rowReader reads one row element after the other.
type rowReader struct {
	book  *Book
	s     *scanner
	row   int
	col   int
	cells []string
	why   []errs.Field
	any   bool
	bytes int
}

func (r *rowReader) read(s *scanner) error {
	n := r.row + 1
	if v := s.attr("r"); v != nil {
		var err error
		if n, err = strconv.Atoi(string(v)); err != nil || n <= r.row || n > maxRow {
			return errSyntax
		}
	}
	width := min(len(r.cells), 64)
	*r = rowReader{book: r.book, s: s, row: n, cells: make([]string, 0, width)}
	for depth := 1; depth > 0; {
		t, err := r.s.next()
		if err != nil {
			return err
		}
		switch {
		case t == eof:
			return errCut
		case t == end:
			depth--
		case string(r.s.name) == "c":
			if err := r.cell(); err != nil {
				return err
			}
		default:
			depth++
		}
	}
	return nil
}

// cell reads a c element, whose start tag is current. §18.3.1.4.
func (r *rowReader) cell() error {
	r.col++
	if ref := r.s.attr("r"); ref != nil {
		col, row, ok := parseRef(ref)
		if !ok || col < r.col || row != r.row {
			return errSyntax
		}
		r.col = col
	}
	style, _ := strconv.Atoi(string(r.s.attr("s")))
	c := rawCell{kind: string(r.s.attr("t"))}
	if err := c.read(r.s, r.book.lim.Cell); err != nil {
		return err
	}
	text, key, err := r.book.value(&c, style)
	if err != nil {
		return err
	}
	if key == "" && (c.over || len(text) > r.book.lim.Cell && utf8.RuneCountInString(text) > r.book.lim.Cell) {
		key, text = "table.cell_long", ""
	}
	r.put(text, key)
	return nil
}

// put stores a cell; what is beyond the limits becomes a reason.
func (r *rowReader) put(text, key string) {
	if text == "" && key == "" {
		return
	}
	if r.any = true; r.col > r.book.lim.Columns {
		if len(r.why) == 0 || r.why[len(r.why)-1].Key != "table.columns" {
			r.fail("table.columns", r.book.lim.Columns)
		}
		return
	}
	if r.bytes += len(text); r.bytes > maxRowText {
		if len(r.why) == 0 || r.why[len(r.why)-1].Key != "table.row_long" {
			r.fail("table.row_long", maxRowText>>20)
		}
		return
	}
	for len(r.cells) < r.col {
		r.cells = append(r.cells, "")
	}
	r.cells[r.col-1] = text
	if key != "" {
		r.fail(key, r.ref(), r.book.lim.Cell, clip(text))
	}
}

// maxReasons is how many reasons one row may give; a row of a thousand broken formulas is explained by the first.
const maxReasons = 20

func (r *rowReader) fail(key string, args ...any) {
	if len(r.why) < maxReasons {
		r.why = append(r.why, errs.Field{Row: r.row, Name: ColName(r.col), Key: key, Args: args})
	}
}

func (r *rowReader) ref() string { return ColName(r.col) + strconv.Itoa(r.row) }

// clip shortens a cell's text for a sentence.
func clip(s string) string {
	if utf8.RuneCountInString(s) > 40 {
		return string([]rune(s)[:40]) + "…"
	}
	return s
}
