package lookup

import (
	"context"
	"slices"

	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/kernel/codes"
)

// Relation is what a declared person is to who declares him.
type Relation string

// relSelf is the declarer himself; the others are his relatives (公务员回避规定 names those one keeps away from: spouse,
// direct line, collateral line within three generations, near in-laws).
const relSelf Relation = "self"

const (
	mostKin  = 30  // one person may declare
	counting = 365 // days a withdrawn declaration still counts: otherwise one would withdraw, look, and declare again
)

// kin is one declared person.
type kin struct {
	id       string
	person   string // who declared
	home     string
	relation Relation
	sealed   string
	at       store.Time
	ended    store.Time

	number string // in clear, for one look
}

// kinName is what declared numbers are indexed under.
const kinName = "lookup_kin.number"

func kinPlace(id string) string { return "lookup_kin.sealed/" + id }

const kinColumns = `id, person, home_id, relation, sealed, at, ended_at`

func scanKin(k *kin) []any {
	return []any{&k.id, &k.person, &k.home, &k.relation, &k.sealed, &k.at, &k.ended}
}

func allKin(ctx context.Context, q store.Queryer, where store.Cond) ([]kin, error) {
	return store.All(ctx, q, scanKin, `SELECT `+kinColumns+` FROM lookup_kin WHERE `+where.SQL+` ORDER BY at, id`, where.Args...)
}

func insertKin(ctx context.Context, tx *store.Tx, k kin, index string) error {
	return store.Exec(ctx, tx, `INSERT INTO lookup_kin (id, person, home_id, relation, key_index, sealed, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		k.id, k.person, k.home, string(k.relation), index, k.sealed, k.at)
}

// open puts the numbers of declared persons in clear.
func open(ring *secret.Ring, all []kin) error {
	for i := range all {
		b, err := ring.Unseal(kinPlace(all[i].id), all[i].sealed)
		if err != nil {
			return err
		}
		all[i].number = string(b)
	}
	return nil
}

func numbersOf(all []kin) []string {
	var out []string
	for _, k := range all {
		out = append(out, k.number)
	}
	return out
}

// whole is an identity number as it is declared: a 15-digit one of before 1999 becomes the one that replaced it.
func whole(number string) string {
	n := codes.Normalise(codes.KindID, number)
	if up, err := codes.Upgrade(n); err == nil {
		return up
	}
	return n
}

// isNumber reports whether a column of kind holds identity numbers.
func isNumber(kind codes.Kind) bool { return kind == codes.KindID || kind == codes.KindIDStrict }

// common returns what stands in both.
func common(a, b []string) []string {
	var out []string
	for _, s := range a {
		if slices.Contains(b, s) {
			out = append(out, s)
		}
	}
	return out
}
