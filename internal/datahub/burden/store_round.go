package burden

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/authz"
)

// round is one row of burden_round.
type round struct {
	ID, Report, Title, Due, State string
	Recipients                    int64
	Lacking                       store.JSON[[]Lack]
	Unit, Street, Owner           string
	At                            store.Time
}

const roundColumns = `r.id, r.report, r.title, r.due, r.state, r.recipients, r.lacking, r.unit_id, r.street, r.owner, r.at`

func scanRound(r *round) []any {
	return []any{&r.ID, &r.Report, &r.Title, &r.Due, &r.State, &r.Recipients, &r.Lacking, &r.Unit, &r.Street, &r.Owner, &r.At}
}

// roundScope is which rounds the actor sees: his unit's, and those of the whole district for who checks or watches; a street's officer sees those that reach his street.
func roundScope(ctx context.Context) store.Scope {
	cols := authz.Cols{Unit: "r.unit_id", Street: "r.street", Owner: "r.owner"}
	reached := watching(ctx)
	return store.Scoped(store.Or(authz.WhereCols(ctx, "burden.draft", cols).Cond(), authz.WhereCols(ctx, "burden.check", cols).Cond(),
		store.Cond{SQL: "EXISTS (SELECT 1 FROM burden_sheet s WHERE s.round_id = r.id AND " + reached.SQL + ")", Args: reached.Args}))
}

// watching is which sheets s the actor watches.
func watching(ctx context.Context) store.Cond {
	return authz.WhereCols(ctx, "burden.watch", sheetCols).Cond()
}

func findRound(ctx context.Context, q store.Queryer, where store.Cond) (round, error) {
	r, err := store.One(ctx, q, scanRound, `SELECT `+roundColumns+` FROM burden_round r WHERE `+where.SQL, where.Args...)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "burden.no_round")
	}
	return r, err
}

func insertRound(ctx context.Context, tx *store.Tx, r *round) error {
	return store.Exec(ctx, tx, `INSERT INTO burden_round (id, report, title, due, state, recipients, lacking, unit_id, street, owner, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		r.ID, r.Report, r.Title, r.Due, r.State, r.Recipients, r.Lacking, r.Unit, r.Street, r.Owner, r.At)
}

const sheetColumns = `s.id, s.round_id, s.report, s.title, s.round_title, s.due, s.state, s.body, s.unit_id, s.unit_name, s.street, s.street_unit, s.sender, s.sender_street, s.opened_at, s.touched_at, s.spent,
	s.submitted_at, s.by_id, s.by_name, s.reason, s.urged_at, s.at, s.version`

func scanSheet(s *sheet) []any {
	return []any{&s.ID, &s.Round, &s.Report, &s.Title, &s.RoundTitle, &s.Due, &s.State, &s.Body, &s.Unit, &s.UnitName, &s.Street, &s.StreetUnit, &s.Sender, &s.SenderStreet, &s.Opened, &s.Touched, &s.Spent,
		&s.Submitted, &s.By, &s.ByName, &s.Reason, &s.Urged, &s.At, &s.Version}
}

// ownSheets is which sheets s the actor fills in; sentSheets which his unit sent.
func ownSheets(ctx context.Context) store.Cond {
	return authz.WhereCols(ctx, "burden.fill", sheetCols).Cond()
}

func sentSheets(ctx context.Context) store.Cond {
	return authz.WhereCols(ctx, "burden.draft", senderCols).Cond()
}

// sheetScope is which sheets the actor sees at all.
func sheetScope(ctx context.Context) store.Scope {
	return store.Scoped(store.Or(ownSheets(ctx), sentSheets(ctx), watching(ctx), authz.WhereCols(ctx, "burden.check", sheetCols).Cond()))
}

func findSheet(ctx context.Context, q store.Queryer, where store.Cond) (sheet, error) {
	s, err := store.One(ctx, q, scanSheet, `SELECT `+sheetColumns+` FROM burden_sheet s WHERE `+where.SQL, where.Args...)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "burden.no_sheet")
	}
	return s, err
}

func insertSheet(ctx context.Context, tx *store.Tx, s *sheet) error {
	return store.Exec(ctx, tx, `INSERT INTO burden_sheet (id, round_id, report, title, round_title, due, state, body, unit_id, unit_name, street, street_unit, sender, sender_street, at, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		s.ID, s.Round, s.Report, s.Title, s.RoundTitle, s.Due, s.State, s.Body, s.Unit, s.UnitName, s.Street, s.StreetUnit, s.Sender, s.SenderStreet, s.At, s.Version)
}

// saveSheet writes what may change of a sheet over the version before s's; Conflict when that is not the present one.
func saveSheet(ctx context.Context, tx *store.Tx, s *sheet) error {
	s.Version++
	return store.ExecOne(ctx, tx, `UPDATE burden_sheet SET state = $1, body = $2, opened_at = $3, touched_at = $4, spent = $5, submitted_at = $6, by_id = $7, by_name = $8, reason = $9, urged_at = $10, version = $11
		WHERE id = $12 AND version = $13`, s.State, s.Body, s.Opened, s.Touched, s.Spent, s.Submitted, s.By, s.ByName, s.Reason, s.Urged, s.Version, s.ID, s.Version-1)
}

// lockedSheet returns a sheet nobody else writes until the transaction ends.
func lockedSheet(ctx context.Context, tx *store.Tx, id string, scope store.Cond) (sheet, error) {
	if err := store.Lock(ctx, tx, "burden_sheet", id); err != nil {
		return sheet{}, err
	}
	return findSheet(ctx, tx, store.And(store.C("s.id = $1", id), scope))
}

// meterRow is one row of burden_meter.
type meterRow struct {
	ID, Report, Title, Month, Unit, UnitName, Street, StreetUnit, StreetName, Sender, SenderStreet, SenderName string
	Asked, Prefilled, Shared, Refused                                                                          int64
}

func insertMeters(ctx context.Context, tx *store.Tx, all []meterRow) error {
	for _, m := range all {
		err := store.Exec(ctx, tx, `INSERT INTO burden_meter (id, report, title, month, unit_id, unit_name, street, street_unit, street_name, sender, sender_street, sender_name, asked, prefilled, shared, refused)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
			m.ID, m.Report, m.Title, m.Month, m.Unit, m.UnitName, m.Street, m.StreetUnit, m.StreetName, m.Sender, m.SenderStreet, m.SenderName, m.Asked, m.Prefilled, m.Shared, m.Refused)
		if err != nil {
			return err
		}
	}
	return nil
}
