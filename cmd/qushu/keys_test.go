package main

import (
	"context"
	"slices"
	"testing"

	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/base/store/storetest"
	"qushu/internal/room"
)

// texts returns every text column of an SQLite database as table.column.
func texts(t *testing.T, db *store.DB) map[string][2]string {
	t.Helper()
	out := map[string][2]string{}
	tables, err := store.Column[string](t.Context(), db, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB 'search_fts*'`)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		columns, err := store.Column[string](t.Context(), db, `SELECT name FROM pragma_table_info($1)`, table)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range columns {
			out[table+"."+c] = [2]string{table, c}
		}
	}
	return out
}

// under lists the columns in which anything stands that a key has sealed.
func under(t *testing.T, db *store.DB, key string) (columns []string) {
	t.Helper()
	for name, tc := range texts(t, db) {
		n, err := store.Value[int](t.Context(), db, "SELECT count(*) FROM "+tc[0]+" WHERE instr(CAST("+tc[1]+" AS TEXT), $1) > 0", "s4:"+key+":")
		if err != nil {
			t.Fatal(name, err)
		}
		if n > 0 {
			columns = append(columns, name)
		}
	}
	return columns
}

func current(a *app, p secret.Purpose) string {
	for _, k := range a.kit.Ring.Keys() {
		if k.Purpose == p && k.Current {
			return k.ID
		}
	}
	return ""
}

// Broken off in the middle it goes on where it was; what others write meanwhile is theirs.
func TestResealGoesOn(t *testing.T) {
	empty := &storetest.Templates{}
	for _, e := range storetest.Engines() {
		t.Run(string(e), func(t *testing.T) {
			a, err := open(t.Context(), place(t, e, empty), opening{})
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			db, ring := a.kit.DB, a.kit.Ring
			at := func(id string) string { return "lookup_look.sealed/" + id }
			const rows = 450
			err = db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				for n := range rows {
					id := "look" + string(rune('a'+n/100)) + string(rune('a'+n/10%10)) + string(rune('a'+n%10))
					if err := store.Exec(ctx, tx, `INSERT INTO lookup_look (id, dataset, title, store, owner_unit, owner_street, key_column, key_index, sealed, purpose, basis, person, person_name, unit_id, home_id, at, hits, revealed)
						VALUES ($1, '', '', '', '', '', '', '', $2, '', '', '', '', '', '', 1, 1, 0)`, id, ring.Seal(at(id), []byte(id))); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			old := current(a, secret.Field)
			if _, err := ring.Rotate(secret.Field); err != nil {
				t.Fatal(err)
			}
			all := a.sealed()
			s := all[slices.IndexFunc(all, func(s room.Sealed) bool { return s.Table == "lookup_look" })]
			ctx, stop := context.WithCancel(t.Context())
			err = s.Reseal(ctx, db, ring, func(seen, _ int) {
				if seen == 200 {
					stop()
				}
			})
			if err == nil {
				t.Fatal("not broken off")
			}
			if n, err := s.Under(t.Context(), db, old); err != nil || n == 0 || n == rows {
				t.Fatal("after the break", n, err)
			}
			changed := 0
			if err := s.Reseal(t.Context(), db, ring, func(_, n int) { changed = n }); err != nil || changed == 0 || changed == rows {
				t.Fatal(changed, err)
			}
			if n, err := s.Under(t.Context(), db, old); err != nil || n != 0 {
				t.Fatal(n, err)
			}
			type row struct{ id, text string }
			rest, err := store.All(t.Context(), db, func(r *row) []any { return []any{&r.id, &r.text} }, `SELECT id, sealed FROM lookup_look`)
			if err != nil || len(rest) != rows {
				t.Fatal(len(rest), err)
			}
			for _, r := range rest {
				if b, err := ring.Unseal(at(r.id), r.text); err != nil || string(b) != r.id {
					t.Fatal(r.id, err)
				}
			}
		})
	}
}

// What somebody types into a form may look sealed; it is left as it is and stops nothing.
func TestResealLeavesWhatWasTyped(t *testing.T) {
	empty := &storetest.Templates{}
	for _, e := range storetest.Engines() {
		t.Run(string(e), func(t *testing.T) {
			a, err := open(t.Context(), place(t, e, empty), opening{})
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			db, ring := a.kit.DB, a.kit.Ring
			all := a.sealed()
			s := all[slices.IndexFunc(all, func(s room.Sealed) bool { return s.Inside })]
			s.Table = "typed"
			kind := map[store.Engine]string{store.Postgres: "JSONB", store.SQLite: "TEXT"}[e]
			if err := store.Exec(t.Context(), db, `CREATE TABLE typed (id TEXT PRIMARY KEY, data `+kind+` NOT NULL)`); err != nil {
				t.Fatal(err)
			}
			put := func(id string, v map[string]string) {
				if err := store.Exec(t.Context(), db, `INSERT INTO typed (id, data) VALUES ($1, $2)`, id, store.JSON[map[string]string]{V: v}); err != nil {
					t.Fatal(err)
				}
			}
			put("a", map[string]string{"memo": "s4:abc:def"})
			put("b", map[string]string{"phone": ring.Seal(s.Place("b"), []byte("13800000000")), "memo": "s4:abc:def"})
			old := current(a, secret.Field)
			if _, err := ring.Rotate(secret.Field); err != nil {
				t.Fatal(err)
			}
			if err := s.Reseal(t.Context(), db, ring, func(_, _ int) {}); err != nil {
				t.Fatal(err)
			}
			if n, err := s.Under(t.Context(), db, old); err != nil || n != 0 {
				t.Error("left", n, err)
			}
			var got store.JSON[map[string]string]
			if got, err = store.Value[store.JSON[map[string]string]](t.Context(), db, `SELECT data FROM typed WHERE id = 'b'`); err != nil || got.V["memo"] != "s4:abc:def" {
				t.Fatal(got.V, err)
			}
			if b, err := ring.Unseal(s.Place("b"), got.V["phone"]); err != nil || string(b) != "13800000000" {
				t.Error(string(b), err)
			}
		})
	}
}
