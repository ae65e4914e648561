package audit

import (
	"context"
	"database/sql"

	"qushu/internal/base/store"
)

// columns are those a record is written with; tx, its place in the order of commits, comes behind them.
const columns = `id, at, person, account, name, admin, unit, post, session, ip, agent, trace, action, object, object_id, title, personal, subjects, purpose, result, detail, mac`

// selectRow reads records with their places in the chain, 0 and "" where there is none yet.
const selectRow = `SELECT ` + columns + `, coalesce(seq, 0), coalesce(hash, '') FROM audit LEFT JOIN audit_link ON record = id`

// scan reads a row even when somebody put into a column what does not belong there: the row is then
// marked unreadable instead of stopping the chain, the list and the verification.
func scan(r *Row) []any {
	return []any{&r.ID, lax{&r.At, r}, &r.Person, &r.Account, &r.Name, &r.Admin, &r.Unit, &r.Post, &r.Session, &r.IP, &r.Agent, &r.Trace,
		&r.Action, &r.Object, &r.ObjectID, &r.Title, lax{&r.Personal, r}, lax{&r.Subjects, r}, &r.Purpose, &r.Result, lax{&r.Detail, r}, &r.MAC,
		lax{&r.Seq, r}, &r.Hash}
}

// lax scans into dst, and notes in row what dst cannot take. SQLite keeps any kind of value in any column.
type lax struct {
	dst any
	row *Row
}

// Scan implements sql.Scanner.
func (l lax) Scan(v any) error {
	ok := false
	switch d := l.dst.(type) {
	case *int64:
		*d, ok = v.(int64)
	case *int:
		var n int64
		n, ok = v.(int64)
		*d = int(n)
	case *bool:
		switch v := v.(type) {
		case bool:
			*d, ok = v, true
		case int64:
			*d, ok = v == 1, v == 0 || v == 1
		}
	case sql.Scanner:
		ok = d.Scan(v) == nil
	}
	if !ok {
		l.row.unreadable = true
	}
	return nil
}

// numbered are the numbers of transactions that SQLite has given out.
const numbered = `SELECT max(tx) AS n FROM audit UNION ALL SELECT seen FROM audit_head`

func insert(ctx context.Context, tx *store.Tx, r Row) error {
	return store.Later(ctx, tx, `INSERT INTO audit (`+columns+`, tx) VALUES
		($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, `+tx.Number(numbered)+`)`,
		r.ID, r.At, r.Person, r.Account, r.Name, r.Admin, r.Unit, r.Post, r.Session, r.IP, r.Agent, r.Trace, r.Action,
		r.Object, r.ObjectID, r.Title, r.Personal, r.Subjects, r.Purpose, string(r.Result), r.Detail, r.MAC)
}
