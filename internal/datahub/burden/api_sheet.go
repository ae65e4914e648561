package burden

import (
	"context"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/notify"
)

// SheetLine is a sheet in a list.
type SheetLine struct {
	ID         string     `json:"id"`
	Round      string     `json:"round"`
	Report     string     `json:"report"`
	Title      string     `json:"title" doc:"of the report"`
	RoundTitle string     `json:"roundTitle"`
	Due        string     `json:"due"`
	State      string     `json:"state" enum:"todo,filling,submitted,returned"`
	Unit       string     `json:"unit"`
	UnitName   string     `json:"unitName"`
	Sender     string     `json:"sender"`
	SenderName string     `json:"senderName"`
	ByName     string     `json:"byName"`
	Submitted  store.Time `json:"submittedAt"`
	Spent      int64      `json:"spentSeconds" doc:"its page stood open before somebody; work beside it is not counted"`
	Reason     string     `json:"reason" doc:"why it was returned"`
	Urged      bool       `json:"urged"`
	At         store.Time `json:"at"`
}

// SheetBody is a sheet with its questions and what stands in it.
type SheetBody struct {
	SheetLine
	Purpose string            `json:"purpose"`
	Basis   string            `json:"basis"`
	Number  string            `json:"number" doc:"of the approval"`
	List    bool              `json:"list"`
	Fields  []Field           `json:"fields" nullable:"false" doc:"that are asked or filled in, in their order"`
	Rows    []Row             `json:"rows" nullable:"false"`
	Before  map[string]string `json:"before" doc:"what the recipient wrote the last time, by the key of the field"`
	MayFill bool              `json:"mayFill"`
	Mine    bool              `json:"mine" doc:"the caller's unit sent it"`
	Version int64             `json:"version" doc:"to be sent back with a change"`
}

func (s *sheet) line(names map[string]string) SheetLine {
	return SheetLine{ID: s.ID, Round: s.Round, Report: s.Report, Title: s.Title, RoundTitle: s.RoundTitle, Due: s.Due, State: s.State, Unit: s.Unit, UnitName: s.UnitName, Sender: s.Sender, SenderName: names[s.Sender],
		ByName: s.ByName, Submitted: s.Submitted, Spent: s.Spent, Reason: s.Reason, Urged: !s.Urged.IsZero() && s.open(), At: s.At}
}

type sheetsIn struct {
	View   string `query:"view" enum:",todo,done" doc:"of the caller's unit: to be filled in, or submitted"`
	Round  string `query:"round" maxLength:"40" doc:"all the caller sees of it"`
	Street string `query:"street" maxLength:"40" doc:"id of the unit"`
	State  string `query:"state" enum:",todo,filling,submitted,returned"`
	store.Page
}
type sheetsOut struct{ Body store.Listed[SheetLine] }

func (b *Burden) listSheets(ctx context.Context, in *sheetsIn) (*sheetsOut, error) {
	var where []store.Cond
	scope := sheetScope(ctx)
	if in.Round == "" {
		scope = store.Scoped(ownSheets(ctx))
	} else {
		where = append(where, store.C("s.round_id = $1", in.Round))
	}
	switch in.View {
	case "todo":
		where = append(where, store.C("s.state <> 'submitted' AND s.round_id IN (SELECT id FROM burden_round WHERE state = 'open')"))
	case "done":
		where = append(where, store.C("s.state = 'submitted'"))
	}
	if in.Street != "" {
		where = append(where, store.C("s.street_unit = $1", in.Street))
	}
	if in.State != "" {
		where = append(where, store.C("s.state = $1", in.State))
	}
	all, err := store.List(ctx, b.db, store.Query[sheet]{Select: `SELECT ` + sheetColumns + ` FROM burden_sheet s`, Scope: scope, Where: where,
		Keys: []string{"s.at", "s.id"}, Desc: true, Page: in.Page, Scan: scanSheet, Cursor: func(s *sheet) []any { return []any{s.At, s.ID} }})
	if err != nil {
		return nil, err
	}
	var units []string
	for _, s := range all.Items {
		units = append(units, s.Sender)
	}
	names, err := b.org.UnitNames(ctx, b.db, units)
	out := &sheetsOut{store.Listed[SheetLine]{Items: []SheetLine{}, Next: all.Next}}
	for i := range all.Items {
		out.Body.Items = append(out.Body.Items, all.Items[i].line(names))
	}
	return out, err
}

type sheetIn struct {
	ID string `path:"id" maxLength:"40"`
}
type sheetOut struct{ Body SheetBody }

func (b *Burden) showSheet(ctx context.Context, in *sheetIn) (*sheetOut, error) {
	s, err := findSheet(ctx, b.db, store.And(store.C("s.id = $1", in.ID), sheetScope(ctx).Cond()))
	if err != nil {
		return nil, err
	}
	r, err := findReport(ctx, b.db, store.C("a.id = $1", s.Report))
	if err != nil {
		return nil, err
	}
	names, err := b.org.UnitNames(ctx, b.db, []string{s.Sender})
	if err != nil {
		return nil, err
	}
	x := SheetBody{SheetLine: s.line(names), Purpose: r.Purpose, Basis: r.Basis, Number: r.Number, List: r.List, Fields: append([]Field{}, shown(r.Fields.V)...), Rows: append([]Row{}, s.Body.V...), Version: s.Version}
	o, err := findRound(ctx, b.db, store.C("r.id = $1", s.Round))
	if err != nil {
		return nil, err
	}
	if x.Before, err = lastTime(ctx, b.db, &s, &r); err != nil {
		return nil, err
	}
	n := func(which store.Cond) (bool, error) {
		where := store.And(store.C("s.id = $1", s.ID), which)
		n, err := store.Value[int](ctx, b.db, `SELECT count(*) FROM burden_sheet s WHERE `+where.SQL, where.Args...)
		return n > 0, err
	}
	if x.MayFill, err = n(ownSheets(ctx)); err != nil {
		return nil, err
	}
	x.MayFill = x.MayFill && s.open() && o.State == "open"
	x.Mine, err = n(sentSheets(ctx))
	return &sheetOut{x}, err
}

// lastTime is what the recipient wrote by hand in the round before, of a report of one row.
func lastTime(ctx context.Context, q store.Queryer, s *sheet, r *report) (map[string]string, error) {
	out := map[string]string{}
	if r.List {
		return out, nil
	}
	all, err := store.All(ctx, q, scanSheet, `SELECT `+sheetColumns+` FROM burden_sheet s WHERE s.report = $1 AND s.unit_id = $2 AND s.state = 'submitted' AND s.at < $3 ORDER BY s.at DESC LIMIT 1`, r.ID, s.Unit, s.At)
	for _, last := range all {
		for _, f := range written(r.Fields.V) {
			if len(last.Body.V) > 0 && last.Body.V[0][f.Key].Value != "" {
				out[f.Key] = last.Body.V[0][f.Key].Value
			}
		}
	}
	return out, err
}

// writing runs fn on a sheet the actor fills in, at the version he read, while it may still be written in.
func (b *Burden) writing(ctx context.Context, id string, version int64, fn func(ctx context.Context, tx *store.Tx, s *sheet, r *report) error) error {
	return b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, err := lockedSheet(ctx, tx, id, ownSheets(ctx))
		if err != nil {
			return err
		}
		o, err := findRound(ctx, tx, store.C("r.id = $1", s.Round))
		switch {
		case err != nil:
			return err
		case o.State != "open":
			return errs.New(errs.Conflict, "burden.round_closed", o.Title)
		case !s.open():
			return errs.New(errs.Conflict, "burden.already_submitted")
		case version > 0 && s.Version != version:
			return errs.New(errs.Conflict, "burden.changed")
		}
		r, err := findReport(ctx, tx, store.C("a.id = $1", s.Report))
		if err != nil {
			return err
		}
		return fn(ctx, tx, &s, &r)
	})
}

// openSheet notes when a page was first opened, from when its time is measured.
func (b *Burden) openSheet(ctx context.Context, in *sheetIn) (*sheetOut, error) {
	err := b.writing(ctx, in.ID, 0, func(ctx context.Context, tx *store.Tx, s *sheet, _ *report) error {
		if s.Opened.IsZero() {
			s.Opened = store.At(b.now())
		}
		s.Touched = store.At(b.now())
		return store.Exec(ctx, tx, `UPDATE burden_sheet SET opened_at = $1, touched_at = $2 WHERE id = $3`, s.Opened, s.Touched, s.ID)
	})
	if err != nil {
		return nil, err
	}
	return b.showSheet(ctx, in)
}

// Written is what a recipient wrote.
type Written struct {
	Rows    []map[string]string `json:"rows" nullable:"false" maxItems:"5000" doc:"values by the key of their field; what the platform filled in may be left out"`
	Spent   int64               `json:"spentSeconds" required:"false" minimum:"0" maximum:"86400" doc:"the page was before somebody since it was counted last"`
	Version int64               `json:"version"`
}

type saveSheetIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body Written
}

// saveSheet keeps what has been written so far.
func (b *Burden) saveSheet(ctx context.Context, in *saveSheetIn) (*sheetOut, error) {
	err := b.writing(ctx, in.ID, in.Body.Version, func(ctx context.Context, tx *store.Tx, s *sheet, r *report) error {
		s.take(r, in.Body.Rows)
		s.spend(in.Body.Spent, b.now())
		if s.State == todo {
			s.State = filling
		}
		if err := saveSheet(ctx, tx, s); err != nil {
			return err
		}
		return b.audit.Record(ctx, tx, audit.Entry{Action: "burden.fill", Object: "burden_sheet", ID: s.ID, Title: s.Title, Detail: map[string]any{"rows": len(s.Body.V)}})
	})
	if err != nil {
		return nil, err
	}
	return b.showSheet(ctx, &sheetIn{in.ID})
}

// submitSheet hands a sheet in. What is wrong with it is said row by row; nothing that was written is lost by it.
func (b *Burden) submitSheet(ctx context.Context, in *saveSheetIn) (*sheetOut, error) {
	err := b.writing(ctx, in.ID, in.Body.Version, func(ctx context.Context, tx *store.Tx, s *sheet, r *report) error {
		s.take(r, in.Body.Rows)
		if bad := s.faults(r, b.now()); len(bad) > 0 {
			return errs.New(errs.Invalid, "burden.sheet_faults", len(bad)).With(bad[:min(len(bad), 200)]...)
		}
		s.spend(in.Body.Spent, b.now())
		me := authz.From(ctx)
		s.State, s.Submitted, s.By, s.ByName, s.Reason = submitted, store.At(b.now()), me.Person, me.Name, ""
		if err := saveSheet(ctx, tx, s); err != nil {
			return err
		}
		if err := store.ExecOne(ctx, tx, `UPDATE burden_meter SET actual = $1, done = TRUE WHERE id = $2`, s.Spent, s.ID); err != nil {
			return err
		}
		return b.audit.Record(ctx, tx, audit.Entry{Action: "burden.submit", Object: "burden_sheet", ID: s.ID, Title: s.Title, Detail: map[string]any{"rows": len(s.Body.V), "seconds": s.Spent}})
	})
	if err != nil {
		return nil, err
	}
	return b.showSheet(ctx, &sheetIn{in.ID})
}

type returnIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Reason string `json:"reason" minLength:"2" maxLength:"300"`
	}
}

// returnSheet gives a sheet back to who submitted it.
func (b *Burden) returnSheet(ctx context.Context, in *returnIn) (*sheetOut, error) {
	err := b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, err := lockedSheet(ctx, tx, in.ID, sentSheets(ctx))
		if err != nil {
			return err
		}
		if s.open() {
			return errs.New(errs.Conflict, "burden.not_submitted")
		}
		s.State, s.Reason, s.Submitted = returned, strings.TrimSpace(in.Body.Reason), store.Time{}
		if err := saveSheet(ctx, tx, &s); err != nil {
			return err
		}
		if err := store.ExecOne(ctx, tx, `UPDATE burden_meter SET done = FALSE WHERE id = $1`, s.ID); err != nil {
			return err
		}
		if err := b.tell(ctx, tx, []string{s.By}, notify.Task, "burden.told_sheet_returned", []any{s.Title, s.Reason}, "/burden/sheets/"+s.ID, s.ID); err != nil {
			return err
		}
		return b.audit.Record(ctx, tx, audit.Entry{Action: "burden.return", Object: "burden_sheet", ID: s.ID, Title: s.Title})
	})
	if err != nil {
		return nil, err
	}
	return b.showSheet(ctx, &sheetIn{in.ID})
}

type fetchOut struct {
	Body struct {
		SheetBody
		Found   int    `json:"found" doc:"records"`
		Lacking []Lack `json:"lacking" nullable:"false"`
	}
}

// fetchRows fills the rows of a list in: whom a row is about is written by hand, what is held of him is taken from there, masked unless a grant gives it in clear. It is a look at
// personal data and is recorded as one.
func (b *Burden) fetchRows(ctx context.Context, in *saveSheetIn) (*fetchOut, error) {
	out := &fetchOut{}
	s, err := findSheet(ctx, b.db, store.And(store.C("s.id = $1", in.ID), ownSheets(ctx)))
	if err != nil {
		return nil, err
	}
	r, err := findReport(ctx, b.db, store.C("a.id = $1", s.Report))
	if err != nil {
		return nil, err
	}
	s.take(&r, in.Body.Rows)
	x := &filler{b: b}
	var subjects []subject
	for _, row := range s.Body.V {
		sub := subject{row, map[string][]string{}}
		for _, f := range r.Fields.V {
			if v := row[f.Key].Value; f.RowKey && v != "" && wrong(&f, v, b.now()) == "" {
				sub.words[f.Key] = []string{v}
			}
		}
		subjects = append(subjects, sub)
	}
	if err := x.fill(ctx, b.db, &r, []string{r.Unit, s.Unit}, subjects); err != nil {
		return nil, err
	}
	filled := s.Body.V
	err = b.writing(ctx, in.ID, in.Body.Version, func(ctx context.Context, tx *store.Tx, s *sheet, r *report) error {
		s.Body.V = filled
		s.spend(in.Body.Spent, b.now())
		if s.State == todo {
			s.State = filling
		}
		if err := x.spend(ctx, tx); err != nil {
			return err
		}
		if err := saveSheet(ctx, tx, s); err != nil {
			return err
		}
		return b.audit.Record(ctx, tx, audit.Entry{Action: "burden.fill", Object: "burden_sheet", ID: s.ID, Title: s.Title, Personal: true, Subjects: len(filled), Purpose: r.Purpose, Detail: map[string]any{"rows": len(filled), "records": x.records(), "basis": r.Basis}})
	})
	if err != nil {
		return nil, err
	}
	shown, err := b.showSheet(ctx, &sheetIn{in.ID})
	if err != nil {
		return nil, err
	}
	out.Body.SheetBody, out.Body.Found, out.Body.Lacking = shown.Body, x.records(), append([]Lack{}, x.lacks...)
	return out, nil
}
