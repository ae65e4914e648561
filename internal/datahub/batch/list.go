package batch

import (
	"errors"
	"slices"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/table"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
)

// line is one row of the list: the key it asks for, or why it asks for none.
type line struct {
	row int32 // as Excel shows it
	key int32 // place among the keys, -1 when the row cannot be used
	why int32 // place among the reasons, of a row that cannot be used
	rep bool  // its key came before
}

// list is an uploaded list with its rows checked: what it asks for, each key once, in its order.
type list struct {
	col      dataset.Column // the key column of the dataset
	at       int            // the key's column in the file
	nulls    []string
	compare  []compared
	today    time.Time
	lines    []line
	texts    []string // keys as texts, by place
	values   []any    // and as the dataset keeps them
	firsts   []int32  // row of each key
	given    [][]string
	person   bool           // the key is an identity number kept as text
	faulty   map[int]string // what stood in the key's column of rows that cannot be used, by line
	reasons  []errs.Field
	upgraded int64

	places map[string]int32
	whys   map[string]int32
}

// compared is a column of the file that is held against one of the dataset.
type compared struct {
	at  int
	col dataset.Column
}

func newList(ds dataset.Dataset, p Plan, today time.Time) (*list, error) {
	col, ok := ds.Column(p.Key)
	if !ok || !col.Key {
		return nil, errs.New(errs.Invalid, "dataset.no_key", p.Key)
	}
	l := &list{col: col, at: p.At, today: today, nulls: nothing, faulty: map[int]string{}, places: map[string]int32{}, whys: map[string]int32{}}
	l.person = (col.Kind == codes.KindID || col.Kind == codes.KindIDStrict) && col.Type.Kind == warehouse.KindText
	if p.Mode == Changed {
		for _, c := range p.Compare {
			col, ok := ds.Column(c.Column)
			if !ok {
				return nil, errs.New(errs.Invalid, "dataset.no_column", c.Column)
			}
			l.compare = append(l.compare, compared{c.At, col})
		}
	}
	return l, nil
}

// nothing are texts by which people say that a cell is empty.
var nothing = []string{"无", "没有", "未知", "不详", "空", "暂无", "/", "\\", "-", "--", "—", "null", "NULL", "NA", "N/A", "#N/A"}

// add takes one row of the file.
func (l *list) add(r table.Row) {
	switch {
	case len(r.Reasons) > 0:
		l.refuse(r, r.Reasons[0])
		return
	case l.at >= len(r.Cells):
		l.refuse(r, errs.Field{Key: "batch.no_key"})
		return
	}
	value, text, upgraded, err := l.read(r.Cells[l.at])
	if err != nil {
		e, ok := errors.AsType[*errs.Error](err)
		if !ok {
			e = errs.New(errs.Invalid, "batch.bad_key")
		}
		l.refuse(r, errs.Field{Key: e.Key, Args: e.Args})
		return
	}
	if upgraded {
		l.upgraded++
	}
	if at, again := l.places[text]; again {
		l.lines = append(l.lines, line{row: int32(r.Number), key: at, rep: true})
		return
	}
	at := int32(len(l.texts))
	l.places[text] = at
	l.texts, l.values, l.firsts = append(l.texts, text), append(l.values, value), append(l.firsts, int32(r.Number))
	l.lines = append(l.lines, line{row: int32(r.Number), key: at})
	if l.compare != nil {
		given := make([]string, len(l.compare))
		for i, c := range l.compare {
			if c.at < len(r.Cells) {
				given[i] = r.Cells[c.at]
			}
		}
		l.given = append(l.given, given)
	}
}

// read turns a cell into a key: as the dataset keeps it, and as text. An identity number of 15 digits becomes the one of
// 18 it stands for (GB 11643-1999).
func (l *list) read(cell string) (value any, text string, upgraded bool, err error) {
	if l.person && len(cell) == 18 { // nearly every cell: what is a number as it stands needs no more
		if h, err := codes.ParseResidentID(cell, l.today); err == nil {
			return h.Number, h.Number, false, nil
		}
	}
	s := codes.Normalise(l.col.Kind, strings.TrimSpace(cell))
	if s == "" || slices.Contains(l.nulls, strings.TrimSpace(cell)) {
		return nil, "", false, errs.New(errs.Invalid, "batch.no_key")
	}
	if l.person && len(s) == 15 {
		if s, err = codes.Upgrade(s); err != nil {
			return nil, "", false, err
		}
		upgraded = true
	}
	if err := codes.Check(l.col.Kind, s, l.today); err != nil {
		return nil, "", false, err
	}
	if value, err = l.col.Value(s); err != nil {
		return nil, "", false, err
	}
	if value == nil {
		return nil, "", false, errs.New(errs.Invalid, "batch.no_key")
	}
	if t, ok := value.(string); ok {
		return value, t, upgraded, nil
	}
	return value, warehouse.Format(value), upgraded, nil
}

func (l *list) refuse(r table.Row, why errs.Field) {
	name := why.Key + "\x00" + strings.Join(texts(why.Args), "\x00")
	at, known := l.whys[name]
	if !known {
		at = int32(len(l.reasons))
		l.whys[name] = at
		l.reasons = append(l.reasons, errs.Field{Key: why.Key, Args: why.Args})
	}
	if l.at < len(r.Cells) {
		l.faulty[len(l.lines)] = r.Cells[l.at]
	}
	l.lines = append(l.lines, line{row: int32(r.Number), key: -1, why: at})
}

// counts sums the list up.
func (l *list) counts() Counts {
	c := Counts{Rows: int64(len(l.lines)), Distinct: int64(len(l.texts)), Upgraded: l.upgraded, Why: []Reason{}}
	by := make([]int64, len(l.reasons))
	for _, ln := range l.lines {
		switch {
		case ln.key < 0:
			c.Invalid++
			by[ln.why]++
		case ln.rep:
			c.Repeated++
		default:
			c.Valid++
		}
	}
	for i, f := range l.reasons {
		c.Why = append(c.Why, Reason{Key: f.Key, Args: texts(f.Args), Count: by[i]})
	}
	slices.SortStableFunc(c.Why, func(a, b Reason) int { return int(b.Count - a.Count) })
	if len(c.Why) > 20 {
		c.Why = c.Why[:20]
	}
	return c
}

// serials are the days a number in a column of dates may stand for: 1954 to 2064, as Excel counts them.
const (
	firstSerial = 20_000
	lastSerial  = 60_000
)

// same reports whether what the list says is what the dataset has. Two blanks are the same; a number where a date is
// expected is taken as Excel's count of days.
func (c compared) same(given, have string) bool {
	s := strings.TrimSpace(given)
	if slices.Contains(nothing, s) {
		s = ""
	}
	if n, ok := number(s); ok && c.col.Type.Kind == warehouse.KindDate && n >= firstSerial && n <= lastSerial {
		s = time.Date(1899, 12, 30+n, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	}
	v, err := c.col.Value(s)
	if err == nil && v != nil {
		v, err = c.col.Type.Coerce(v)
	}
	if err != nil { // what is no value of the column is none it has
		return false
	}
	a, b := warehouse.Format(v), have
	if c.col.Kind != "" {
		b = codes.Normalise(c.col.Kind, b)
	}
	return a == b
}

func number(s string) (n int, ok bool) {
	if len(s) != 5 {
		return 0, false
	}
	for _, r := range s {
		if r < '0' || r > '9' {
			return 0, false
		}
		n = n*10 + int(r-'0')
	}
	return n, true
}
