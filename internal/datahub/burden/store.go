package burden

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/authz"
)

const reportColumns = `a.id, a.title, a.purpose, a.basis, a.period, a.level, a.is_list, a.expected, a.due, a.targets, a.recipients, a.fields, a.state, a.verdict, a.reason, a.asked, a.prefilled, a.shared, a.struck,
	a.unit_id, a.street, a.owner, a.owner_name, a.at, a.filed_at, a.changed_at, a.approved_at, a.until_at, a.version, a.case_id, a.number, a.step, a.case_state, a.holder, a.due_at, a.closed_at, a.late`

func scanReport(r *report) []any {
	return []any{&r.ID, &r.Title, &r.Purpose, &r.Basis, &r.Period, &r.Level, &r.List, &r.Expected, &r.Due, &r.Targets, &r.Recipients, &r.Fields, &r.State, &r.Verdict, &r.Reason, &r.Asked, &r.Prefilled, &r.Shared, &r.Struck,
		&r.Unit, &r.Street, &r.Owner, &r.OwnerName, &r.At, &r.Filed, &r.Changed, &r.ApprovedAt, &r.Until, &r.Version, &r.Case, &r.Number, &r.Step, &r.CaseState, &r.Holder, &r.DueAt, &r.Closed, &r.Late}
}

func findReport(ctx context.Context, q store.Queryer, where store.Cond) (report, error) {
	r, err := store.One(ctx, q, scanReport, `SELECT `+reportColumns+` FROM burden a WHERE `+where.SQL, where.Args...)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "burden.missing")
	}
	return r, err
}

func insertReport(ctx context.Context, tx *store.Tx, r *report) error {
	return store.Exec(ctx, tx, `INSERT INTO burden (id, title, purpose, basis, period, level, is_list, expected, due, targets, recipients, fields, state, asked, prefilled, shared, struck,
		unit_id, street, owner, owner_name, at, changed_at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)`,
		r.ID, r.Title, r.Purpose, r.Basis, r.Period, r.Level, r.List, r.Expected, r.Due, r.Targets, r.Recipients, r.Fields, string(r.State), r.Asked, r.Prefilled, r.Shared, r.Struck,
		r.Unit, r.Street, r.Owner, r.OwnerName, r.At, r.Changed, r.Version)
}

// saveReport writes all that may change of a report over the version before r's; Conflict when that is not the present one.
func saveReport(ctx context.Context, tx *store.Tx, r *report) error {
	r.Version++
	return store.ExecOne(ctx, tx, `UPDATE burden SET title = $1, purpose = $2, basis = $3, period = $4, level = $5, is_list = $6, expected = $7, due = $8, targets = $9, recipients = $10, fields = $11, state = $12,
		verdict = $13, reason = $14, asked = $15, prefilled = $16, shared = $17, struck = $18, filed_at = $19, changed_at = $20, approved_at = $21, until_at = $22, case_id = $23, number = $24, step = $25,
		case_state = $26, holder = $27, due_at = $28, closed_at = $29, late = $30, version = $31 WHERE id = $32 AND version = $33`,
		r.Title, r.Purpose, r.Basis, r.Period, r.Level, r.List, r.Expected, r.Due, r.Targets, r.Recipients, r.Fields, string(r.State),
		r.Verdict, r.Reason, r.Asked, r.Prefilled, r.Shared, r.Struck, r.Filed, r.Changed, r.ApprovedAt, r.Until, r.Case, r.Number, r.Step,
		r.CaseState, r.Holder, r.DueAt, r.Closed, r.Late, r.Version, r.ID, r.Version-1)
}

// locked returns a report nobody else decides on until the transaction ends.
func locked(ctx context.Context, tx *store.Tx, id string) (report, error) {
	if err := store.Lock(ctx, tx, "burden", id); err != nil {
		return report{}, err
	}
	return findReport(ctx, tx, store.C("a.id = $1", id))
}

var (
	reportCols = authz.Cols{Unit: "a.unit_id", Street: "a.street", Owner: "a.owner"}
	sheetCols  = authz.Cols{Unit: "s.unit_id", Street: "s.street"}
	senderCols = authz.Cols{Unit: "s.sender", Street: "s.sender_street"}
)

// drafting is which reports a the actor may draft and send; checking which he checks or watches.
func drafting(ctx context.Context) store.Cond {
	return authz.WhereCols(ctx, "burden.draft", reportCols).Cond()
}

func checking(ctx context.Context) store.Cond {
	return store.And(store.C("a.state <> 'draft'"), store.Or(authz.WhereCols(ctx, "burden.check", reportCols).Cond(), authz.WhereCols(ctx, "burden.watch", authz.Cols{Unit: "a.unit_id"}).Cond()))
}

// visible is which reports the actor sees: his unit's, those he checks, and what is approved, which everybody may know (报表准入清单).
func visible(ctx context.Context) store.Scope {
	return store.Scoped(store.Or(store.C("a.state = 'approved'"), drafting(ctx), checking(ctx)))
}

// seen returns a report the actor may read: by his reach, or since he takes part in its case.
func (b *Burden) seen(ctx context.Context, q store.Queryer, id string) (report, error) {
	r, err := findReport(ctx, q, store.And(store.C("a.id = $1", id), visible(ctx).Cond()))
	if !errs.Is(err, errs.Missing) {
		return r, err
	}
	whole, missed := findReport(ctx, q, store.C("a.id = $1", id))
	if missed != nil || whole.Case == "" {
		return r, err
	}
	if _, part, failed := b.flow.Holds(ctx, q, whole.Case, authz.From(ctx).Person); failed != nil || part {
		return whole, failed
	}
	return r, err
}
