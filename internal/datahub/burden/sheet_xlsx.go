package burden

import (
	"context"
	"net/http"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/kernel/audit"
)

// title is what a field is called in a workbook.
func (f *Field) title() string {
	t := f.Name
	if f.Group != "" {
		t = f.Group + "/" + t
	}
	if f.Measure != "" {
		t += "（" + f.Measure + "）"
	}
	return t
}

// formXLSX gives a sheet as a workbook: its questions as the heading, what stands in it below.
func (b *Burden) formXLSX(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	s, err := findSheet(ctx, b.db, store.And(store.C("s.id = $1", r.PathValue("id")), sheetScope(ctx).Cond()))
	if err != nil {
		return err
	}
	of, err := findReport(ctx, b.db, store.C("a.id = $1", s.Report))
	if err != nil {
		return err
	}
	x, err := workbook(w, "form-"+s.ID+".xlsx", of.Title)
	if err != nil {
		return err
	}
	var head []any
	fields := shown(of.Fields.V)
	for i := range fields {
		head = append(head, fields[i].title())
	}
	if err := x.Write(head...); err != nil {
		return err
	}
	for _, row := range s.Body.V {
		line := make([]any, len(fields))
		for i, f := range fields {
			line[i] = row[f.Key].Value
		}
		if err := x.Write(line...); err != nil {
			return err
		}
	}
	return x.Close()
}

// resultXLSX gives what all recipients submitted as one workbook.
func (b *Burden) resultXLSX(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	o, err := findRound(ctx, b.db, store.And(store.C("r.id = $1", r.PathValue("id")), roundScope(ctx).Cond()))
	if err != nil {
		return err
	}
	of, err := findReport(ctx, b.db, store.C("a.id = $1", o.Report))
	if err != nil {
		return err
	}
	where := store.And(store.C("s.round_id = $1 AND s.state = 'submitted'", o.ID), sheetScope(ctx).Cond())
	all, err := store.All(ctx, b.db, scanSheet, `SELECT `+sheetColumns+` FROM burden_sheet s WHERE `+where.SQL+` ORDER BY s.street, s.unit_name, s.id`, where.Args...)
	if err != nil {
		return err
	}
	err = b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		return b.audit.Record(ctx, tx, audit.Entry{Action: "burden.export", Object: "burden", ID: of.ID, Title: of.Title, Detail: map[string]any{"round": o.Title, "sheets": len(all)}})
	})
	if err != nil {
		return err
	}
	lang := web.From(ctx).Lang
	x, err := workbook(w, "result-"+o.ID+".xlsx", of.Title)
	if err != nil {
		return err
	}
	word := func(key string) any { return b.words.Text(lang, "burden.sheet_"+key) }
	head := []any{word("street"), word("community")}
	fields := shown(of.Fields.V)
	for i := range fields {
		head = append(head, fields[i].title())
	}
	if err := x.Write(append(head, word("by"), word("at"))...); err != nil {
		return err
	}
	streets := []string{}
	for _, s := range all {
		streets = append(streets, s.StreetUnit)
	}
	names, err := b.org.UnitNames(ctx, b.db, streets)
	if err != nil {
		return err
	}
	for _, s := range all {
		for _, row := range s.Body.V {
			line := []any{names[s.StreetUnit], s.UnitName}
			for _, f := range fields {
				line = append(line, row[f.Key].Value)
			}
			if err := x.Write(append(line, s.ByName, s.Submitted.Time)...); err != nil {
				return err
			}
		}
	}
	return x.Close()
}

type uploadIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		File    string `json:"fileId" minLength:"1" maxLength:"40" doc:"of an upload that is finished: the workbook of the sheet, filled in"`
		Version int64  `json:"version"`
	}
}

// Unread is a cell of an uploaded sheet that could not be taken as it is.
type Unread struct {
	Row  int    `json:"row" doc:"of the file"`
	Name string `json:"name" doc:"of the column"`
	Why  string `json:"why"`
}

type uploadOut struct {
	Body struct {
		Sheet  SheetBody `json:"sheet"`
		Taken  int       `json:"taken" doc:"rows"`
		Faults []Unread  `json:"faults" nullable:"false" doc:"row by row; what is wrong is taken all the same, to be corrected on the page"`
	}
}

// upload takes the rows of a filled-in workbook. Columns are known by their names; those the platform fills in are passed over.
func (b *Burden) upload(ctx context.Context, in *uploadIn) (*uploadOut, error) {
	of, err := b.showSheet(ctx, &sheetIn{in.ID})
	if err != nil {
		return nil, err
	}
	t, _, err := b.opened(ctx, in.Body.File)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	h, err := t.HeadAt(1, 1, 0)
	if err != nil {
		return nil, err
	}
	columns := map[int]Field{}
	for i, name := range h.Names {
		for _, f := range written(of.Body.Fields) {
			if name == f.title() || name == f.Name {
				columns[i] = f
			}
		}
	}
	if len(columns) == 0 {
		return nil, errs.New(errs.Invalid, "burden.other_form", of.Body.Title)
	}
	lang := web.From(ctx).Lang
	out := &uploadOut{}
	out.Body.Faults = []Unread{}
	fields := written(of.Body.Fields)
	var rows []map[string]string
	for row, err := range t.Rows(h) {
		if err != nil {
			return nil, err
		}
		one, cells := map[string]string{}, Row{}
		for i, f := range columns {
			one[f.Key] = row.Cells[i]
			cells[f.Key] = Cell{Value: tidied(&f, row.Cells[i])}
		}
		for _, bad := range append(row.Reasons, faultsOf(fields, cells, row.Number, b.now())...) {
			name := bad.Name
			if f, ok := field(fields, bad.Name); ok {
				name = f.Name
			}
			out.Body.Faults = append(out.Body.Faults, Unread{row.Number, name, b.words.Text(lang, bad.Key, bad.Args...)})
		}
		rows = append(rows, one)
	}
	if !of.Body.List && len(rows) > 1 {
		out.Body.Faults = append(out.Body.Faults, Unread{3, "", b.words.Text(lang, "burden.one_row")})
		rows = rows[:1]
	}
	if len(rows) == 0 {
		return nil, errs.New(errs.Invalid, "burden.no_rows")
	}
	out.Body.Taken, out.Body.Faults = len(rows), out.Body.Faults[:min(len(out.Body.Faults), 500)]
	err = b.writing(ctx, in.ID, in.Body.Version, func(ctx context.Context, tx *store.Tx, s *sheet, r *report) error {
		s.take(r, rows)
		s.spend(0, b.now())
		if s.State == todo {
			s.State = filling
		}
		if err := saveSheet(ctx, tx, s); err != nil {
			return err
		}
		return b.audit.Record(ctx, tx, audit.Entry{Action: "burden.fill", Object: "burden_sheet", ID: s.ID, Title: s.Title, Detail: map[string]any{"rows": len(rows), "file": in.Body.File}})
	})
	if err != nil {
		return nil, err
	}
	saved, err := b.showSheet(ctx, &sheetIn{in.ID})
	if err != nil {
		return nil, err
	}
	out.Body.Sheet = saved.Body
	return out, nil
}
