package table

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"qushu/internal/base/errs"
	"qushu/internal/base/table/internal/xlsx"
)

// Head is what a table's beginning tells: which rows are the header, and what is wrong with it.
type Head struct {
	First, Last int          // rows of the header as Excel shows them; equal unless it takes two rows
	Names       []string     // one per column, trimmed; with two rows parent/child where the child alone is not unique
	Samples     []Row        // the first rows below
	Problems    []errs.Field // what must be settled in the file, or by HeadAt, before rows are loaded
	Notes       []errs.Field // what the user should know: rows skipped, two header rows, merged cells below
}

// Err is nil when the header can be used, otherwise one error carrying its Problems.
func (h Head) Err() error {
	if len(h.Problems) == 0 {
		return nil
	}
	return errs.New(errs.Invalid, "table.header", h.Last).With(h.Problems...)
}

const (
	lookAhead   = 60       // rows looked at to find the header
	maxTop      = 16 << 20 // bytes of text in them
	maxSamples  = 1000
	maxHeadName = 100 // characters; a longer one is a sentence, not a name
)

// Head finds the header among the first rows, skipping titles and recognising two header rows, and reads up to n
// sample rows below it. It fails when the table has no rows; a bad header is no failure, see Head.Err.
func (r *Reader) Head(n int) (Head, error) {
	if r.format == JSON || r.format == Parquet { // the format itself says what is a name
		return r.HeadAt(1, 1, n)
	}
	rows, err := r.top(0, lookAhead)
	if err != nil {
		return Head{}, err
	}
	first, last := r.findHeader(rows)
	h, err := r.HeadAt(rows[first].Number, rows[last].Number, n)
	// Nobody chose this row. Where it holds data, the first record would be lost as names: that is settled first.
	if i := slices.IndexFunc(h.Notes, func(f errs.Field) bool { return f.Key == "table.header_data" }); i >= 0 {
		h.Problems = append(h.Problems, h.Notes[i])
		h.Notes = slices.Delete(h.Notes, i, i+1)
	}
	return h, err
}

// HeadAt takes rows first to last (as Excel shows them, at most two) as the header. One that looks like data is only a note:
// somebody chose it.
func (r *Reader) HeadAt(first, last, n int) (Head, error) {
	n = min(n, maxSamples)
	rows, err := r.top(first, n+2)
	if err != nil {
		return Head{}, err
	}
	h := Head{First: first, Last: last}
	var header [][]string
	for len(rows) > 0 && rows[0].Number <= last {
		header = append(header, rows[0].Cells)
		for _, w := range rows[0].Reasons {
			if w.Key == "table.columns" { // a million columns: say so rather than load the first two thousand
				return Head{}, errs.New(errs.TooLarge, w.Key, w.Args...)
			}
			h.Problems = append(h.Problems, w)
		}
		rows = rows[1:]
	}
	if len(header) == 0 || len(header) > 2 || last < first {
		return Head{}, errs.New(errs.Invalid, "table.header_rows", first, last)
	}
	if r.name(&h, header, rows); len(h.Names) == 0 {
		return Head{}, errs.New(errs.Invalid, "table.header_rows", first, last).With(h.Problems...)
	}
	for _, row := range rows[:min(n, len(rows))] {
		h.Samples = append(h.Samples, r.fit(h, row.Number, row.Cells, row.Reasons))
	}
	return h, nil
}

// top reads up to n rows that hold anything, from row number from on, but not many megabytes of them.
func (r *Reader) top(from, n int) ([]Row, error) {
	var rows []Row
	size := 0
	err := r.src.rows(func(number int, cells []string, why []errs.Field) bool {
		if number >= from && (!blank(cells) || len(why) > 0) {
			rows = append(rows, Row{number, cells, why})
			for _, c := range cells {
				size += len(c)
			}
		}
		return len(rows) < n && size < maxTop
	})
	if err == nil && len(rows) == 0 {
		err = errs.New(errs.Invalid, "table.no_rows")
	}
	return rows, err
}

// findHeader returns the places in rows of the header's first and last row: the first row filled at least 60 % as
// far as the fullest one. Titles and "制表日期" lines above are emptier.
func (r *Reader) findHeader(rows []Row) (first, last int) {
	most := 0
	for _, row := range rows {
		most = max(most, filled(row.Cells))
	}
	for i, row := range rows {
		if filled(row.Cells)*10 >= most*6 {
			first = i
			break
		}
	}
	// A header with gaps is still the header when what follows is data: its gaps are named then, not passed over.
	if up := first - 1; up >= 0 && !nameLike(rows[first].Cells) && nameLike(rows[up].Cells) && rows[up].Number == rows[first].Number-1 && filled(rows[up].Cells)*2 >= filled(rows[first].Cells) {
		first = up
	}
	last = first
	switch {
	case first+1 < len(rows) && r.parentOf(rows[first], rows[first+1], rows[first+2:]):
		last++
	case first > 0 && filled(rows[first-1].Cells) > 1 && rows[first-1].Number == rows[first].Number-1 &&
		nameLike(rows[first-1].Cells) && hasDuplicate(rows[first].Cells):
		first--
	}
	return first, last
}

// parentOf reports whether row a and row b below it are one header: merged cells say so in a workbook; in a CSV,
// b fills gaps of a, leaves gaps where a is filled, reads like names, and the rows below do not.
func (r *Reader) parentOf(a, b Row, below []Row) bool {
	if b.Number != a.Number+1 || !nameLike(b.Cells) {
		return false
	}
	if r.book != nil {
		for _, m := range r.book.survey.Merges {
			wide := m.Row1 == a.Number && m.Row2 == a.Number && m.Col2 > m.Col1
			tall := m.Row1 == a.Number && m.Row2 == b.Number
			if wide || tall {
				return true
			}
		}
		return false
	}
	fills, leaves := false, false
	for i := range max(len(a.Cells), len(b.Cells)) {
		up, down := cell(a.Cells, i), cell(b.Cells, i)
		fills = fills || up == "" && down != ""
		leaves = leaves || up != "" && down == ""
	}
	data := false
	for _, row := range below[:min(len(below), 10)] {
		data = data || !nameLike(row.Cells)
	}
	return fills && leaves && data
}

// name settles the columns' names and collects what is wrong with them.
func (r *Reader) name(h *Head, header [][]string, rows []Row) {
	child := header[len(header)-1]
	width := lastFilled(child)
	parent := []string(nil)
	if len(header) == 2 {
		parent = r.spread(header[0], child, h.First)
		width = max(width, lastFilled(header[0]))
	}
	if h.First > 1 {
		h.Notes = append(h.Notes, errs.Field{Row: h.First, Key: "table.rows_skipped", Args: []any{h.First - 1}})
	}
	if len(header) == 2 {
		h.Notes = append(h.Notes, errs.Field{Row: h.First, Key: "table.header_two", Args: []any{h.First, h.Last}})
	}
	for unnamed(rows, width) {
		width++
	}
	count := map[string]int{}
	for i := range width {
		name := cell(child, i)
		if name == "" {
			name = cell(parent, i)
		}
		h.Names = append(h.Names, name)
		count[name]++
	}
	for i, name := range h.Names {
		if up := cell(parent, i); count[name] > 1 && up != "" && up != name {
			h.Names[i] = up + "/" + name
		}
	}
	covered := r.merged(h, len(header) == 2)
	h.check(covered)
	if len(header) == 1 && (!nameLike(child) || recurs(child, rows)) {
		h.Notes = append(h.Notes, errs.Field{Row: h.Last, Key: "table.header_data", Args: []any{h.Last}})
	}
}

// unnamed reports whether more than half of the rows reach beyond width: then a column lacks its name, while a few
// such rows are themselves at fault.
func unnamed(rows []Row, width int) bool {
	n := 0
	for _, row := range rows {
		if lastFilled(row.Cells) > width {
			n++
		}
	}
	return n*2 > len(rows)
}

// spread repeats a parent over the columns it spans: those merged with it, or in a CSV those to its right that have
// a child and no parent of their own.
func (r *Reader) spread(parent, child []string, row int) []string {
	out := make([]string, max(len(parent), len(child)))
	for i := range out {
		out[i] = cell(parent, i)
		if r.book == nil && out[i] == "" && cell(child, i) != "" && i > 0 {
			out[i] = out[i-1]
		}
	}
	if r.book != nil {
		for _, m := range r.book.survey.Merges {
			for c := m.Col1; m.Row1 == row && c < m.Col2 && c < len(out); c++ {
				out[c] = out[m.Col1-1]
			}
		}
	}
	return out
}

// merged reports merged cells and returns the columns they cover in the header without naming them. In a header of
// two rows, parents merged over their children and names merged downwards are as they should be.
func (r *Reader) merged(h *Head, two bool) map[int]bool {
	covered := map[int]bool{}
	if r.book == nil {
		return covered
	}
	var inHeader, below []string
	for _, m := range r.book.survey.Merges {
		switch {
		case m.Row2 < h.First:
		case m.Row1 > h.Last:
			below = append(below, m.String())
		case two && m.Row1 == h.First && (m.Row2 == h.First || m.Row2 == h.Last && m.Col1 == m.Col2):
		default:
			inHeader = append(inHeader, m.String())
			for c := m.Col1 + 1; c <= m.Col2 && c <= len(h.Names); c++ {
				covered[c-1] = true
			}
		}
	}
	if len(inHeader) > 0 {
		h.Problems = append(h.Problems, errs.Field{Row: h.First, Key: "table.header_merged", Args: []any{listed(inHeader)}})
	}
	if n := len(below) + r.book.survey.Merged - len(r.book.survey.Merges); n > 0 {
		h.Notes = append(h.Notes, errs.Field{Key: "table.merged", Args: []any{n, listed(below)}})
	}
	return covered
}

// check finds names that are missing, repeated or no names.
func (h *Head) check(covered map[int]bool) {
	at := map[string][]string{}
	for i, name := range h.Names {
		col := xlsx.ColName(i + 1)
		switch {
		case name == "" && covered[i]:
		case name == "":
			h.Problems = append(h.Problems, errs.Field{Row: h.Last, Name: col, Key: "table.header_empty", Args: []any{col}})
		case utf8.RuneCountInString(name) > maxHeadName:
			h.Problems = append(h.Problems, errs.Field{Row: h.Last, Name: col, Key: "table.header_long", Args: []any{col, maxHeadName}})
		default:
			at[name] = append(at[name], col)
		}
	}
	for _, name := range h.Names {
		if len(at[name]) > 1 {
			h.Problems = append(h.Problems, errs.Field{Row: h.Last, Name: name, Key: "table.header_duplicate", Args: []any{name, listed(at[name])}})
			delete(at, name)
		}
	}
}

// cell is the i-th cell as a name: trimmed, white space and line breaks inside made one space, invisible marks gone.
func cell(cells []string, i int) string {
	if i >= len(cells) {
		return ""
	}
	return strings.Join(strings.Fields(strings.NewReplacer("\uFEFF", "", "\u200B", "").Replace(cells[i])), " ")
}

func filled(cells []string) int {
	n := 0
	for i := range cells {
		if cell(cells, i) != "" {
			n++
		}
	}
	return n
}

// nameLike reports whether every filled cell could name a column: short, and no number, date or code of digits.
func nameLike(cells []string) bool {
	for i := range cells {
		s := cell(cells, i)
		if utf8.RuneCountInString(s) > 40 {
			return false
		}
		if s != "" && strings.Trim(s, "0123456789.,-+/:%xX ") == "" {
			return false
		}
		if _, ok := parseDate(s); ok {
			return false
		}
	}
	return true
}

// recurs reports whether a name stands below itself again, as a sex or a nation does when the first row is a record. Where all of
// them do, it is the header once more, in the middle of files that were put together.
func recurs(names []string, rows []Row) bool {
	again, all := 0, 0
	for i := range names {
		if s := cell(names, i); s != "" {
			all++
			if slices.ContainsFunc(rows, func(r Row) bool { return cell(r.Cells, i) == s }) {
				again++
			}
		}
	}
	return again > 0 && again < all
}

func hasDuplicate(cells []string) bool {
	seen := map[string]bool{}
	for i := range cells {
		if s := cell(cells, i); s != "" {
			if seen[s] {
				return true
			}
			seen[s] = true
		}
	}
	return false
}

// listed joins the first few of a list for a sentence.
func listed(all []string) string {
	if len(all) <= 8 {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s … (%d)", strings.Join(slices.Clone(all[:8]), ", "), len(all))
}
