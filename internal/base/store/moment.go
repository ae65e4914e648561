package store

import (
	"context"
	"strconv"
	"strings"
)

// Moment is a point in the order of commits, for a reader that wants what was committed since it last looked. Ids and times do not
// say that: a transaction may commit long after a younger one. So the rows keep the number of their transaction, and what a look
// at a Moment did not see has a number from Next on, or one of Open.
type Moment struct {
	Next int64   // no transaction with this number or a greater one had committed
	Open []int64 // nor these smaller ones, rising
}

// Number is an SQL expression for the number of this transaction, which its rows keep. PostgreSQL counts transactions itself. On
// SQLite the one writer makes the order, and the number is one more than the greatest of given: a query of the numbers
// that were given out, in a column n. It may be greater at the next statement.
func (tx *Tx) Number(given string) string {
	if tx.engine == Postgres {
		return `CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT)`
	}
	return next(given)
}

func next(given string) string { return `(SELECT coalesce(max(n), 0) + 1 FROM (` + given + `))` }

// Moment is now, with given as in Number. What a statement after it reads has seen everything up to it.
func (db *DB) Moment(ctx context.Context, given string) (m Moment, err error) {
	if db.engine == SQLite {
		m.Next, err = Value[int64](ctx, db, `SELECT `+next(given))
		return m, err
	}
	text, err := Value[string](ctx, db, `SELECT CAST(pg_current_snapshot() AS TEXT)`) // "xmin:xmax:xip,xip,…"
	if err != nil {
		return m, err
	}
	_, text, _ = strings.Cut(text, ":")
	high, flight, _ := strings.Cut(text, ":")
	if m.Next, err = strconv.ParseInt(high, 10, 64); err != nil {
		return m, err
	}
	return MomentOf(m.Next, flight)
}

// MomentOf is the Moment of Next and Flight, as kept in a row.
func MomentOf(next int64, flight string) (m Moment, err error) {
	m.Next = next
	for part := range strings.SplitSeq(flight, ",") {
		if part == "" {
			continue
		}
		n, err := strconv.ParseInt(part, 10, 64)
		if err != nil {
			return Moment{}, err
		}
		m.Open = append(m.Open, n)
	}
	return m, nil
}

// Flight is Open as a text: numbers between commas.
func (m Moment) Flight() string {
	out := make([]string, len(m.Open))
	for i, n := range m.Open {
		out[i] = strconv.FormatInt(n, 10)
	}
	return strings.Join(out, ",")
}
