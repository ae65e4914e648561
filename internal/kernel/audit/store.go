package audit

import (
	"context"

	"qushu/internal/base/store"
)

const columns = `id, seq, at, person, account, name, admin, unit, post, session, ip, agent, trace, action, object, object_id, title, personal, subjects, purpose, result, detail, mac, hash`

func scan(r *Row) []any {
	return []any{&r.ID, &r.Seq, &r.At, &r.Person, &r.Account, &r.Name, &r.Admin, &r.Unit, &r.Post, &r.Session, &r.IP, &r.Agent, &r.Trace, &r.Action,
		&r.Object, &r.ObjectID, &r.Title, &r.Personal, &r.Subjects, &r.Purpose, &r.Result, &r.Detail, &r.MAC, &r.Hash}
}

func insert(ctx context.Context, q store.Queryer, r Row) error {
	return store.Exec(ctx, q, `INSERT INTO audit (`+columns+`) VALUES
		($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)`,
		r.ID, r.Seq, r.At, r.Person, r.Account, r.Name, r.Admin, r.Unit, r.Post, r.Session, r.IP, r.Agent, r.Trace, r.Action,
		r.Object, r.ObjectID, r.Title, r.Personal, r.Subjects, r.Purpose, string(r.Result), r.Detail, r.MAC, r.Hash)
}
