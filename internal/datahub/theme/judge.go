package theme

import (
	"context"
	"strings"
	"time"

	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/dataset"
)

const mostFailing = 100 // rows kept of one test

// Outcome is what a test came to.
type Outcome struct {
	Test    Test       `json:"test"`
	Passed  bool       `json:"passed"`
	Failing int64      `json:"failing"` // rows that fail; of a test about all rows how many there are
	More    bool       `json:"more"`    // there are more than were counted
	Before  int64      `json:"before"`  // rows of the version that serves, of a test about that
	Columns []string   `json:"columns"` // titles of what is shown of them
	Rows    [][]string `json:"rows"`    // the first of them, masked
}

// blocked is the first outcome that keeps the library back.
func blocked(all []Outcome) *Outcome {
	for i := range all {
		if !all[i].Passed && all[i].Test.Blocking {
			return &all[i]
		}
	}
	return nil
}

// advised counts the tests that failed and only advise.
func advised(all []Outcome) (n int64) {
	for _, o := range all {
		if !o.Passed {
			n++
		}
	}
	return n
}

// judge makes the tests of a step on its staged version; own are the results so far, that of the step included.
func (r *running) judge(ctx context.Context, p planned, v warehouse.Version, own []dataset.Table) ([]Outcome, error) {
	out := []Outcome{}
	for i, t := range p.step.Tests {
		o := Outcome{Test: t, Columns: []string{}, Rows: [][]string{}}
		var err error
		switch {
		case t.Kind == testRows:
			o.Failing, o.Passed = v.Rows, v.Rows >= t.Rows
		case t.Kind == testChange:
			o.Failing, o.Before = v.Rows, p.dataset.Rows
			o.Passed = p.dataset.ID == "" || within(v.Rows, p.dataset.Rows, t.Percent)
		case p.tests[i].sql != "":
			err = r.bySQL(ctx, p.tests[i].sql, own, &o)
		default:
			err = r.byCond(ctx, p.step, v, p.tests[i].cond, &o)
		}
		if err != nil {
			return out, err
		}
		out = append(out, o)
	}
	return out, nil
}

// byCond counts the rows a condition holds for, and keeps the first.
func (r *running) byCond(ctx context.Context, s *Step, v warehouse.Version, cond warehouse.Cond, o *Outcome) error {
	var err error
	if o.Failing, err = warehouse.CountRows(ctx, r.wh, warehouse.Query{From: v.ID, Where: cond}); err != nil {
		return err
	}
	o.Passed = o.Failing == 0
	if o.Passed {
		return nil
	}
	q := warehouse.Query{From: v.ID, Where: cond, Limit: mostFailing}
	for _, c := range s.Columns {
		q.Select = append(q.Select, warehouse.Item{Col: c.Name})
		o.Columns = append(o.Columns, c.Title)
	}
	res, err := r.wh.Query(ctx, q)
	if err != nil {
		return err
	}
	rows, err := res.All()
	for _, row := range rows {
		o.Rows = append(o.Rows, masked(s.columns(), row))
	}
	return err
}

// bySQL keeps the rows a statement gives.
func (r *running) bySQL(ctx context.Context, sql string, own []dataset.Table, o *Outcome) error {
	x, err := r.read(ctx, r.db, &r.theme, sql, own)
	if err != nil {
		return err
	}
	cols, rows, more, err := r.shown(ctx, x, mostFailing, time.Duration(r.settings.Int(ctx, "theme.step_minutes"))*time.Minute)
	if err != nil {
		return err
	}
	for _, c := range cols {
		o.Columns = append(o.Columns, c.Title)
	}
	o.Rows, o.More, o.Failing, o.Passed = rows, more, int64(len(rows)), len(rows) == 0
	return nil
}

// shown answers a question for people: the first rows, masked by what each column comes from.
func (x *Themes) shown(ctx context.Context, q *dataset.Question, most int, limit time.Duration) (cols []dataset.Column, rows [][]string, more bool, err error) {
	traced, _, err := x.datasets.Trace(ctx, q, x.now())
	if err != nil {
		return nil, nil, false, err
	}
	for _, t := range traced {
		cols = append(cols, dataset.Inherited(t, q.Sources(t)))
	}
	a, err := x.datasets.Answer(ctx, q, nil, warehouse.Limits{Rows: most, Time: limit, Now: x.now()})
	if err != nil {
		return nil, nil, false, err
	}
	rows = [][]string{}
	for _, row := range a.Rows {
		rows = append(rows, masked(cols, row))
	}
	return cols, rows, a.More, nil
}

// masked writes a row as anybody may see it. What was worked out of masked values has no shape a mask could keep.
func masked(cols []dataset.Column, row []any) []string {
	out := make([]string, len(cols))
	for i, c := range cols {
		switch {
		case row[i] == nil:
		case c.Masked && c.Kind == "":
			out[i] = hidden
		default:
			out[i] = c.Show(row[i], false)
		}
	}
	return out
}

const hidden = "＊＊＊"

// testTitle is a test in words.
func (x *Themes) testTitle(lang string, t Test, s Step) string {
	var cols []string
	for _, name := range t.Columns {
		title := name
		for _, c := range s.Columns {
			if c.Name == name {
				title = c.Title
			}
		}
		cols = append(cols, title)
	}
	if t.Kind == testSQL {
		return t.Title
	}
	args := map[string][]any{testRows: {t.Rows}, testChange: {t.Percent}, testBetween: {strings.Join(cols, "、"), t.Low, t.High}}[t.Kind]
	if args == nil {
		args = []any{strings.Join(cols, "、")}
	}
	return x.words.Text(lang, "theme.test."+t.Kind, args...)
}
