package source

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"

	goora "github.com/sijms/go-ora/v2"
	"github.com/sijms/go-ora/v2/network"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
)

// openOracle reads in one READ ONLY transaction, which sees one state.
func openOracle(ctx context.Context, s Spec, secret string, f Fence) (Conn, error) {
	port := s.Port
	if port == 0 {
		port = s.Kind.Usual()
	}
	options := map[string]string{"CONNECTION TIMEOUT": "20", "TIMEOUT": "0", "PREFETCH_ROWS": "1000"}
	if s.TLS != "" {
		options["SSL"], options["SSL VERIFY"] = "enable", strconv.FormatBool(s.TLS == "verify")
	}
	c, ok := goora.NewConnector(goora.BuildUrl(strings.TrimSpace(s.Host), port, s.Database, s.User, secret, options)).(*goora.OracleConnector)
	if !ok {
		return nil, errs.New(errs.Invalid, "source.bad_host")
	}
	c.Dialer(fenced{f})
	return begin(ctx, sql.OpenDB(c), oracleDialect(), s)
}

func oracleDialect() dialect {
	return dialect{
		prepare: []string{`SET TRANSACTION READ ONLY`, `ALTER SESSION SET NLS_NUMERIC_CHARACTERS = '.,'`},
		tables: `SELECT owner, name, comments, is_view, num_rows FROM (
				SELECT t.owner AS owner, t.table_name AS name, c.comments AS comments, 0 AS is_view, t.num_rows AS num_rows
				FROM all_tables t LEFT JOIN all_tab_comments c ON c.owner = t.owner AND c.table_name = t.table_name
				UNION ALL SELECT v.owner, v.view_name, c.comments, 1, NULL
				FROM all_views v LEFT JOIN all_tab_comments c ON c.owner = v.owner AND c.table_name = v.view_name)
			WHERE owner NOT IN ('SYS', 'SYSTEM', 'XDB', 'CTXSYS', 'MDSYS', 'WMSYS', 'ORDSYS', 'OUTLN', 'DBSNMP', 'GSMADMIN_INTERNAL', 'LBACSYS', 'DVSYS', 'OLAPSYS', 'APPQOSSYS', 'AUDSYS')
				AND LOWER(owner || '.' || name || ' ' || comments) LIKE :1 ESCAPE '!' AND ROWNUM <= :2 ORDER BY owner, name`,
		columns: `SELECT c.column_name, c.data_type, c.data_precision, c.data_scale, m.comments,
				CASE WHEN EXISTS (SELECT 1 FROM all_constraints k JOIN all_cons_columns x ON x.owner = k.owner AND x.constraint_name = k.constraint_name
					WHERE k.constraint_type = 'P' AND k.owner = c.owner AND k.table_name = c.table_name AND x.column_name = c.column_name) THEN 1 ELSE 0 END
			FROM all_tab_columns c LEFT JOIN all_col_comments m ON m.owner = c.owner AND m.table_name = c.table_name AND m.column_name = c.column_name
			WHERE c.owner = :1 AND c.table_name = :2 ORDER BY c.column_id`,
		types: oracleType,
		quote: func(name string) string { return `"` + strings.ReplaceAll(name, `"`, "") + `"` },
		expr: func(c Column, q string) string {
			switch {
			case strings.Contains(c.Native, "WITH TIME ZONE"), strings.Contains(c.Native, "WITH LOCAL TIME ZONE"):
				return "TO_CHAR(SYS_EXTRACT_UTC(" + q + ") + INTERVAL '8' HOUR, 'YYYY-MM-DD HH24:MI:SS.FF6')"
			case strings.HasPrefix(c.Native, "TIMESTAMP"):
				return "TO_CHAR(" + q + ", 'YYYY-MM-DD HH24:MI:SS.FF6')"
			case c.Native == "DATE":
				return "TO_CHAR(" + q + ", 'YYYY-MM-DD HH24:MI:SS')"
			case c.Native == "NUMBER", c.Native == "FLOAT", strings.HasPrefix(c.Native, "BINARY_"):
				return "TO_CHAR(" + q + ", 'TM9')"
			}
			return q
		},
		after: func(c Column, q string) string {
			switch c.Type.Kind {
			case warehouse.KindDate, warehouse.KindDatetime:
				return q + " >= TO_TIMESTAMP(:1, 'YYYY-MM-DD HH24:MI:SS.FF')"
			case warehouse.KindInteger, warehouse.KindDecimal:
				return q + " >= TO_NUMBER(:1)"
			}
			return q + " >= :1"
		},
		first:   func(q string, n int) string { return "SELECT * FROM (" + q + ") WHERE ROWNUM <= " + strconv.Itoa(n) },
		explain: explainOracle,
	}
}

// oracleType maps a type; Oracle's DATE has a time of day.
func oracleType(native string, precision, scale int) Column {
	switch {
	case native == "number":
		if precision == 0 && scale == 0 {
			return plain(warehouse.KindInteger) // INTEGER is NUMBER(*,0)
		}
		return decimalOf(precision, scale)
	case native == "date", strings.HasPrefix(native, "timestamp"):
		return plain(warehouse.KindDatetime)
	case native == "blob", native == "bfile", native == "raw", native == "long raw", native == "long", strings.HasPrefix(native, "sdo_"):
		return Column{Binary: true}
	}
	return Column{}
}

// explainOracle words what a person can do something about, by ORA number.
func explainOracle(err error) error {
	e, ok := errors.AsType[*network.OracleError](err)
	if !ok {
		return nil
	}
	switch e.ErrCode {
	case 1017, 28000, 28001:
		return errs.Wrap(err, errs.Denied, "source.no_login")
	case 12505, 12514:
		return errs.Wrap(err, errs.Missing, "source.no_database")
	case 1031:
		return errs.Wrap(err, errs.Denied, "source.no_right", clip(e.ErrMsg))
	case 942, 904:
		return errs.Wrap(err, errs.Missing, "source.changed", clip(e.ErrMsg))
	case 1033, 1034, 1089, 3113, 3114:
		return errs.Wrap(err, errs.Busy, "source.stopped")
	case 1555: // snapshot too old: the other side forgot what the table was like when the run began
		return errs.Wrap(err, errs.Busy, "source.too_long")
	}
	return nil
}
