package identity

import (
	"context"
	"time"

	"qushu/internal/base/store"
)

// token is one row of identity_token.
type token struct {
	ID, Hash, Account, Name string
	Perms                   store.JSON[[]string]
	MadeBy                  string
	Created, Expires        store.Time
	Used, Revoked           store.Time
}

const tokenColumns = `t.id, t.hash, t.account, t.name, t.perms, t.made_by, t.created, t.expires, t.used, t.revoked`

func scanToken(t *token) []any {
	return []any{&t.ID, &t.Hash, &t.Account, &t.Name, &t.Perms, &t.MadeBy, &t.Created, &t.Expires, &t.Used, &t.Revoked}
}

func insertToken(ctx context.Context, q store.Queryer, t token) error {
	return store.Exec(ctx, q, `INSERT INTO identity_token (id, hash, account, name, perms, made_by, created, expires) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		t.ID, t.Hash, t.Account, t.Name, t.Perms, t.MadeBy, t.Created, t.Expires)
}

// liveTokens returns the tokens of an account that are not revoked, oldest first; expired ones stay to be seen.
func liveTokens(ctx context.Context, q store.Queryer, account string) ([]token, error) {
	return store.All(ctx, q, scanToken, `SELECT `+tokenColumns+` FROM identity_token t WHERE t.account = $1 AND t.revoked = 0 ORDER BY t.id`, account)
}

func revokeToken(ctx context.Context, q store.Queryer, account, id string, now time.Time) error {
	return store.ExecOne(ctx, q, `UPDATE identity_token SET revoked = $1 WHERE id = $2 AND account = $3 AND revoked = 0`, store.At(now), id, account)
}

// bearer is what one request's token leads to.
type bearer struct {
	token
	Login, AccountName, Person string
	Shut                       bool
}

func findBearer(ctx context.Context, q store.Queryer, hashes []string) (bearer, error) {
	in := store.In("t.hash", hashes)
	return store.One(ctx, q, func(b *bearer) []any {
		return append(scanToken(&b.token), &b.Login, &b.AccountName, &b.Person, &b.Shut)
	}, `SELECT `+tokenColumns+`, a.login, a.name, a.person, a.disabled OR a.waiting FROM identity_token t JOIN identity_account a ON a.id = t.account WHERE `+in.SQL, in.Args...)
}
