package forms

import (
	"context"
	"strconv"
	"time"

	"qushu/internal/apps/forms/internal/app"
	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

// Entry is one filled-in form.
type Entry struct {
	ID        string
	App       string
	AppNumber int64 // version of the declaration
	Data      app.Data
	Title     string
	Level     string
	Outcome   string
	Case      string // "" of a draft
	Number    string
	Step      string // what it waits for, as people call it
	AtStep    string // its key; of several the first
	State     string
	Holder    string
	Late      bool
	Due       store.Time
	Closed    store.Time
	Unit      string
	FromUnit  string
	Street    string
	Owner     string
	OwnerName string
	At        store.Time
	Version   int64
}

// stateDraft is the state of an entry that is not filed yet; the others are those of the case.
const stateDraft = "draft"

const entryColumns = `e.id, e.app, e.app_number, e.data, e.title, e.level, e.outcome, e.case_id, e.number, e.step, e.at_step, e.state, e.holder, e.late, e.due_at, e.closed_at,
	e.unit_id, e.from_unit, e.street, e.owner, e.owner_name, e.at, e.version`

func scanEntry(e *Entry) []any {
	return []any{&e.ID, &e.App, &e.AppNumber, dataIn{&e.Data}, &e.Title, &e.Level, &e.Outcome, &e.Case, &e.Number, &e.Step, &e.AtStep, &e.State, &e.Holder, &e.Late, &e.Due, &e.Closed,
		&e.Unit, &e.FromUnit, &e.Street, &e.Owner, &e.OwnerName, &e.At, &e.Version}
}

// dataIn scans the JSON column.
type dataIn struct{ to *app.Data }

// Scan implements sql.Scanner.
func (d dataIn) Scan(v any) error {
	var j store.JSON[app.Data]
	err := j.Scan(v)
	*d.to = j.V
	return err
}

func findEntry(ctx context.Context, q store.Queryer, which store.Cond) (Entry, error) {
	e, err := store.One(ctx, q, scanEntry, `SELECT `+entryColumns+` FROM forms_entry e WHERE `+which.SQL, which.Args...)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "forms.no_entry")
	}
	return e, err
}

func insertEntry(ctx context.Context, tx *store.Tx, e *Entry) error {
	return store.Exec(ctx, tx, `INSERT INTO forms_entry (id, app, app_number, data, title, level, outcome, case_id, number, step, at_step, state, holder, late, due_at, closed_at,
		unit_id, from_unit, street, owner, owner_name, at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)`,
		e.ID, e.App, e.AppNumber, store.JSON[app.Data]{V: e.Data}, e.Title, e.Level, e.Outcome, e.Case, e.Number, e.Step, e.AtStep, e.State, e.Holder, e.Late, e.Due, e.Closed,
		e.Unit, e.FromUnit, e.Street, e.Owner, e.OwnerName, e.At, e.Version)
}

// saveEntry replaces the version before e's; Conflict when that is not the present one.
func saveEntry(ctx context.Context, tx *store.Tx, e *Entry) error {
	e.Version++
	return store.ExecOne(ctx, tx, `UPDATE forms_entry SET data = $1, title = $2, level = $3, outcome = $4, case_id = $5, number = $6, step = $7, at_step = $8, state = $9, holder = $10, late = $11,
		due_at = $12, closed_at = $13, unit_id = $14, street = $15, at = $16, version = $17 WHERE id = $18 AND version = $19`,
		store.JSON[app.Data]{V: e.Data}, e.Title, e.Level, e.Outcome, e.Case, e.Number, e.Step, e.AtStep, e.State, e.Holder, e.Late,
		e.Due, e.Closed, e.Unit, e.Street, e.At, e.Version, e.ID, e.Version-1)
}

func deleteEntry(ctx context.Context, tx *store.Tx, e *Entry) error {
	return store.ExecOne(ctx, tx, `DELETE FROM forms_entry WHERE id = $1 AND version = $2 AND state = 'draft'`, e.ID, e.Version)
}

// saveIndex replaces an entry's rows of the index.
func saveIndex(ctx context.Context, tx *store.Tx, e *Entry, rows []app.Row) error {
	if err := store.Exec(ctx, tx, `DELETE FROM forms_index WHERE entry = $1`, e.ID); err != nil {
		return err
	}
	for at := 0; at < len(rows); at += 50 {
		part := rows[at:min(at+50, len(rows))]
		args := make([]any, 0, 6*len(part))
		sql := `INSERT INTO forms_index (entry, app, field, n, text, num) VALUES `
		for i, r := range part {
			if i > 0 {
				sql += ", "
			}
			sql += "(" + marks(6*i+1, 6) + ")"
			args = append(args, e.ID, e.App, r.Field, r.N, r.Text, r.Num)
		}
		if err := store.Exec(ctx, tx, sql, args...); err != nil {
			return err
		}
	}
	return nil
}

func marks(from, n int) string {
	s := ""
	for i := range n {
		if i > 0 {
			s += ", "
		}
		s += "$" + strconv.Itoa(from+i)
	}
	return s
}

// where narrows a list to entries whose field is in the index with cond, which speaks of x.
func indexed(appKey, field string, cond store.Cond) store.Cond {
	in := store.And(store.C("x.app = $1 AND x.field = $2", appKey, field), cond)
	return store.Cond{SQL: `EXISTS (SELECT 1 FROM forms_index x WHERE x.entry = e.id AND ` + in.SQL + `)`, Args: in.Args}
}

// sorted is an entry with the value it is sorted by.
type sorted struct {
	Entry
	text string
	num  int64
}

// listEntries lists by time of filing, or by a field of the index; entries without that field come last in neither
// direction: they are left out of such a list by its inner join, as a person who sorts by a value expects one.
func listEntries(ctx context.Context, q store.Queryer, appKey string, scope store.Scope, where []store.Cond, by string, desc bool, page store.Page) (store.Listed[Entry], error) {
	where = append(where, store.C("e.app = $1", appKey))
	if by == "" {
		return store.List(ctx, q, store.Query[Entry]{Select: `SELECT ` + entryColumns + ` FROM forms_entry e`, Scope: scope, Where: where,
			Keys: []string{"e.at", "e.id"}, Desc: desc, Page: page, Scan: scanEntry, Cursor: func(e *Entry) []any { return []any{e.At, e.ID} }})
	}
	where = append(where, store.C("s.app = $1 AND s.field = $2 AND s.n = 0", appKey, by))
	all, err := store.List(ctx, q, store.Query[sorted]{Select: `SELECT ` + entryColumns + `, s.text, s.num FROM forms_entry e JOIN forms_index s ON s.entry = e.id`, Scope: scope, Where: where,
		Keys: []string{"s.num", "s.text", "e.id"}, Desc: desc, Page: page, Scan: func(s *sorted) []any { return append(scanEntry(&s.Entry), &s.text, &s.num) },
		Cursor: func(s *sorted) []any { return []any{s.num, s.text, s.ID} }})
	out := store.Listed[Entry]{Items: []Entry{}, Next: all.Next}
	for _, s := range all.Items {
		out.Items = append(out.Items, s.Entry)
	}
	return out, err
}

// setReminder plans a reminder; one that was sent stays sent unless its time moves.
func setReminder(ctx context.Context, tx *store.Tx, entry, key string, at time.Time) error {
	if at.IsZero() {
		return store.Exec(ctx, tx, `DELETE FROM forms_reminder WHERE entry = $1 AND key = $2 AND NOT sent`, entry, key)
	}
	return store.Exec(ctx, tx, `INSERT INTO forms_reminder (entry, key, at) VALUES ($1, $2, $3)
		ON CONFLICT (entry, key) DO UPDATE SET sent = forms_reminder.sent AND forms_reminder.at = excluded.at, at = excluded.at`, entry, key, store.At(at))
}

type reminder struct {
	entry, key string
	at         store.Time
}

func dueReminders(ctx context.Context, q store.Queryer, now time.Time) ([]reminder, error) {
	return store.All(ctx, q, func(r *reminder) []any { return []any{&r.entry, &r.key, &r.at} },
		`SELECT entry, key, at FROM forms_reminder WHERE NOT sent AND at <= $1 ORDER BY at, entry, key LIMIT 200`, store.At(now))
}

func sentReminder(ctx context.Context, tx *store.Tx, r reminder) error {
	return store.ExecOne(ctx, tx, `UPDATE forms_reminder SET sent = TRUE WHERE entry = $1 AND key = $2 AND at = $3 AND NOT sent`, r.entry, r.key, r.at)
}
