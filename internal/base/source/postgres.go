package source

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
)

// openPostgres reads in one REPEATABLE READ transaction that may not write.
func openPostgres(ctx context.Context, s Spec, secret string, f Fence) (Conn, error) {
	cfg, err := pgx.ParseConfig("host=127.0.0.1 sslmode=disable")
	if err != nil {
		return nil, err
	}
	port := s.Port
	if port == 0 {
		port = s.Kind.Usual()
	}
	cfg.Host, cfg.Port, cfg.Database, cfg.User, cfg.Password = strings.TrimSpace(s.Host), uint16(port), s.Database, s.User, secret
	cfg.Fallbacks, cfg.TLSConfig = nil, tlsConfig(s)
	cfg.ConnectTimeout, cfg.DialFunc = dialFor, f.dial
	cfg.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil } // the fence looks it up
	cfg.RuntimeParams = map[string]string{"application_name": "qushu", "default_transaction_read_only": "on", "DateStyle": "ISO", "TimeZone": "<+08>-08"}
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec // works behind a pooler too
	return begin(ctx, stdlib.OpenDB(*cfg), postgresDialect(), s)
}

// tlsConfig is nil where none is wanted.
func tlsConfig(s Spec) *tls.Config {
	switch s.TLS {
	case "on":
		return &tls.Config{InsecureSkipVerify: true, ServerName: s.Host} // #nosec G402: chosen by who set the source up
	case "verify":
		return &tls.Config{ServerName: s.Host}
	}
	return nil
}

func postgresDialect() dialect {
	return dialect{
		begin: sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
		tables: `SELECT n.nspname, c.relname, obj_description(c.oid, 'pg_class'), CASE WHEN c.relkind IN ('v', 'm') THEN 1 ELSE 0 END, CAST(c.reltuples AS BIGINT)
			FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg!_%' ESCAPE '!'
				AND has_table_privilege(c.oid, 'SELECT') AND lower(n.nspname || '.' || c.relname || ' ' || coalesce(obj_description(c.oid, 'pg_class'), '')) LIKE $1 ESCAPE '!'
			ORDER BY n.nspname, c.relname LIMIT $2`,
		columns: `SELECT a.attname, format_type(a.atttypid, NULL), CASE WHEN a.atttypid = 1700 AND a.atttypmod >= 4 THEN ((a.atttypmod - 4) >> 16) & 65535 END,
				CASE WHEN a.atttypid = 1700 AND a.atttypmod >= 4 THEN (a.atttypmod - 4) & 2047 END, col_description(c.oid, a.attnum),
				CASE WHEN EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey)) THEN 1 ELSE 0 END
			FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
		types: postgresType,
		quote: func(name string) string { return pgx.Identifier{name}.Sanitize() },
		expr: func(c Column, q string) string {
			switch c.Native {
			case "timestamp with time zone":
				return "CAST(" + q + " AT TIME ZONE INTERVAL '8 hours' AS TEXT)"
			case "real", "double precision":
				return "CASE WHEN " + q + " IN ('NaN', 'Infinity', '-Infinity') THEN CAST(" + q + " AS TEXT) ELSE CAST(CAST(" + q + " AS NUMERIC) AS TEXT) END"
			}
			return "CAST(" + q + " AS TEXT)"
		},
		after: func(c Column, q string) string {
			if c.Native == "timestamp with time zone" {
				return q + " >= CAST(CAST($1 AS TEXT) || '+08' AS " + c.Native + ")"
			}
			return q + " >= CAST(CAST($1 AS TEXT) AS " + c.Native + ")"
		},
		first:   func(q string, n int) string { return q + " LIMIT " + strconv.Itoa(n) },
		explain: explainPostgres,
	}
}

func postgresType(native string, precision, scale int) Column {
	switch native {
	case "smallint", "integer", "bigint":
		return plain(warehouse.KindInteger)
	case "numeric":
		return decimalOf(precision, scale)
	case "boolean":
		return plain(warehouse.KindBoolean)
	case "date":
		return plain(warehouse.KindDate)
	case "timestamp without time zone", "timestamp with time zone":
		return plain(warehouse.KindDatetime)
	case "bytea":
		return Column{Binary: true}
	}
	return Column{}
}

// explainPostgres words what a person can do something about, by SQLSTATE.
func explainPostgres(err error) error {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return nil
	}
	switch e.Code {
	case "28P01", "28000":
		return errs.Wrap(err, errs.Denied, "source.no_login")
	case "3D000":
		return errs.Wrap(err, errs.Missing, "source.no_database")
	case "42501":
		return errs.Wrap(err, errs.Denied, "source.no_right", clip(e.Message))
	case "42P01", "42703":
		return errs.Wrap(err, errs.Missing, "source.changed", clip(e.Message))
	case "53300":
		return errs.Wrap(err, errs.Busy, "source.full")
	case "57P01", "57P02", "57P03":
		return errs.Wrap(err, errs.Busy, "source.stopped")
	}
	return nil
}
