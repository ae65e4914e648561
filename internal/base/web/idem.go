package web

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

//go:embed schema/*.sql
var schema embed.FS

// Migrate makes this package's table.
func Migrate(ctx context.Context, db *store.DB) error { return db.Migrate(ctx, "web", schema) }

// Once runs fn at most once for each Idempotency-Key of a subject: the key is inserted in the
// transaction of the change itself, so that a repeat after any cut finds either the change or nothing.
// keep says whether the answer may be stored for the repeat; an answer that shows a secret may not.
func Once[In, Out any](ctx context.Context, db *store.DB, route string, keep bool, in *In, fn func(context.Context, *In) (*Out, error)) (*Out, error) {
	q := From(ctx)
	if q.Key == "" || q.Who == "" {
		return fn(ctx, in)
	}
	var body any = in
	if !keep { // a digest of a password or a code could be guessed from
		body = nil
	}
	sum, err := digest(route, body)
	if err != nil {
		return nil, err
	}
	if out, err := replay[Out](ctx, db, q, sum); out != nil || err != nil {
		return out, err
	}
	first := store.WithFirst(ctx, func(ctx context.Context, tx *store.Tx) error {
		err := store.Exec(ctx, tx, `INSERT INTO web_request (who, key, digest, at, answer) VALUES ($1, $2, $3, $4, $5)`,
			q.Who, q.Key, sum, store.At(time.Now()), store.JSON[json.RawMessage]{V: json.RawMessage("{}")})
		if store.IsDuplicate(err) {
			return errs.New(errs.Conflict, "web.repeated")
		}
		return err
	})
	out, err := fn(first, in)
	if errs.KeyOf(err) == "web.repeated" { // the first one finished while this one began
		if again, e := replay[Out](ctx, db, q, sum); again != nil || e != nil {
			return again, e
		}
	}
	if err != nil || !keep {
		return out, err
	}
	if b, e := json.Marshal(out); e == nil && len(b) < 64<<10 && b[0] == '{' {
		// Best effort: without it the repeat is told that the change is already made.
		_ = store.Exec(context.WithoutCancel(ctx), db, `UPDATE web_request SET answer = $1, answered = TRUE WHERE who = $2 AND key = $3`, string(b), q.Who, q.Key)
	}
	return out, nil
}

func digest(route string, in any) (string, error) {
	b, err := json.Marshal(in)
	if err != nil {
		return "", fmt.Errorf("web: %w", err)
	}
	h := sha256.Sum256(append([]byte(route+"\n"), b...))
	return hex.EncodeToString(h[:]), nil
}

type kept struct {
	digest, answer string
	answered       bool
}

func replay[Out any](ctx context.Context, db *store.DB, q *Request, sum string) (*Out, error) {
	k, err := store.One(ctx, db, func(k *kept) []any { return []any{&k.digest, &k.answer, &k.answered} },
		`SELECT digest, answer, answered FROM web_request WHERE who = $1 AND key = $2`, q.Who, q.Key)
	if errs.Is(err, errs.Missing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if k.digest != sum {
		return nil, errs.New(errs.Invalid, "web.key_reused")
	}
	if !k.answered {
		return nil, errs.New(errs.Conflict, "web.repeated")
	}
	out := new(Out)
	if err := json.Unmarshal([]byte(k.answer), out); err != nil {
		return nil, errs.Wrap(err, errs.Conflict, "web.repeated")
	}
	return out, nil
}

// Forget drops keys older than a day.
func Forget(ctx context.Context, db *store.DB) error {
	return store.Exec(ctx, db, `DELETE FROM web_request WHERE at < $1`, store.At(time.Now().Add(-24*time.Hour)))
}
