package burden

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/notify"
)

type proposeIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Field      string `json:"field" maxLength:"40" doc:"key"`
		Other      string `json:"other" maxLength:"40" doc:"id of the report that collects it"`
		OtherField string `json:"otherField" maxLength:"40" doc:"key"`
	}
}
type shareOut struct{ Body Share }

// propose asks another department to let its collection be used.
func (b *Burden) propose(ctx context.Context, in *proposeIn) (*shareOut, error) {
	made := id.New()
	err := b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		me := authz.From(ctx)
		r, err := locked(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		if r.Owner != me.Person || r.State != Draft && r.State != Returned {
			return errs.New(errs.Denied, "burden.not_yours")
		}
		o, err := findReport(ctx, tx, store.C("a.id = $1 AND a.state IN ('review', 'approved')", in.Body.Other))
		if err != nil {
			return err
		}
		f, ok := field(r.Fields.V, in.Body.Field)
		g, has := field(o.Fields.V, in.Body.OtherField)
		if !ok || !has || !alike(&r, &o) || f.RowKey || g.RowKey {
			return errs.New(errs.Invalid, "burden.cannot_share")
		}
		if err := store.Exec(ctx, tx, `DELETE FROM burden_share WHERE report = $1 AND field = $2 AND state <> 'agreed'`, r.ID, f.Key); err != nil {
			return err
		}
		if err := store.Exec(ctx, tx, `INSERT INTO burden_share (id, report, field, field_name, other, other_field, other_title, other_unit, state, unit_id, street, owner, at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'proposed', $9, $10, $11, $12)`,
			made, r.ID, f.Key, f.Name, o.ID, g.Key, o.Title, o.Unit, r.Unit, r.Street, r.Owner, store.At(b.now())); err != nil {
			return err
		}
		f.Decide = share
		r.Changed = store.At(b.now())
		if err := saveReport(ctx, tx, &r); err != nil {
			return err
		}
		names, err := b.org.UnitNames(ctx, tx, []string{r.Unit})
		if err != nil {
			return err
		}
		if err := b.tell(ctx, tx, []string{o.Owner}, notify.Task, "burden.told_propose", []any{names[r.Unit], r.Title, f.Name, o.Title}, "/burden/reports/"+o.ID, made); err != nil {
			return err
		}
		return b.audit.Record(ctx, tx, audit.Entry{Action: "burden.share", Object: "burden", ID: r.ID, Title: r.Title, Detail: map[string]any{"field": f.Key, "other": o.ID, "otherField": g.Key}})
	})
	if err != nil {
		return nil, err
	}
	return b.shareBy(ctx, made)
}

// alike reports whether rows of two reports can be told apart the same way: one row each, or lists about the same kind of thing.
func alike(r, o *report) bool {
	if !r.List || !o.List {
		return r.List == o.List
	}
	mine, theirs := about(r.Fields.V), about(o.Fields.V)
	return mine != nil && theirs != nil && mine.Kind == theirs.Kind
}

func (b *Burden) shareBy(ctx context.Context, id string) (*shareOut, error) {
	all, err := b.sharesWhere(ctx, store.C("h.id = $1", id))
	if err == nil && len(all) == 0 {
		err = errs.New(errs.Missing, "burden.no_share")
	}
	if err != nil {
		return nil, err
	}
	return &shareOut{all[0]}, nil
}

// sharesWhere are proposals the actor's unit makes or is to answer.
func (b *Burden) sharesWhere(ctx context.Context, which store.Cond) ([]Share, error) {
	mine := store.Or(authz.WhereCols(ctx, "burden.draft", authz.Cols{Unit: "h.unit_id", Street: "h.street", Owner: "h.owner"}).Cond(), authz.WhereCols(ctx, "burden.draft", authz.Cols{Unit: "h.other_unit"}).Cond())
	where := store.And(which, mine)
	all, err := store.All(ctx, b.db, scanShare, `SELECT `+shareColumns+` FROM burden_share h JOIN burden a ON a.id = h.report WHERE `+where.SQL+` ORDER BY h.at DESC, h.id LIMIT 200`, where.Args...)
	var units []string
	for _, s := range all {
		units = append(units, s.unit, s.otherUnit)
	}
	if err != nil {
		return nil, err
	}
	names, err := b.org.UnitNames(ctx, b.db, units)
	for i := range all {
		s := &all[i]
		s.UnitName, s.OtherName, s.Mine = names[s.unit], names[s.otherUnit], s.unit == authz.From(ctx).Home
	}
	return all, err
}

type sharesIn struct {
	Report string `query:"report" maxLength:"40" doc:"that asks or collects"`
}
type sharesOut struct {
	Body struct {
		Items []Share `json:"items" nullable:"false"`
	}
}

func (b *Burden) listShares(ctx context.Context, in *sharesIn) (*sharesOut, error) {
	which := store.C("TRUE")
	if in.Report != "" {
		which = store.C("(h.report = $1 OR h.other = $2)", in.Report, in.Report)
	}
	out := &sharesOut{}
	all, err := b.sharesWhere(ctx, which)
	out.Body.Items = append([]Share{}, all...)
	return out, err
}

type answerShareIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Agree  bool   `json:"agree"`
		Reason string `json:"reason" required:"false" maxLength:"300"`
	}
}

// answerShare agrees to a proposal, and the field of the report that asks is taken from the collection; or declines it.
func (b *Burden) answerShare(ctx context.Context, in *answerShareIn) (*shareOut, error) {
	found, err := b.shareBy(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	err = b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		r, err := locked(ctx, tx, found.Body.Report)
		if err != nil {
			return err
		}
		s, ok, err := shareIn(ctx, tx, r.ID, in.ID)
		switch {
		case err != nil:
			return err
		case !ok || s.State != proposed:
			return errs.New(errs.Conflict, "burden.share_answered")
		case s.otherUnit != authz.From(ctx).Home:
			return errs.New(errs.Denied, "burden.not_yours")
		}
		state := declined
		if in.Body.Agree {
			state = agreed
		}
		if f, ok := field(r.Fields.V, s.Field); ok && (r.State == Draft || r.State == Returned || r.State == Review) {
			if f.Decide, f.Other, f.OtherKey = "", "", ""; in.Body.Agree {
				f.Decide, f.Other, f.OtherKey = share, s.Other, s.OtherField
			}
			r.sum(b.seconds(ctx))
			if err := saveReport(ctx, tx, &r); err != nil {
				return err
			}
		}
		if err := store.ExecOne(ctx, tx, `UPDATE burden_share SET state = $1, reason = $2, answered_at = $3 WHERE id = $4 AND state = 'proposed'`, state, in.Body.Reason, store.At(b.now()), s.ID); err != nil {
			return err
		}
		key := "burden.told_declined"
		if in.Body.Agree {
			key = "burden.told_agreed"
		}
		if err := b.tell(ctx, tx, []string{s.owner}, notify.Info, key, []any{s.OtherTitle, s.FieldName, in.Body.Reason}, "/burden/reports/"+r.ID, s.ID); err != nil {
			return err
		}
		return b.audit.Record(ctx, tx, audit.Entry{Action: "burden.share", Object: "burden", ID: r.ID, Title: r.Title, Detail: map[string]any{"field": s.Field, "other": s.Other, "agreed": in.Body.Agree}})
	})
	if err != nil {
		return nil, err
	}
	return b.shareBy(ctx, in.ID)
}

func shareIn(ctx context.Context, q store.Queryer, report, id string) (Share, bool, error) {
	all, err := sharesOf(ctx, q, report)
	for _, s := range all {
		if s.ID == id {
			return s, true, err
		}
	}
	return Share{}, false, err
}
