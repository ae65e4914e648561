package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"qushu/internal/base/errs"
)

// mapped gives a driver's error its kind and words; an error that already has them passes through.
func mapped(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if _, ok := errors.AsType[*errs.Error](err); ok {
		return err
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return mapSQLite(err, e.Code())
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return mapPostgres(err, e)
	}
	var network net.Error
	var connect *pgconn.ConnectError
	if errors.As(err, &network) || errors.As(err, &connect) || errors.Is(err, driver.ErrBadConn) {
		return errs.Wrap(err, errs.Busy, "store.away")
	}
	return err
}

func mapSQLite(err error, code int) error {
	switch code {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return errs.Wrap(err, errs.Conflict, "store.duplicate")
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return errs.Wrap(err, errs.Conflict, "store.in_use")
	}
	switch code & 0xff {
	case sqlite3.SQLITE_FULL:
		return errs.Wrap(err, errs.Busy, "store.disk_full")
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return errs.Wrap(err, errs.Busy, "store.busy")
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return errs.Wrap(err, errs.Busy, "store.away")
	}
	return err
}

// Codes: PostgreSQL 15 documentation, appendix A.
func mapPostgres(err error, e *pgconn.PgError) error {
	switch e.Code {
	case "23505":
		return errs.Wrap(err, errs.Conflict, "store.duplicate")
	case "23503":
		return errs.Wrap(err, errs.Conflict, "store.in_use")
	case "40001", "40P01", "55P03":
		return errs.Wrap(err, errs.Busy, "store.busy")
	}
	switch e.Code[:2] {
	case "53":
		if e.Code == "53100" {
			return errs.Wrap(err, errs.Busy, "store.disk_full")
		}
		return errs.Wrap(err, errs.Busy, "store.busy")
	case "08", "57", "58":
		return errs.Wrap(err, errs.Busy, "store.away")
	}
	return err
}

// IsDuplicate reports whether err says that a row with that key is already there.
func IsDuplicate(err error) bool { return errs.KeyOf(err) == "store.duplicate" }
