package store_test

import (
	"context"
	"slices"
	"testing"

	"qushu/internal/base/store"
	"qushu/internal/base/store/storetest"
)

// A reader that looks from moment to moment sees every committed row once, however late it was committed.
func TestMoment(t *testing.T) {
	const given = `SELECT max(tx) AS n FROM deed`
	plain := &storetest.Templates{Migrate: func(ctx context.Context, db *store.DB) error {
		return store.Exec(ctx, db, `CREATE TABLE deed (id TEXT PRIMARY KEY, tx BIGINT NOT NULL)`)
	}}
	plain.Each(t, func(t *testing.T, db *store.DB) {
		write := func(id string, during func()) {
			err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				err := store.Exec(ctx, tx, `INSERT INTO deed (id, tx) VALUES ($1, `+tx.Number(given)+`)`, id)
				during()
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
		var last store.Moment
		look := func(want ...string) {
			t.Helper()
			now, err := db.Moment(t.Context(), given)
			if err != nil {
				t.Fatal(err)
			}
			where := store.Or(store.C("tx >= $1", last.Next), store.In("tx", last.Open))
			got, err := store.Column[string](t.Context(), db, `SELECT id FROM deed WHERE `+where.SQL+` ORDER BY id`, where.Args...)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%+v: %v %v, want %v", last, got, err, want)
			}
			if last, err = store.MomentOf(now.Next, now.Flight()); err != nil {
				t.Error(err)
			}
		}
		look()
		write("a", func() {})
		look("a")
		look()
		if db.Engine() == store.SQLite { // one writer: nobody commits late
			write("b", func() {})
			write("c", func() {})
			look("b", "c")
			return
		}
		write("b", func() { // begun before c, committed after it
			write("c", func() {})
			look("c")
			look()
			write("d", func() {})
			look("d")
		})
		look("b")
		look()
		_ = db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error { // rolled back
			_ = store.Exec(ctx, tx, `INSERT INTO deed (id, tx) VALUES ('e', `+tx.Number(given)+`)`)
			look()
			return context.Canceled
		})
		look()
	})
	for _, flight := range []string{"x", "1,,x", "1;2"} {
		if m, err := store.MomentOf(1, flight); err == nil {
			t.Error(flight, m)
		}
	}
}
