package burden

import (
	"context"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/when"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/notify"
	"qushu/internal/kernel/org"
)

// meters are what a report asks of each of its recipients once, in the present month.
func (b *Burden) meters(ctx context.Context, q store.Queryer, r *report, all []org.Unit) ([]meterRow, error) {
	above := []string{r.Unit}
	for _, u := range all {
		above = append(above, u.Parent)
	}
	units, err := b.org.Units(ctx, q, above)
	if err != nil {
		return nil, err
	}
	month := b.now().In(when.Zone).Format("2006-01")
	out := make([]meterRow, len(all))
	for i, u := range all {
		m := meterRow{Report: r.ID, Title: r.Title, Month: month, Unit: u.ID, UnitName: u.Name, Street: u.Street, Sender: r.Unit, SenderStreet: r.Street, SenderName: units[r.Unit].Name,
			Asked: r.Asked, Prefilled: r.Prefilled, Shared: r.Shared, Refused: r.Struck}
		if u.Kind == org.Street {
			m.StreetUnit, m.StreetName = u.ID, u.Name
		} else if p := units[u.Parent]; p.Kind == org.Street {
			m.StreetUnit, m.StreetName = p.ID, p.Name
		}
		out[i] = m
	}
	return out, nil
}

type sendIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Title string `json:"title" required:"false" maxLength:"40" doc:"of the period, guessed when empty"`
		Due   string `json:"due" maxLength:"10" doc:"YYYY-MM-DD"`
		Rows  bool   `json:"rows" required:"false" doc:"of a list: put in beforehand whom the data that is held knows of each recipient"`
	}
}
type roundOut struct{ Body RoundBody }

// send sends an approved report for a period: a sheet for every recipient, filled in as far as the data that is held may be used.
func (b *Burden) send(ctx context.Context, in *sendIn) (*roundOut, error) {
	r, err := b.seen(ctx, b.db, in.ID)
	if err != nil {
		return nil, err
	}
	mine, err := b.drafts(ctx, b.db, r.ID)
	if err != nil {
		return nil, err
	}
	now := b.now()
	due, bad := when.ParseDate(in.Body.Due)
	switch {
	case !mine:
		return nil, errs.New(errs.Denied, "burden.not_yours")
	case r.State != Approved:
		return nil, errs.New(errs.Conflict, "burden.not_approved", r.Title)
	case !r.Until.After(now):
		return nil, errs.New(errs.Conflict, "burden.approval_over", r.Title)
	case bad != nil || due.AddDate(0, 0, 1).Before(now):
		return nil, errs.New(errs.Invalid, "burden.not_ready", 1).With(errs.Field{Name: "due", Key: "burden.need_due"})
	}
	all, err := b.recipients(ctx, b.db, &r)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errs.New(errs.Conflict, "burden.no_recipient")
	}
	o := &round{ID: id.New(), Report: r.ID, Title: strings.TrimSpace(in.Body.Title), Due: when.FormatDate(due), State: "open", Recipients: int64(len(all)), Unit: r.Unit, Street: r.Street, Owner: authz.From(ctx).Person, At: store.At(now)}
	if o.Title == "" {
		o.Title = period(r.Period, now)
	}
	rows, x, err := b.beginnings(ctx, &r, all, in.Body.Rows)
	if err != nil {
		return nil, err
	}
	o.Lacking.V = append([]Lack{}, x.lacks...)
	err = b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return b.sent(ctx, tx, &r, o, all, rows, x) })
	if store.IsDuplicate(err) {
		return nil, errs.New(errs.Conflict, "burden.round_twice", o.Title)
	}
	if err != nil {
		return nil, err
	}
	return b.showRound(ctx, &roundIn{o.ID})
}

// beginnings are the first rows of the sheets: what is known of each recipient, what data is held of it, what it told another department.
func (b *Burden) beginnings(ctx context.Context, r *report, all []org.Unit, list bool) ([][]Row, *filler, error) {
	x := &filler{b: b}
	rows := make([]Row, len(all))
	streets := make([]string, len(all))
	for i, u := range all {
		streets[i] = u.Parent
	}
	names, err := b.org.UnitNames(ctx, b.db, streets)
	if err != nil {
		return nil, nil, err
	}
	from := b.words.Text("zh", "burden.from_org")
	subjects := make([]subject, len(all))
	for i, u := range all {
		rows[i] = Row{}
		for _, f := range r.Fields.V {
			known := map[string]string{"unit": u.Name, "code": u.Code, "street": names[u.Parent]}
			if u.Kind == org.Street {
				known["street"] = u.Name
			}
			if automatic(f.Kind) && f.Final != struck {
				rows[i][f.Key] = Cell{Value: known[f.Kind], From: from, At: store.At(b.now())}
			}
		}
		subjects[i] = of(u, rows[i])
	}
	if r.List {
		return b.lists(ctx, r, all, rows, list)
	}
	if err := b.told(ctx, r, all, rows); err != nil {
		return nil, nil, err
	}
	out := make([][]Row, len(rows))
	for i, row := range rows {
		out[i] = []Row{row}
	}
	return out, x, x.fill(ctx, b.db, r, []string{r.Unit}, subjects)
}

// told takes what recipients told another department whose collection is shared.
func (b *Burden) told(ctx context.Context, r *report, all []org.Unit, rows []Row) error {
	at := map[string]int{}
	for i, u := range all {
		at[u.ID] = i
	}
	for _, f := range r.Fields.V {
		if f.Final != fromForm {
			continue
		}
		sheets, err := store.All(ctx, b.db, scanSheet, `SELECT `+sheetColumns+` FROM burden_sheet s WHERE s.report = $1 AND s.state = 'submitted' ORDER BY s.submitted_at, s.id`, f.Other)
		if err != nil {
			return err
		}
		for _, s := range sheets { // the newest of a recipient comes last
			if i, ok := at[s.Unit]; ok && len(s.Body.V) > 0 {
				if c := s.Body.V[0][f.OtherKey]; c.Value != "" {
					rows[i][f.Key] = Cell{Value: c.Value, From: s.Title, At: s.Submitted}
				}
			}
		}
	}
	return nil
}

// sent writes a round with its sheets and tells the recipients.
func (b *Burden) sent(ctx context.Context, tx *store.Tx, r *report, o *round, all []org.Unit, rows [][]Row, x *filler) error {
	if r.Period == "once" {
		n, err := store.Value[int](ctx, tx, `SELECT count(*) FROM burden_round WHERE report = $1`, r.ID)
		if err == nil && n > 0 {
			err = errs.New(errs.Conflict, "burden.once", r.Title)
		}
		if err != nil {
			return err
		}
	}
	if err := insertRound(ctx, tx, o); err != nil {
		return err
	}
	m, err := b.meters(ctx, tx, r, all)
	if err != nil {
		return err
	}
	for i, u := range all {
		s := &sheet{ID: id.New(), Round: o.ID, Report: r.ID, Title: r.Title, RoundTitle: o.Title, Due: o.Due, State: todo, Unit: u.ID, UnitName: u.Name, Street: u.Street, StreetUnit: m[i].StreetUnit, Sender: r.Unit, SenderStreet: r.Street, At: o.At, Version: 1}
		s.Body.V = append([]Row{}, rows[i]...)
		if err := insertSheet(ctx, tx, s); err != nil {
			return err
		}
		m[i].ID = s.ID
		if err := b.remind(ctx, tx, s, "burden.told_sheet"); err != nil {
			return err
		}
	}
	if err := insertMeters(ctx, tx, m); err != nil {
		return err
	}
	if err := x.spend(ctx, tx); err != nil {
		return err
	}
	if err := b.bus.Emit(ctx, tx, "burden.sent", Told{Report: r.ID, Title: r.Title, Unit: r.Unit, Round: o.ID}); err != nil {
		return err
	}
	e := audit.Entry{Action: "burden.send", Object: "burden", ID: r.ID, Title: r.Title, Purpose: r.Purpose,
		Detail: map[string]any{"round": o.Title, "due": o.Due, "recipients": len(all), "records": x.records(), "lacking": len(o.Lacking.V)}}
	if r.List && x.records() > 0 { // rows are about somebody
		e.Personal, e.Subjects = true, x.records()
	}
	return b.audit.Record(ctx, tx, e)
}

// remind tells who leads the recipient, or all of it where nobody does, that a sheet waits.
func (b *Burden) remind(ctx context.Context, tx *store.Tx, s *sheet, key string) error {
	to, err := b.org.Leaders(ctx, tx, s.Unit)
	if err == nil && len(to) == 0 {
		to, err = b.org.At(ctx, tx, s.Unit)
	}
	if err != nil {
		return err
	}
	return b.tell(ctx, tx, to, notify.Task, key, []any{s.Title, s.RoundTitle, s.Due}, "/burden/sheets/"+s.ID, s.ID)
}

// Round is one sending of a report in a list.
type Round struct {
	ID         string     `json:"id"`
	Report     string     `json:"report"`
	Title      string     `json:"title" doc:"of the period"`
	Due        string     `json:"due"`
	State      string     `json:"state" enum:"open,closed"`
	Recipients int64      `json:"recipients"`
	Submitted  int64      `json:"submitted"`
	At         store.Time `json:"at"`
}

// Progress is how far the recipients of one street are.
type Progress struct {
	Street    string `json:"street" doc:"id of the unit, empty for those below no street"`
	Name      string `json:"name"`
	All       int64  `json:"all"`
	Submitted int64  `json:"submitted"`
	Filling   int64  `json:"filling"`
	Returned  int64  `json:"returned"`
}

// RoundBody is a round with where it stands.
type RoundBody struct {
	Round
	ReportTitle string     `json:"reportTitle"`
	Lacking     []Lack     `json:"lacking" nullable:"false" doc:"entries whose data could not be used"`
	Streets     []Progress `json:"streets" nullable:"false" doc:"of the sheets the caller sees"`
	Mine        bool       `json:"mine" doc:"the caller's unit sent it"`
}

type roundsIn struct {
	Report string `query:"report" maxLength:"40"`
	store.Page
}
type roundsOut struct{ Body store.Listed[Round] }

func (b *Burden) listRounds(ctx context.Context, in *roundsIn) (*roundsOut, error) {
	var where []store.Cond
	if in.Report != "" {
		where = append(where, store.C("r.report = $1", in.Report))
	}
	type counted struct {
		round
		n int64
	}
	all, err := store.List(ctx, b.db, store.Query[counted]{Select: `SELECT ` + roundColumns + `, (SELECT count(*) FROM burden_sheet d WHERE d.round_id = r.id AND d.state = 'submitted') FROM burden_round r`, Scope: roundScope(ctx), Where: where,
		Keys: []string{"r.at", "r.id"}, Desc: true, Page: in.Page, Scan: func(c *counted) []any { return append(scanRound(&c.round), &c.n) }, Cursor: func(c *counted) []any { return []any{c.At, c.ID} }})
	out := &roundsOut{store.Listed[Round]{Items: []Round{}, Next: all.Next}}
	for _, c := range all.Items {
		out.Body.Items = append(out.Body.Items, c.line(c.n))
	}
	return out, err
}

func (r *round) line(done int64) Round {
	return Round{ID: r.ID, Report: r.Report, Title: r.Title, Due: r.Due, State: r.State, Recipients: r.Recipients, Submitted: done, At: r.At}
}

type roundIn struct {
	ID string `path:"id" maxLength:"40"`
}

func (b *Burden) showRound(ctx context.Context, in *roundIn) (*roundOut, error) {
	o, err := findRound(ctx, b.db, store.And(store.C("r.id = $1", in.ID), roundScope(ctx).Cond()))
	if err != nil {
		return nil, err
	}
	r, err := findReport(ctx, b.db, store.C("a.id = $1", o.Report))
	if err != nil {
		return nil, err
	}
	out := &roundOut{RoundBody{ReportTitle: r.Title, Lacking: append([]Lack{}, o.Lacking.V...), Streets: []Progress{}}}
	where := store.And(store.C("s.round_id = $1", o.ID), sheetScope(ctx).Cond())
	all, err := store.All(ctx, b.db, func(p *Progress) []any { return []any{&p.Street, &p.All, &p.Submitted, &p.Filling, &p.Returned} },
		`SELECT s.street_unit, count(*), count(*) FILTER (WHERE s.state = 'submitted'), count(*) FILTER (WHERE s.state = 'filling'), count(*) FILTER (WHERE s.state = 'returned')
		FROM burden_sheet s WHERE `+where.SQL+` GROUP BY s.street_unit ORDER BY s.street_unit`, where.Args...)
	if err != nil {
		return nil, err
	}
	ids, done := []string{}, int64(0)
	for _, p := range all {
		ids, done = append(ids, p.Street), done+p.Submitted
	}
	names, err := b.org.UnitNames(ctx, b.db, ids)
	for _, p := range all {
		p.Name = names[p.Street]
		out.Body.Streets = append(out.Body.Streets, p)
	}
	out.Body.Round = o.line(done)
	if err == nil {
		out.Body.Mine, err = b.drafts(ctx, b.db, r.ID)
	}
	return out, err
}

// ownRound is a round of the actor's unit that has not been closed.
func (b *Burden) ownRound(ctx context.Context, tx *store.Tx, id string) (round, error) {
	o, err := findRound(ctx, tx, store.And(store.C("r.id = $1", id), authz.WhereCols(ctx, "burden.draft", authz.Cols{Unit: "r.unit_id", Street: "r.street", Owner: "r.owner"}).Cond()))
	if err == nil && o.State != "open" {
		err = errs.New(errs.Conflict, "burden.round_closed", o.Title)
	}
	return o, err
}

type urgedOut struct {
	Body struct {
		Told int `json:"told" doc:"recipients"`
	}
}

// urge reminds who has not submitted yet; a sheet once a day.
func (b *Burden) urge(ctx context.Context, in *roundIn) (*urgedOut, error) {
	out := &urgedOut{}
	err := b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		o, err := b.ownRound(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		now := b.now()
		late, err := store.All(ctx, tx, scanSheet, `SELECT `+sheetColumns+` FROM burden_sheet s WHERE s.round_id = $1 AND s.state <> 'submitted' AND s.urged_at < $2 ORDER BY s.id`, o.ID, store.At(now.AddDate(0, 0, -1)))
		if err != nil {
			return err
		}
		for i := range late {
			s := &late[i]
			if err := b.remind(ctx, tx, s, "burden.told_urged"); err != nil {
				return err
			}
			if err := store.Exec(ctx, tx, `UPDATE burden_sheet SET urged_at = $1 WHERE id = $2`, store.At(now), s.ID); err != nil {
				return err
			}
		}
		out.Body.Told = len(late)
		return b.audit.Record(ctx, tx, audit.Entry{Action: "burden.urge", Object: "burden", ID: o.Report, Title: o.Title, Detail: map[string]any{"recipients": len(late)}})
	})
	return out, err
}

// closeRound ends a round: nothing is submitted any more.
func (b *Burden) closeRound(ctx context.Context, in *roundIn) (*roundOut, error) {
	err := b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		o, err := b.ownRound(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		if err := store.ExecOne(ctx, tx, `UPDATE burden_round SET state = 'closed' WHERE id = $1 AND state = 'open'`, o.ID); err != nil {
			return err
		}
		return b.audit.Record(ctx, tx, audit.Entry{Action: "burden.close", Object: "burden", ID: o.Report, Title: o.Title})
	})
	if err != nil {
		return nil, err
	}
	return b.showRound(ctx, in)
}
