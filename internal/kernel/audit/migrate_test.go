package audit_test

import (
	"context"
	"os"
	"strconv"
	"testing"
	"testing/fstest"

	"qushu/internal/base/store"
	"qushu/internal/base/store/storetest"
	"qushu/internal/kernel/audit"
)

// before opens databases as they were while a record still held its own place.
var before = &storetest.Templates{Migrate: func(ctx context.Context, db *store.DB) error {
	old := fstest.MapFS{}
	for _, name := range []string{"schema/0001_audit.sql", "schema/0002_chain.sql"} {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		old[name] = &fstest.MapFile{Data: b}
	}
	return db.Migrate(ctx, "audit", old)
}}

// copied brings what b wrote into a database of the old shape: as the program before wrote it.
func copied(t *testing.T, b *bench, to *store.DB) {
	t.Helper()
	for _, c := range []struct{ table, read string }{
		{"audit", `SELECT id, coalesce(seq, 0), at, person, account, name, admin, unit, post, session, ip, agent, trace, action, object, object_id, title, personal, subjects, purpose, result, detail, mac, coalesce(hash, '') FROM audit LEFT JOIN audit_link ON record = id`},
		{"audit_head", `SELECT id, seq, hash, mac FROM audit_head`},
		{"audit_root", `SELECT id, kind, from_seq, to_seq, records, head, at, signer, sig FROM audit_root`},
	} {
		rows, err := b.db.QueryContext(t.Context(), c.read)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values := make([]any, len(columns))
			into := make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			marks := ""
			for i := range values {
				marks += ", $" + strconv.Itoa(i+1)
			}
			if err := store.Exec(t.Context(), to, "INSERT INTO "+c.table+" VALUES ("+marks[2:]+")", values...); err != nil {
				t.Fatal(c.table, err)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		rows.Close()
	}
}

// A filled directory of the program before is carried over: its chain, its roots, its rows that wait, and its damage.
func TestMigration(t *testing.T) {
	for _, c := range []struct {
		name   string
		tamper string // of the old tables
		fault  audit.Fault
		first  int64
	}{
		{"whole", ``, "", 0},
		{"a title", `UPDATE audit SET title = 'x' WHERE seq = 7`, audit.Altered, 7},
		{"a hash", `UPDATE audit SET hash = 'x' WHERE seq = 7`, audit.Moved, 7},
		{"a row", `DELETE FROM audit WHERE seq = 7`, audit.Missing, 7},
		{"the tail", `DELETE FROM audit WHERE seq > 15`, audit.Cut, 16},
		{"the end", `DELETE FROM audit_head`, audit.Headless, 0},
		{"behind the end", `UPDATE audit SET seq = 4000 WHERE seq = 0 AND object_id = '1'`, audit.Outside, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			before.Each(t, func(t *testing.T, db *store.DB) {
				b := newBench(t, templates.Open(t, db.Engine()))
				b.write(12)
				b.seal()
				b.write(8)
				b.chain()
				b.write(5) // these wait
				copied(t, b, db)
				b.db = db
				b.Log = b.again()
				if c.tamper != "" {
					b.tamper(c.tamper)
				}
				if err := db.Migrate(t.Context(), "audit", b.Room().Schema); err != nil {
					t.Fatal(err)
				}
				if r := b.verify(); r.OK != (c.fault == "") || c.fault != "" && !r.Has(c.fault) || r.FirstBroken != c.first || r.Roots != 1 {
					t.Errorf("%+v", r)
				}
				b.chain()
				b.write(600)
				b.chain()
				if r := b.verify(); c.fault == "" && (!r.OK || r.To != 625 || r.Rows != 625) || r.FirstBroken != c.first && c.fault != audit.Outside {
					t.Errorf("after going on: %+v", r)
				}
			})
		})
	}
}
