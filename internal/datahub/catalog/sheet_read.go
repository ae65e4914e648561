package catalog

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/table"
)

// maxFile is how large a workbook may be: people fill these in by hand, or another platform writes them.
const maxFile = 20 << 20

// book is a workbook as read: its entries with their items, and what could not be read.
type book struct {
	rows    []row
	remarks []remark
	bad     map[int]bool // row of the sheet of entries → nothing is made of it
}

func (b *book) fail(r remark) {
	r.Refused = true
	b.remarks = append(b.remarks, r)
	if r.Sheet == "entries" {
		b.bad[r.Row] = true
	}
}

// grid is one sheet: which column holds what, and the rows.
type grid struct {
	at   map[string]int
	rows []table.Row
}

func (g *grid) cell(r table.Row, key string) string {
	i, ok := g.at[key]
	if !ok {
		return ""
	}
	return strings.TrimSpace(r.Cells[i])
}

// readGrid reads a sheet whose columns are known by their headings, in whatever order. Lines that are damaged go to lost.
func readGrid[T any](t *table.Reader, w *wording, sheet string, cols []column[T], need []string, lost func(table.Row)) (*grid, error) {
	head, err := t.HeadAt(1, 1, 0)
	if err != nil {
		return nil, err
	}
	g := &grid{at: map[string]int{}}
	for i, name := range head.Names {
		for _, c := range cols {
			if strings.Trim(name, "*＊ ") == w.text("catalog.col_"+c.key) {
				g.at[c.key] = i
			}
		}
	}
	var missing []string
	for _, key := range need {
		if _, ok := g.at[key]; !ok {
			missing = append(missing, w.text("catalog.col_"+key))
		}
	}
	if len(missing) > 0 {
		return nil, errs.New(errs.Invalid, "catalog.no_columns", w.text("catalog.sheet_"+sheet), strings.Join(missing, "、"))
	}
	for r, err := range t.Rows(head) {
		if err != nil {
			return nil, err
		}
		if len(r.Reasons) > 0 {
			lost(r)
			continue
		}
		g.rows = append(g.rows, r)
	}
	return g, nil
}

// sheetNames finds the two sheets by their names in either language; both are needed.
func sheetNames(t *table.Reader, w *wording) (entries, items string, err error) {
	for _, s := range t.Sheets() {
		switch s.Name {
		case w.text("catalog.sheet_entries"):
			entries = s.Name
		case w.text("catalog.sheet_items"):
			items = s.Name
		}
	}
	if entries == "" || items == "" {
		err = errs.New(errs.Invalid, "catalog.no_sheets", w.text("catalog.sheet_entries"), w.text("catalog.sheet_items"))
	}
	return entries, items, err
}

// readBook reads both sheets. Errors are about the file as a whole; what is wrong with single rows stands in the book.
func readBook(body []byte, name string, w *wording, most int, units func([]string) error) (*book, error) {
	t, err := table.Open(bytes.NewReader(body), int64(len(body)), name, table.Limits{MaxBytes: maxFile, MaxColumns: 200})
	if err != nil {
		return nil, err
	}
	defer t.Close()
	entries, items, err := sheetNames(t, w)
	if err != nil {
		return nil, err
	}
	b := &book{bad: map[int]bool{}}
	lost := func(sheet string) func(table.Row) {
		return func(r table.Row) { b.fail(remark{Sheet: sheet, Row: r.Number, Key: "catalog.row_lost"}) }
	}
	if err := t.Use(entries); err != nil {
		return nil, err
	}
	first, err := readGrid(t, w, "entries", entryColumnsOf(), []string{"number", "name", "class", "item", "unit", "share", "cycle", "format"}, lost("entries"))
	if err != nil {
		return nil, err
	}
	if len(first.rows) > most {
		return nil, errs.New(errs.TooLarge, "catalog.too_many", most)
	}
	if err := t.Use(items); err != nil {
		return nil, err
	}
	second, err := readGrid(t, w, "items", itemColumnsOf(), []string{"number", "itemName", "type", "level"}, lost("items"))
	if err != nil {
		return nil, err
	}
	var named []string
	for _, r := range first.rows {
		named = append(named, first.cell(r, "unit"))
	}
	if err := units(named); err != nil {
		return nil, err
	}
	b.entries(first, w)
	b.items(second, w)
	return b, nil
}

func (b *book) entries(g *grid, w *wording) {
	cols := entryColumnsOf()
	numbers, codes := map[string]int{}, map[string]int{}
	for _, r := range g.rows {
		e := row{at: r.Number}
		for _, c := range cols {
			if key, args := c.read(w, &e, g.cell(r, c.key)); key != "" {
				b.fail(remark{Sheet: "entries", Row: r.Number, Title: e.Body.Name, Column: c.key, Key: key, Args: args})
			}
		}
		switch {
		case e.Number == "":
			b.fail(remark{Sheet: "entries", Row: r.Number, Title: e.Body.Name, Column: "number", Key: "catalog.cell_needed"})
		case numbers[e.Number] > 0:
			b.fail(remark{Sheet: "entries", Row: r.Number, Title: e.Body.Name, Column: "number", Key: "catalog.number_twice", Args: []string{strconv.Itoa(numbers[e.Number])}})
		}
		if e.Code != "" && codes[e.Code] > 0 {
			b.fail(remark{Sheet: "entries", Row: r.Number, Title: e.Body.Name, Column: "code", Key: "catalog.code_twice", Args: []string{strconv.Itoa(codes[e.Code])}})
		}
		numbers[e.Number], codes[e.Code] = r.Number, r.Number
		b.rows = append(b.rows, e)
	}
}

// items gives each item to its entry. An item that cannot be read keeps its whole entry back: half of its items would be
// taken for all.
func (b *book) items(g *grid, w *wording) {
	cols := itemColumnsOf()
	for _, r := range g.rows {
		var it itemRow
		var bad []remark
		for _, c := range cols {
			if key, args := c.read(w, &it, g.cell(r, c.key)); key != "" {
				bad = append(bad, remark{Sheet: "items", Row: r.Number, Title: it.Item.Name, Column: c.key, Key: key, Args: args})
			}
		}
		at := slices.IndexFunc(b.rows, func(e row) bool { return e.Number == it.Number })
		if at < 0 || it.Number == "" {
			b.fail(remark{Sheet: "items", Row: r.Number, Title: it.Item.Name, Column: "number", Key: "catalog.item_lost", Args: []string{it.Number}})
			continue
		}
		for _, one := range bad {
			b.fail(one)
		}
		if len(bad) > 0 {
			b.bad[b.rows[at].at] = true
		}
		b.rows[at].Body.Items = append(b.rows[at].Body.Items, it.Item)
		b.rows[at].items = append(b.rows[at].items, r.Number)
	}
}
