package burden

import (
	"context"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/notify"
	"qushu/internal/room"
)

// Fix is what a recipient says is wrong in data that was filled in for it (校核纠错).
type Fix struct {
	ID        string     `json:"id"`
	Sheet     string     `json:"sheet"`
	Title     string     `json:"title" doc:"of the report"`
	FieldName string     `json:"fieldName"`
	Line      int64      `json:"line" doc:"row of the sheet, from 1"`
	Was       string     `json:"was"`
	Now       string     `json:"now"`
	Reason    string     `json:"reason"`
	EntryName string     `json:"entryName"`
	UnitName  string     `json:"unitName" doc:"who says so"`
	OwnerName string     `json:"ownerName"`
	Answer    string     `json:"answer" enum:",mended,right,later"`
	Ticket    string     `json:"ticket" doc:"id of the quality ticket it became; empty where no data is mounted, and the provider answers here"`
	Number    string     `json:"number" doc:"of that ticket"`
	Note      string     `json:"note"`
	At        store.Time `json:"at"`
	Answered  store.Time `json:"answeredAt"`
	Provides  bool       `json:"provides" doc:"the caller's unit provides the data and may answer"`

	provider, owner string
}

const fixColumns = `x.id, x.sheet, coalesce((SELECT title FROM burden WHERE id = x.report), ''), x.field_name, x.line, x.was, x.now_is, x.reason, x.entry_name, x.unit_name, x.owner_name, x.answer, x.answer_note, x.at, x.answered_at, x.provider, x.owner, x.ticket, x.ticket_number`

func scanFix(x *Fix) []any {
	return []any{&x.ID, &x.Sheet, &x.Title, &x.FieldName, &x.Line, &x.Was, &x.Now, &x.Reason, &x.EntryName, &x.UnitName, &x.OwnerName, &x.Answer, &x.Note, &x.At, &x.Answered, &x.provider, &x.owner, &x.Ticket, &x.Number}
}

// fixScope is which corrections the actor sees: his unit's, those of data it provides, and all for who checks.
func fixScope(ctx context.Context) store.Scope {
	return store.Scoped(store.Or(authz.WhereCols(ctx, "burden.fill", authz.Cols{Unit: "x.unit_id", Street: "x.street", Owner: "x.owner"}).Cond(), provided(ctx),
		authz.WhereCols(ctx, "burden.check", authz.Cols{Unit: "x.unit_id", Street: "x.street"}).Cond()))
}

func provided(ctx context.Context) store.Cond {
	cols := authz.Cols{Unit: "x.provider", Street: "x.provider_street"}
	return store.Or(authz.WhereCols(ctx, "burden.fill", cols).Cond(), authz.WhereCols(ctx, "burden.draft", cols).Cond())
}

type fixIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Row    int    `json:"row" minimum:"1" maximum:"5000"`
		Field  string `json:"field" maxLength:"40" doc:"key"`
		Value  string `json:"value" maxLength:"500" doc:"as it should be"`
		Reason string `json:"reason" minLength:"2" maxLength:"300"`
	}
}

// fix corrects a value that was filled in: the sheet has the new one, and who provides the data hears of it.
func (b *Burden) fix(ctx context.Context, in *fixIn) (*sheetOut, error) {
	err := b.writing(ctx, in.ID, 0, func(ctx context.Context, tx *store.Tx, s *sheet, r *report) error {
		f, ok := field(r.Fields.V, in.Body.Field)
		if !ok || in.Body.Row > len(s.Body.V) || s.Body.V[in.Body.Row-1][in.Body.Field].From == "" {
			return errs.New(errs.Invalid, "burden.not_filled_in")
		}
		row, value := s.Body.V[in.Body.Row-1], tidied(f, in.Body.Value)
		if key := wrong(f, value, b.now()); value != "" && key != "" {
			return errs.New(errs.Invalid, "burden.sheet_faults", 1).With(errs.Field{Name: "value", Key: key, Args: []any{f.Name, strings.Join(f.Choices, "、")}})
		}
		c := row[f.Key]
		x := Fix{ID: id.New(), Was: c.Value, Now: value, Reason: strings.TrimSpace(in.Body.Reason), EntryName: c.From}
		if c.Entry != "" {
			held, err := b.catalog(ctx, tx)
			if err != nil {
				return err
			}
			if e := held.entries[c.Entry]; e != nil {
				x.provider, x.EntryName = e.Unit, e.Name
			}
		}
		c.Value, c.Fixed = value, true
		row[f.Key] = c
		if s.State == todo {
			s.State = filling
		}
		if err := saveSheet(ctx, tx, s); err != nil {
			return err
		}
		return b.fixed(ctx, tx, s, r, f, &x, c.Entry, in.Body.Row)
	})
	if err != nil {
		return nil, err
	}
	return b.showSheet(ctx, &sheetIn{in.ID})
}

// fixed keeps a correction and tells who provides the data.
func (b *Burden) fixed(ctx context.Context, tx *store.Tx, s *sheet, r *report, f *Field, x *Fix, entry string, line int) error {
	me := authz.From(ctx)
	units, err := b.org.Units(ctx, tx, []string{x.provider})
	if err != nil {
		return err
	}
	if err := b.ticketed(ctx, tx, r, f, x, entry); err != nil {
		return err
	}
	if err := store.Exec(ctx, tx, `INSERT INTO burden_fix (id, sheet, report, field, field_name, line, was, now_is, reason, entry, entry_name, provider, provider_street, unit_id, unit_name, street, owner, owner_name, at, ticket, ticket_number)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`,
		x.ID, s.ID, r.ID, f.Key, f.Name, line, x.Was, x.Now, x.Reason, entry, x.EntryName, x.provider, units[x.provider].Street, s.Unit, s.UnitName, s.Street, me.Person, me.Name, store.At(b.now()), x.Ticket, x.Number); err != nil {
		return err
	}
	if x.provider != "" && x.Ticket == "" { // a ticket lies in the box of who provides it
		to, err := b.org.Leaders(ctx, tx, x.provider)
		if err != nil {
			return err
		}
		if err := b.tell(ctx, tx, to, notify.Info, "burden.told_fix", []any{s.UnitName, x.EntryName, f.Name}, "/burden/fixes", x.ID); err != nil {
			return err
		}
	}
	return b.audit.Record(ctx, tx, audit.Entry{Action: "burden.fix", Object: "burden_sheet", ID: s.ID, Title: s.Title, Detail: map[string]any{"field": f.Key, "entry": entry, "row": line, "ticket": x.Number}})
}

// ticketed makes a correction a quality ticket to who provides the data, where there is data behind the entry. What was and
// what is stays here: a ticket is read by people who may not see it.
func (b *Burden) ticketed(ctx context.Context, tx *store.Tx, r *report, f *Field, x *Fix, entry string) error {
	if entry == "" {
		return nil
	}
	set, columns, err := b.catalogue.Bound(ctx, tx, entry)
	if err != nil || set == "" {
		return err
	}
	x.Ticket, x.Number, err = b.quality.Report(ctx, tx, set, columns[f.Item], b.words.Text("zh", "burden.ticket_words", r.Title, f.Name, x.Reason))
	if errs.Is(err, errs.Missing) { // bound to data that has gone
		x.Ticket, x.Number, err = "", "", nil
	}
	return err
}

// ticketAnswered hears what the provider said of a ticket, and tells who had corrected.
func (b *Burden) ticketAnswered(ctx context.Context, e struct {
	Ticket string `json:"ticket"`
	Answer string `json:"answer"`
}) error {
	return b.db.Tx(room.BySystem(ctx), func(ctx context.Context, tx *store.Tx) error {
		all, err := store.All(ctx, tx, scanFix, `SELECT `+fixColumns+` FROM burden_fix x WHERE x.ticket = $1 AND x.answer <> $2`, e.Ticket, e.Answer)
		if err != nil {
			return err
		}
		for _, x := range all {
			if err := store.ExecOne(ctx, tx, `UPDATE burden_fix SET answer = $1, answered_at = $2 WHERE id = $3`, e.Answer, store.At(b.now()), x.ID); err != nil {
				return err
			}
			if err := b.tell(ctx, tx, []string{x.owner}, notify.Info, "burden.told_fix_"+e.Answer, []any{x.EntryName, x.FieldName, ""}, "/burden/fixes", x.ID); err != nil {
				return err
			}
			if err := b.audit.Record(ctx, tx, audit.Entry{Action: "burden.answer", Object: "burden_fix", ID: x.ID, Title: x.FieldName, Detail: map[string]any{"answer": e.Answer, "ticket": x.Number}}); err != nil {
				return err
			}
		}
		return nil
	})
}

type fixesIn struct {
	Open bool `query:"open" doc:"not answered yet"`
	store.Page
}
type fixesOut struct{ Body store.Listed[Fix] }

func (b *Burden) listFixes(ctx context.Context, in *fixesIn) (*fixesOut, error) {
	var where []store.Cond
	if in.Open {
		where = append(where, store.C("x.answer = ''"))
	}
	all, err := store.List(ctx, b.db, store.Query[Fix]{Select: `SELECT ` + fixColumns + ` FROM burden_fix x`, Scope: fixScope(ctx), Where: where,
		Keys: []string{"x.at", "x.id"}, Desc: true, Page: in.Page, Scan: scanFix, Cursor: func(x *Fix) []any { return []any{x.At, x.ID} }})
	if err != nil {
		return nil, err
	}
	reach, err := authz.Reach(ctx, b.db, "burden.draft")
	for i := range all.Items {
		x := &all.Items[i]
		x.Provides = x.Answer == "" && x.Ticket == "" && x.provider != "" && reach.Has(x.provider, "", "")
	}
	return &fixesOut{all}, err
}

type answerFixIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Answer string `json:"answer" enum:"mended,right"`
		Note   string `json:"note" required:"false" maxLength:"300"`
	}
}

// answerFix says what became of a correction, for who provides the data.
func (b *Burden) answerFix(ctx context.Context, in *answerFixIn) (*struct{}, error) {
	return nil, b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		where := store.And(store.C("x.id = $1", in.ID), authz.WhereCols(ctx, "burden.draft", authz.Cols{Unit: "x.provider", Street: "x.provider_street"}).Cond())
		x, err := store.One(ctx, tx, scanFix, `SELECT `+fixColumns+` FROM burden_fix x WHERE `+where.SQL, where.Args...)
		if errs.Is(err, errs.Missing) {
			return errs.New(errs.Missing, "burden.no_fix")
		}
		if err != nil {
			return err
		}
		if x.Ticket != "" {
			return errs.New(errs.Conflict, "burden.fix_by_ticket", x.Number)
		}
		if err := store.ExecOne(ctx, tx, `UPDATE burden_fix SET answer = $1, answer_note = $2, answered_at = $3 WHERE id = $4 AND answer = ''`, in.Body.Answer, in.Body.Note, store.At(b.now()), x.ID); err != nil {
			return err
		}
		if err := b.tell(ctx, tx, []string{x.owner}, notify.Info, "burden.told_fix_"+in.Body.Answer, []any{x.EntryName, x.FieldName, in.Body.Note}, "/burden/fixes", x.ID); err != nil {
			return err
		}
		return b.audit.Record(ctx, tx, audit.Entry{Action: "burden.answer", Object: "burden_fix", ID: x.ID, Title: x.FieldName, Detail: map[string]any{"answer": in.Body.Answer}})
	})
}
