// Package storetest gives a test its own migrated database on every engine.
//
// SQLite always runs. PostgreSQL runs when QUSHU_TEST_POSTGRES names a server on which the test may
// create databases; `make test` starts one and fails when no case ran on it.
package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"

	"qushu/internal/base/id"
	"qushu/internal/base/store"
)

// Templates are the migrated databases that tests of one binary clone. Declare one per test package.
type Templates struct {
	// Migrate fills a new database; it runs once for each engine.
	Migrate func(ctx context.Context, db *store.DB) error

	mu       sync.Mutex
	file     []byte // the SQLite file
	database string // the PostgreSQL database
}

// Each runs fn once on every engine with a database of its own.
func (s *Templates) Each(t *testing.T, fn func(t *testing.T, db *store.DB)) {
	t.Helper()
	for _, e := range Engines() {
		t.Run(string(e), func(t *testing.T) { fn(t, s.Open(t, e)) })
	}
}

// Engines returns the engines this run tests on: those there are, or the one QUSHU_TEST_ENGINE names.
func Engines() []store.Engine {
	out := []store.Engine{store.SQLite}
	if os.Getenv("QUSHU_TEST_POSTGRES") != "" {
		out = append(out, store.Postgres)
	}
	if only := os.Getenv("QUSHU_TEST_ENGINE"); only != "" {
		out = slices.DeleteFunc(out, func(e store.Engine) bool { return string(e) != only })
	}
	return out
}

// Open clones the template on engine e for t.
func (s *Templates) Open(t *testing.T, e store.Engine) *store.DB {
	t.Helper()
	count(t, e)
	dbURL, file := s.Clone(t, e)
	db, err := store.Open(context.Background(), dbURL, file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Clone makes the copy and returns what store.Open needs, for tests that start a whole program.
func (s *Templates) Clone(t *testing.T, e store.Engine) (dbURL, file string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if e == store.Postgres {
		return s.clonePostgres(t), ""
	}
	if s.file == nil {
		made := filepath.Join(t.TempDir(), "t.db")
		s.migrate(t, "", made)
		b, err := os.ReadFile(made)
		if err != nil {
			t.Fatal(err)
		}
		s.file = b
	}
	file = filepath.Join(t.TempDir(), "q.db")
	if err := os.WriteFile(file, s.file, 0o600); err != nil {
		t.Fatal(err)
	}
	return "", file
}

func (s *Templates) migrate(t *testing.T, dbURL, file string) {
	t.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, dbURL, file)
	if err != nil {
		t.Fatal(err)
	}
	if s.Migrate != nil {
		if err := s.Migrate(ctx, db); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func (s *Templates) clonePostgres(t *testing.T) string {
	t.Helper()
	if s.database == "" {
		name := "qushu_tpl_" + id.New()
		admin(t, "CREATE DATABASE "+name+" TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C' ENCODING 'UTF8'")
		s.migrate(t, at(t, name), "")
		s.database = name
	}
	name := "qushu_t_" + id.New()
	admin(t, "CREATE DATABASE "+name+" TEMPLATE "+s.database)
	t.Cleanup(func() { admin(t, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	return at(t, name)
}

func at(t *testing.T, name string) string {
	t.Helper()
	u, err := url.Parse(os.Getenv("QUSHU_TEST_POSTGRES"))
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	q := u.Query()
	q.Set("pool_max_conns", "20")
	u.RawQuery = q.Encode()
	return u.String()
}

var adminMu sync.Mutex // CREATE DATABASE … TEMPLATE wants nobody else on the template

func admin(t *testing.T, q string) {
	t.Helper()
	adminMu.Lock()
	defer adminMu.Unlock()
	db, err := sql.Open("pgx", os.Getenv("QUSHU_TEST_POSTGRES"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	_ = stdlib.GetDefaultDriver()
	if _, err := db.Exec(q); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
}

// count leaves one line for each case where QUSHU_TEST_COUNT says, so that `make test` can tell how
// many ran on each engine.
func count(t *testing.T, e store.Engine) {
	t.Helper()
	dir := os.Getenv("QUSHU_TEST_COUNT")
	if dir == "" {
		return
	}
	f, err := os.OpenFile(filepath.Join(dir, string(e)), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fmt.Fprintln(f, strings.ReplaceAll(t.Name(), "\n", " "))
}
