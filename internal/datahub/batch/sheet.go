package batch

import (
	"io"
	"strconv"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/table"
	"qushu/internal/base/when"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
)

// sheet writes the result: one row for each of the list, in its order.
type sheet struct {
	w      *worker
	to     io.Writer
	buf    []byte
	cells  []string
	line   []string
	next   int      // line of the list to be written
	place  int      // of the key it asks for, when it can be used
	source []string // where every row comes from: dataset, version, since when it serves
	why    []string // reasons in words, by place
	word   struct{ hit, miss, bad, again, nothing, same, changed, notIn, first string }

	hits, missed, changed int64
}

func newSheet(w *worker, to io.Writer) *sheet {
	s := &sheet{w: w, to: to}
	t := s.text
	s.source = []string{w.ds.Title, strconv.FormatInt(w.ds.Number, 10), moment(w.ds.Updated)}
	for _, f := range w.list.reasons {
		s.why = append(s.why, w.words.Text(w.run.Lang, f.Key, f.Args...))
	}
	s.word.hit, s.word.miss, s.word.bad, s.word.again = t("hit"), t("miss"), t("bad"), t("again")
	s.word.same, s.word.changed, s.word.notIn = t("same"), t("differs"), t("not_in")
	if len(w.right.Grants) > 0 && len(w.right.Grants[0].Filter) > 0 {
		s.word.notIn = t("not_in_grant")
	}
	return s
}

func moment(t store.Time) string { return t.In(when.Zone).Format("2006-01-02 15:04") }

func (s *sheet) text(key string, args ...any) string {
	return s.w.words.Text(s.w.run.Lang, "batch.csv_"+key, args...)
}

// header names the columns.
func (s *sheet) header() []string {
	w := s.w
	out := []string{s.text("row"), w.list.col.Title, s.text("state"), s.text("why")}
	switch w.run.Plan.Mode {
	case Fields:
		out = append(out, s.text("records"))
	case Changed:
		out = append(out, s.text("compared"))
	}
	for _, name := range w.run.Plan.asked() {
		c, _ := w.ds.Column(name)
		out = append(out, c.Title)
	}
	return append(out, s.text("source"), s.text("version"), s.text("fresh"))
}

// until writes the lines before the first that asks for the key at a place: nobody has those keys.
func (s *sheet) until(place int) error {
	for ; s.next < len(s.w.list.lines); s.next++ {
		ln := s.w.list.lines[s.next]
		var err error
		switch {
		case ln.key < 0:
			err = s.row(ln, s.given(s.next), s.word.bad, s.why[ln.why], nil)
		case ln.rep:
			err = s.row(ln, s.masked(ln), s.word.again, s.text("same_as", s.w.list.firsts[ln.key]), nil)
		case int(ln.key) >= place:
			return nil
		default:
			s.missed++
			err = s.row(ln, s.masked(ln), s.word.miss, s.word.notIn, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// hit writes the line whose key was found.
func (s *sheet) hit(f dataset.Found) error {
	ln := s.w.list.lines[s.next]
	s.next++
	s.hits++
	s.cells = s.cells[:0]
	switch s.w.run.Plan.Mode {
	case Fields:
		s.cells = append(append(s.cells, strconv.FormatInt(f.Rows, 10)), f.Texts...)
	case Changed:
		s.compare(ln, f)
	}
	return s.row(ln, s.masked(ln), s.word.hit, "", s.cells)
}

// compare tells which of the values in the list are not what the dataset has, and what it has instead.
func (s *sheet) compare(ln line, f dataset.Found) {
	given := s.w.list.given[ln.key]
	s.cells = append(s.cells, "")
	var names []string
	for i, c := range s.w.list.compare {
		if c.same(given[i], f.Whole[i]) {
			s.cells = append(s.cells, "")
			continue
		}
		names = append(names, c.col.Title)
		s.cells = append(s.cells, f.Texts[i])
	}
	if s.cells[0] = s.word.same; names != nil {
		s.changed++
		s.cells[0] = s.word.changed + strings.Join(names, "、")
	}
}

func (s *sheet) masked(ln line) string {
	if !s.w.list.col.Masked {
		return s.w.list.texts[ln.key]
	}
	return codes.Mask(s.w.list.col.Kind, s.w.list.texts[ln.key])
}

// given is what stood in the key's column of a line that cannot be used, masked.
func (s *sheet) given(at int) string {
	if !s.w.list.col.Masked {
		return s.w.list.faulty[at]
	}
	return codes.Mask(s.w.list.col.Kind, s.w.list.faulty[at])
}

// row writes one row; values stand between the reason and the source.
func (s *sheet) row(ln line, key, state, why string, values []string) error {
	width := len(s.w.run.Header)
	cells := append(s.line[:0], strconv.Itoa(int(ln.row)), key, state, why)
	cells = append(cells, values...)
	for len(cells) < width-len(s.source) {
		cells = append(cells, "")
	}
	cells = append(cells, s.source...)
	s.line = cells
	s.buf = table.AppendCSV(s.buf[:0], cells...)
	if _, err := s.to.Write(s.buf); err != nil {
		return errs.Wrap(err, errs.Busy, "table.write_failed")
	}
	s.w.rows.Add(1)
	return nil
}
