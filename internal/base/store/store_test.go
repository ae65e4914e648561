package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/store/storetest"
)

const ddl = `-- +goose Up
CREATE TABLE thing (
    id TEXT PRIMARY KEY,
    unit_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    on_duty BOOLEAN NOT NULL DEFAULT FALSE,
    body JSONB NOT NULL,
    version BIGINT NOT NULL DEFAULT 1
);
CREATE TABLE thing_part (id TEXT PRIMARY KEY, thing TEXT NOT NULL REFERENCES thing (id));
`

func schema(files ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i, f := range files {
		m[fmt.Sprintf("schema/%04d_x.sql", i+1)] = &fstest.MapFile{Data: []byte(f)}
	}
	return m
}

var tpl = &storetest.Templates{Migrate: func(ctx context.Context, db *store.DB) error { return db.Migrate(ctx, "thing", schema(ddl)) }}

type thing struct {
	ID, Unit string
	At       store.Time
	Duty     bool
	Body     store.JSON[map[string]string]
}

func scan(t *thing) []any { return []any{&t.ID, &t.Unit, &t.At, &t.Duty, &t.Body} }

func insert(ctx context.Context, q store.Queryer, id string, at int64) error {
	return store.Exec(ctx, q, `INSERT INTO thing (id, unit_id, at, on_duty, body) VALUES ($1, $2, $3, $4, $5)`,
		id, "u1", store.At(time.UnixMicro(at)), true, store.JSON[map[string]string]{V: map[string]string{"k": "值"}})
}

func TestRoundTrip(t *testing.T) {
	tpl.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		if err := insert(ctx, db, "a", 7); err != nil {
			t.Fatal(err)
		}
		got, err := store.One(ctx, db, scan, `SELECT id, unit_id, at, on_duty, body FROM thing WHERE id = $1`, "a")
		if err != nil || got.Body.V["k"] != "值" || !got.Duty || got.At.UnixMicro() != 7 {
			t.Fatalf("%+v %v", got, err)
		}
		if v, err := store.Value[string](ctx, db, `SELECT body ->> 'k' FROM thing`); err != nil || v != "值" {
			t.Error(v, err)
		}
		if err := insert(ctx, db, "a", 7); !store.IsDuplicate(err) || !errs.Is(err, errs.Conflict) {
			t.Error("duplicate:", err)
		}
		if err := store.Exec(ctx, db, `INSERT INTO thing_part (id, thing) VALUES ($1, $2)`, "p", "none"); errs.KeyOf(err) != "store.in_use" {
			t.Error("foreign key:", err)
		}
		if _, err := store.One(ctx, db, scan, `SELECT id, unit_id, at, on_duty, body FROM thing WHERE id = $1`, "no"); !errs.Is(err, errs.Missing) {
			t.Error(err)
		}
		up := `UPDATE thing SET on_duty = FALSE, version = version + 1 WHERE id = $1 AND version = $2`
		if err := store.ExecOne(ctx, db, up, "a", 1); err != nil {
			t.Error(err)
		}
		if err := store.ExecOne(ctx, db, up, "a", 1); errs.KeyOf(err) != "store.changed" {
			t.Error("the second saver must be told:", err)
		}
	})
}

func TestListPagesWithoutGapOrRepeat(t *testing.T) {
	tpl.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		err := db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			for i := range 23 {
				if err := insert(ctx, tx, fmt.Sprintf("id%02d", i), int64(1+i/5)); err != nil { // many at the same time
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		q := store.Query[thing]{Select: `SELECT id, unit_id, at, on_duty, body FROM thing`, Scope: store.Scoped(store.C("unit_id = $1", "u1")),
			Where: []store.Cond{store.C("at > $1", 0)}, Keys: []string{"at", "id"}, Desc: true, Page: store.Page{Limit: 5},
			Scan: scan, Cursor: func(t *thing) []any { return []any{t.At, t.ID} }}
		var seen []string
		for {
			page, err := store.List(ctx, db, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, it := range page.Items {
				seen = append(seen, it.ID)
			}
			if page.Next == "" {
				break
			}
			q.Page.After = page.Next
		}
		for i, s := range seen {
			if want := fmt.Sprintf("id%02d", 22-i); s != want {
				t.Fatalf("at %d: %s, want %s", i, s, want)
			}
		}
		if len(seen) != 23 {
			t.Error(len(seen))
		}
		for _, bad := range []string{"x", "W10", "WzEsMixd", "W3RydWUsMV0"} {
			q.Page.After = bad
			if _, err := store.List(ctx, db, q); !errs.Is(err, errs.Invalid) {
				t.Errorf("cursor %q: %v", bad, err)
			}
		}
		q.Page.After, q.Scope = "", store.Scope{}
		if page, err := store.List(ctx, db, q); err != nil || len(page.Items) != 0 {
			t.Error("no scope must show nothing:", page, err)
		}
	})
}

func TestTxKeepsToItself(t *testing.T) {
	tpl.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		boom := errors.New("boom")
		after := false
		err := db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			tx.After(func() { after = true })
			if err := insert(ctx, tx, "x", 1); err != nil {
				return err
			}
			if err := db.Tx(ctx, func(context.Context, *store.Tx) error { return nil }); !errors.Is(err, store.ErrNested) {
				t.Error("nested:", err)
			}
			if _, err := store.Column[string](ctx, db, `SELECT id FROM thing`); err == nil {
				t.Error("reading the DB inside a Tx must be refused")
			}
			return boom
		})
		if !errors.Is(err, boom) || after {
			t.Error(err, after)
		}
		func() {
			defer func() { _ = recover() }()
			_ = db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { _ = insert(ctx, tx, "y", 1); panic("p") })
		}()
		if ids, err := store.Column[string](ctx, db, `SELECT id FROM thing`); err != nil || len(ids) != 0 {
			t.Error("rolled back work is visible:", ids, err)
		}
	})
}

// One of many concurrent transactions fails, panics or is cancelled; the others are kept, exactly.
func TestConcurrentTxOnlyLoseTheirOwn(t *testing.T) {
	tpl.Each(t, func(t *testing.T, db *store.DB) {
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				defer func() { _ = recover() }()
				err := db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
					if err := insert(ctx, tx, fmt.Sprintf("c%03d", i), 1); err != nil {
						return err
					}
					switch i % 4 {
					case 1:
						return errors.New("no")
					case 2:
						panic("no")
					case 3:
						cancel()
						return ctx.Err()
					}
					return nil
				})
				if (err == nil) != (i%4 == 0) {
					t.Errorf("%d: %v", i, err)
				}
			})
		}
		wg.Wait()
		n, err := store.Value[int](t.Context(), db, `SELECT count(*) FROM thing`)
		if err != nil || n != 50 {
			t.Error(n, err)
		}
	})
}

func TestLockSerialisesDeciders(t *testing.T) {
	tpl.Each(t, func(t *testing.T, db *store.DB) {
		if err := insert(t.Context(), db, "one", 1); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					if err := store.Lock(ctx, tx, "thing", "one"); err != nil {
						return err
					}
					n, err := store.Value[int](ctx, tx, `SELECT count(*) FROM thing_part`)
					if err != nil || n >= 1 {
						return err
					}
					return store.Exec(ctx, tx, `INSERT INTO thing_part (id, thing) VALUES ($1, $2)`, fmt.Sprint(i), "one")
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n, _ := store.Value[int](t.Context(), db, `SELECT count(*) FROM thing_part`); n != 1 {
			t.Error("deciders saw each other's past:", n)
		}
	})
}

func TestFirstRunsOnceWithTheFirstTx(t *testing.T) {
	tpl.Each(t, func(t *testing.T, db *store.DB) {
		n := 0
		ctx := store.WithFirst(t.Context(), func(ctx context.Context, tx *store.Tx) error { n++; return insert(ctx, tx, "key", 1) })
		for range 2 {
			if err := db.Tx(ctx, func(context.Context, *store.Tx) error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if n != 1 {
			t.Error(n)
		}
	})
}

func TestMigrate(t *testing.T) {
	tpl.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		more := "-- +goose Up\nALTER TABLE thing ADD COLUMN extra TEXT NOT NULL DEFAULT '';\n"
		if err := db.Migrate(ctx, "thing", schema(ddl, more)); err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(ctx, "thing", schema(ddl)); err == nil {
			t.Error("an older program must refuse newer tables")
		}
	})
}

func TestIn(t *testing.T) {
	c := store.And(store.C("a = $1", 1), store.In("b", []string{"x", "y"}), store.In("c", []string(nil)), store.Or(store.C("d = $1", 2), store.C("e")))
	if c.SQL != "(a = $1) AND (b IN ($2,$3)) AND (FALSE) AND ((d = $4) OR (e))" || len(c.Args) != 4 {
		t.Error(c)
	}
}

func TestLongStatement(t *testing.T) {
	tpl.Each(t, func(t *testing.T, db *store.DB) {
		if err := insert(t.Context(), db, "id7", 7); err != nil {
			t.Fatal(err)
		}
		var ids []string
		for i := range 20000 {
			ids = append(ids, fmt.Sprint("id", i))
		}
		in := store.And(store.C("at = $1", 7), store.In("id", ids))
		if got, err := store.Column[string](t.Context(), db, `SELECT id FROM thing WHERE `+in.SQL, in.Args...); err != nil || len(got) != 1 {
			t.Error(got, err)
		}
		args := append([]any{"a"}, in.Args[1:100]...) // a repeated placeholder stays what it is
		q := `SELECT id FROM thing WHERE id = $1 OR id = $1`
		for i := range 99 {
			q += fmt.Sprint(" OR id = $", i+2)
		}
		if got, err := store.Column[string](t.Context(), db, q, args...); err != nil || len(got) != 1 {
			t.Error(got, err)
		}
	})
}
