package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qushu/internal/base/config"
	"qushu/internal/base/store"
	"qushu/internal/base/store/storetest"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/audit"
)

// place is an installation on an engine.
func place(t *testing.T, e store.Engine, empty *storetest.Templates) *config.Config {
	t.Helper()
	url := ""
	if e == store.Postgres {
		url, _ = empty.Clone(t, e)
	}
	cfg, err := config.Load("", nil, map[string]string{"data": filepath.Join(t.TempDir(), "data"), "database.url": url})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// fill puts a file, a warehouse version that a row names, and an audit record into an installation.
func fill(t *testing.T, a *app) (hash string) {
	t.Helper()
	ctx := t.Context()
	f, err := a.kit.Files.Keep(ctx, "library", "x", "人口.csv", strings.NewReader("身份证号\n"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := a.kit.Warehouse.Load(ctx, warehouse.Spec{Table: "population", Columns: []warehouse.Column{{Name: "id", Title: "编号", Type: warehouse.Type{Kind: warehouse.KindText}, Key: true}}},
		func(yield func(warehouse.Row, error) bool) {
			yield(warehouse.Row{Line: 2, Values: []any{"42019919900101001X"}}, nil)
		})
	if err != nil {
		t.Fatal(err)
	}
	err = a.kit.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(
			store.Exec(ctx, tx, `INSERT INTO dataset (id, name, title, summary, room, unit_id, street, owner, level, columns, current, number, newest, row_count, byte_count, hash, updated_at, version)
				VALUES ($1, 'population', '人口', '', 'library', 'u', '', 'p', 'L3', '[]', $2, 1, 1, 1, 1, '', 1, 1)`, "d1", v.ID),
			store.Exec(ctx, tx, `INSERT INTO dataset_version (id, dataset_id, number, columns, row_count, byte_count, hash, source, person, at) VALUES ($1, 'd1', 1, '[]', 1, 1, '', '', 'p', 1)`, v.ID),
			a.kit.Audit.Record(ctx, tx, audit.Entry{Action: "audit.read", Object: "audit", Title: "备份之前"}))
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.kit.Audit.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	return f.Hash
}

func TestBackupAndRestore(t *testing.T) {
	empty := &storetest.Templates{}
	for _, e := range storetest.Engines() {
		t.Run(string(e), func(t *testing.T) {
			from := place(t, e, empty)
			a, err := open(t.Context(), from, opening{})
			if err != nil {
				t.Fatal(err)
			}
			hash := fill(t, a)
			dir := filepath.Join(t.TempDir(), "backup")
			if err := backup(t.Context(), a, []string{dir}, t.Output()); err != nil {
				t.Fatal(err)
			}
			if err := backup(t.Context(), a, []string{dir}, t.Output()); err == nil {
				t.Error("a backup was written over another")
			}
			a.Close()
			to := place(t, e, empty)
			m, err := readManifest(dir)
			if err != nil {
				t.Fatal(err)
			}
			if err := restore(t.Context(), to, dir, m, t.Output()); err != nil {
				t.Fatal(err)
			}
			whole(t, to, hash)
			damaged(t, dir)
		})
	}
}

// whole checks that what fill put in is there again, readable with the same keys.
func whole(t *testing.T, cfg *config.Config, hash string) {
	t.Helper()
	a, err := open(t.Context(), cfg, opening{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if r, _, err := a.kit.Blobs.Open(t.Context(), hash); err != nil {
		t.Error(err)
	} else {
		r.Close()
	}
	if all, err := a.kit.Warehouse.Versions(t.Context()); err != nil || len(all) != 1 || all[0].Rows != 1 {
		t.Error(all, err)
	}
	if err := auditVerify(t.Context(), a, nil, t.Output()); err != nil {
		t.Error(err)
	}
	// The next record goes on behind the restored ones.
	if err := a.kit.Audit.Note(t.Context(), audit.Entry{Action: "audit.read", Object: "audit", Title: "恢复之后"}); err != nil {
		t.Error(err)
	}
	if err := auditVerify(t.Context(), a, nil, t.Output()); err != nil {
		t.Error(err)
	}
}

func damaged(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "rows", "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(files[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readManifest(dir); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Error("one altered byte:", err)
	}
	if err := os.Remove(filepath.Join(dir, manifestFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := readManifest(dir); err == nil {
		t.Error("a folder without its manifest was taken for a backup")
	}
}

// A district that began embedded moves onto PostgreSQL with everything it has.
func TestMoveToPostgres(t *testing.T) {
	engines := storetest.Engines()
	if len(engines) == 1 {
		return // make test runs it with PostgreSQL
	}
	empty := &storetest.Templates{}
	a, err := open(t.Context(), place(t, store.SQLite, empty), opening{})
	if err != nil {
		t.Fatal(err)
	}
	hash := fill(t, a)
	if err := a.kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return a.kit.Jobs.Enqueue(ctx, tx, "org.on.none", struct{}{})
	}); err == nil {
		t.Fatal("a job nobody works")
	}
	if err := a.kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return a.kit.Jobs.Enqueue(ctx, tx, "identity.on.org.left", map[string]string{"person": "nobody"})
	}); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	tables, err := store.Column[string](t.Context(), a.kit.DB, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB 'search_*' AND name NOT GLOB 'river_*' AND name NOT GLOB 'goose_*'`)
	if err != nil {
		t.Fatal(err)
	}
	count := func(db *store.DB, table string) int {
		n, err := store.Value[int](t.Context(), db, "SELECT count(*) FROM "+table)
		if err != nil {
			t.Fatal(table, err)
		}
		return n
	}
	dir := filepath.Join(t.TempDir(), "backup")
	if err := backup(t.Context(), a, []string{dir}, t.Output()); err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		counts[table] = count(a.kit.DB, table)
	}
	a.Close()
	m, err := readManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	to := place(t, store.Postgres, empty)
	if err := restore(t.Context(), to, dir, m, t.Output()); err != nil {
		t.Fatal(err)
	}
	whole(t, to, hash)
	b, err := open(t.Context(), to, opening{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if wait, _, err := b.kit.Jobs.Counts(t.Context()); err != nil || wait != 1 {
		t.Error("waiting jobs:", wait, err)
	}
	for table, n := range counts {
		if got := count(b.kit.DB, table); got < n {
			t.Errorf("%s: %d rows of %d", table, got, n)
		}
	}
	if err := auditVerify(terminal(t.Context()), b, nil, t.Output()); err != nil {
		t.Error(err)
	}
}
