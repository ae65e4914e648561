package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

// Migrate brings the tables of one room up to date with the .sql files of its schema folder
// (goose's format, forward only). A schema newer than this program is refused.
func (db *DB) Migrate(ctx context.Context, name string, schema fs.FS) error {
	sub, err := fs.Sub(schema, "schema")
	if err != nil {
		return fmt.Errorf("store: %s: %w", name, err)
	}
	files, err := fs.Glob(sub, "*.sql")
	if err != nil || len(files) == 0 {
		return fmt.Errorf("store: %s has no schema files (%w)", name, errors.Join(err, fs.ErrNotExist))
	}
	newest := int64(0)
	for _, f := range files {
		n, err := strconv.ParseInt(strings.SplitN(path.Base(f), "_", 2)[0], 10, 64)
		if err != nil {
			return fmt.Errorf("store: %s: %s does not begin with a number", name, f)
		}
		newest = max(newest, n)
	}
	dialect := goose.DialectSQLite3
	if db.engine == Postgres {
		dialect = goose.DialectPostgres
	}
	st, err := database.NewStore(dialect, "goose_"+name)
	if err != nil {
		return fmt.Errorf("store: %s: %w", name, err)
	}
	p, err := goose.NewProvider("", db.w, sub, goose.WithStore(st), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("store: %s: %w", name, err)
	}
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("store: %s: %w", name, mapped(err))
	}
	if have > newest {
		return fmt.Errorf("store: the tables of %q are at version %d, this program knows %d: run the newer program, or restore a backup of the older data", name, have, newest)
	}
	done, err := p.Up(ctx)
	if err != nil {
		return fmt.Errorf("store: %s: %w", name, err)
	}
	if len(done) > 0 {
		slog.Debug("store: migrated", "room", name, "steps", len(done))
	}
	return nil
}

// Locked runs fn while no other replica runs it: PostgreSQL by advisory lock, SQLite because serve
// locks the data directory.
func (db *DB) Locked(ctx context.Context, fn func() error) error {
	if db.engine == SQLite {
		return fn()
	}
	lock, err := db.hold(ctx, 0x7175736875) // "qushu"
	if err != nil {
		return err
	}
	defer lock.End(ctx)
	return fn()
}

// CheckCollation refuses a PostgreSQL database whose text does not sort by bytes: lists would page
// differently from SQLite.
func (db *DB) CheckCollation(ctx context.Context) error {
	if db.engine == SQLite {
		return nil
	}
	name, err := Value[string](ctx, db, `SELECT datcollate FROM pg_database WHERE datname = current_database()`)
	if err != nil {
		return err
	}
	if name != "C" && name != "POSIX" && name != "C.UTF-8" && name != "C.utf8" {
		return fmt.Errorf("store: the database sorts by %q: create it with LC_COLLATE 'C' (CREATE DATABASE … TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C.UTF-8')", name)
	}
	return nil
}

// Alone runs fn on one replica at a time: the others wait for their turn. On PostgreSQL the turn is a
// session's advisory lock, so it ends with a replica that dies; on SQLite serve is alone already.
func (db *DB) Alone(ctx context.Context, name string, fn func(context.Context) error) error {
	if db.engine == SQLite {
		return fn(ctx)
	}
	lock, err := db.hold(ctx, lockKey(name))
	if err != nil {
		return err
	}
	defer lock.End(ctx)
	return fn(ctx)
}

// Used reports whether an earlier run has made tables in the database.
func (db *DB) Used(ctx context.Context) (bool, error) { return db.HasTable(ctx, "goose_web") }

// HasTable reports whether there is a table of that name.
func (db *DB) HasTable(ctx context.Context, name string) (bool, error) {
	q := `SELECT count(*) FROM sqlite_master WHERE name = $1`
	if db.engine == Postgres {
		q = `SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = $1`
	}
	n, err := Value[int](ctx, db, q, name)
	return n > 0, err
}
