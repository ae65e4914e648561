package source

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"log"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
)

// openMySQL reads in one REPEATABLE READ transaction that may not write.
func openMySQL(ctx context.Context, s Spec, secret string, f Fence) (Conn, error) {
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.DBName, cfg.User, cfg.Passwd = "tcp", s.address(), s.Database, s.User, secret
	cfg.DialFunc, cfg.Timeout, cfg.TLS = f.dial, dialFor, tlsConfig(s)
	cfg.InterpolateParams = true // values come as text then, as they stand in the table
	cfg.AllowNativePasswords, cfg.AllowAllFiles, cfg.MultiStatements = true, false, false
	cfg.ReadTimeout = 10 * time.Minute
	cfg.Params = map[string]string{"time_zone": "'+08:00'"}
	cfg.Logger = log.New(io.Discard, "", 0) // what goes wrong is said by the errors
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, errs.Wrap(err, errs.Invalid, "source.bad_host")
	}
	return begin(ctx, sql.OpenDB(connector), mysqlDialect(), s)
}

func mysqlDialect() dialect {
	return dialect{
		begin: sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
		tables: `SELECT table_schema, table_name, CASE WHEN table_type = 'VIEW' THEN '' ELSE table_comment END, CASE WHEN table_type = 'BASE TABLE' THEN 0 ELSE 1 END, table_rows
			FROM information_schema.tables WHERE table_schema = database() AND lower(concat(table_name, ' ', table_comment)) LIKE ? ESCAPE '!' ORDER BY table_name LIMIT ?`,
		columns: `SELECT column_name, CASE WHEN column_type LIKE '%unsigned%' THEN concat(data_type, ' unsigned') WHEN column_type = 'tinyint(1)' THEN column_type ELSE data_type END,
				numeric_precision, numeric_scale, column_comment, CASE WHEN column_key = 'PRI' THEN 1 ELSE 0 END
			FROM information_schema.columns WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position`,
		types: mysqlType,
		quote: func(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" },
		expr: func(c Column, q string) string {
			if c.Native == "bit" {
				return q + " + 0"
			}
			return q
		},
		after:   func(_ Column, q string) string { return q + " >= ?" },
		first:   func(q string, n int) string { return q + " LIMIT " + strconv.Itoa(n) },
		explain: explainMySQL,
	}
}

func mysqlType(native string, precision, scale int) Column {
	switch strings.TrimSuffix(native, " unsigned") {
	case "tinyint(1)":
		return plain(warehouse.KindBoolean)
	case "bigint":
		if strings.HasSuffix(native, " unsigned") {
			return Column{Type: warehouse.DecimalType(20, 0)}
		}
		return plain(warehouse.KindInteger)
	case "tinyint", "smallint", "mediumint", "int", "integer", "year":
		return plain(warehouse.KindInteger)
	case "decimal", "numeric":
		return decimalOf(precision, scale)
	case "date":
		return plain(warehouse.KindDate)
	case "datetime", "timestamp":
		return plain(warehouse.KindDatetime)
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "geometry":
		return Column{Binary: true}
	}
	return Column{}
}

// explainMySQL words what a person can do something about, by the server's error number.
func explainMySQL(err error) error {
	e, ok := errors.AsType[*mysql.MySQLError](err)
	if !ok {
		return nil
	}
	switch e.Number {
	case 1044, 1045, 1698:
		return errs.Wrap(err, errs.Denied, "source.no_login")
	case 1049:
		return errs.Wrap(err, errs.Missing, "source.no_database")
	case 1142, 1143, 1227:
		return errs.Wrap(err, errs.Denied, "source.no_right", clip(e.Message))
	case 1054, 1146:
		return errs.Wrap(err, errs.Missing, "source.changed", clip(e.Message))
	case 1040, 1203:
		return errs.Wrap(err, errs.Busy, "source.full")
	case 1053, 1317, 1927:
		return errs.Wrap(err, errs.Busy, "source.stopped")
	}
	return nil
}
