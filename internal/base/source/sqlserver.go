package source

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"

	mssql "github.com/microsoft/go-mssqldb"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
)

// fenced gives a driver our way to dial.
type fenced struct{ f Fence }

// DialContext implements mssql.Dialer.
func (d fenced) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return d.f.dial(ctx, network, addr)
}

// openSQLServer reads committed rows only: SNAPSHOT would have to be allowed by the other side first. A run is one
// statement, whose rows are of one moment where READ_COMMITTED_SNAPSHOT is on.
func openSQLServer(ctx context.Context, s Spec, secret string, f Fence) (Conn, error) {
	q := url.Values{"database": {s.Database}, "dial timeout": {"10"}, "connection timeout": {"0"}, "app name": {"qushu"}, "ApplicationIntent": {"ReadOnly"},
		"encrypt": {map[string]string{"": "disable", "on": "true", "verify": "true"}[s.TLS]}, "TrustServerCertificate": {strconv.FormatBool(s.TLS != "verify")}}
	u := url.URL{Scheme: "sqlserver", User: url.UserPassword(s.User, secret), Host: s.address(), RawQuery: q.Encode()}
	c, err := mssql.NewConnector(u.String())
	if err != nil {
		return nil, errs.New(errs.Invalid, "source.bad_host") // the driver's words hold the password
	}
	c.Dialer = fenced{f}
	return begin(ctx, sql.OpenDB(c), sqlServerDialect(), s)
}

func sqlServerDialect() dialect {
	return dialect{
		tables: `SELECT TOP (@p2) s.name, o.name, CAST(e.value AS NVARCHAR(1000)), CASE WHEN o.type = 'V' THEN 1 ELSE 0 END,
				(SELECT SUM(p.rows) FROM sys.partitions p WHERE p.object_id = o.object_id AND p.index_id IN (0, 1))
			FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id
			LEFT JOIN sys.extended_properties e ON e.major_id = o.object_id AND e.minor_id = 0 AND e.name = 'MS_Description'
			WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 AND LOWER(s.name + '.' + o.name + ' ' + ISNULL(CAST(e.value AS NVARCHAR(1000)), '')) LIKE @p1 ESCAPE '!'
			ORDER BY s.name, o.name`,
		columns: `SELECT c.name, t.name, CAST(c.precision AS INT), CAST(c.scale AS INT), CAST(e.value AS NVARCHAR(1000)),
				CASE WHEN EXISTS (SELECT 1 FROM sys.index_columns x JOIN sys.indexes i ON i.object_id = x.object_id AND i.index_id = x.index_id
					WHERE i.is_primary_key = 1 AND x.object_id = c.object_id AND x.column_id = c.column_id) THEN 1 ELSE 0 END
			FROM sys.columns c JOIN sys.objects o ON o.object_id = c.object_id JOIN sys.schemas s ON s.schema_id = o.schema_id
			JOIN sys.types t ON t.user_type_id = c.system_type_id
			LEFT JOIN sys.extended_properties e ON e.major_id = c.object_id AND e.minor_id = c.column_id AND e.name = 'MS_Description'
			WHERE s.name = @p1 AND o.name = @p2 ORDER BY c.column_id`,
		types: sqlServerType,
		quote: func(name string) string { return "[" + strings.ReplaceAll(name, "]", "]]") + "]" },
		expr: func(c Column, q string) string {
			switch c.Native {
			case "datetimeoffset":
				return "CAST(SWITCHOFFSET(" + q + ", '+08:00') AS DATETIME2(6))"
			case "uniqueidentifier":
				return "CONVERT(VARCHAR(36), " + q + ")"
			case "time":
				return "CONVERT(VARCHAR(16), " + q + ")"
			case "money", "smallmoney":
				return "CAST(" + q + " AS DECIMAL(19, 4))"
			}
			return q
		},
		after: func(c Column, q string) string {
			switch c.Type.Kind {
			case warehouse.KindDate, warehouse.KindDatetime:
				return q + " >= CONVERT(DATETIME2(6), @p1, 121)"
			case warehouse.KindInteger:
				return q + " >= CAST(@p1 AS BIGINT)"
			}
			return q + " >= @p1"
		},
		first: func(q string, n int) string {
			return strings.Replace(q, "SELECT ", "SELECT TOP ("+strconv.Itoa(n)+") ", 1)
		},
		explain: explainSQLServer,
	}
}

func sqlServerType(native string, precision, scale int) Column {
	switch native {
	case "tinyint", "smallint", "int", "bigint":
		return plain(warehouse.KindInteger)
	case "decimal", "numeric":
		return decimalOf(precision, scale)
	case "money", "smallmoney":
		return Column{Type: warehouse.DecimalType(19, 4)}
	case "bit":
		return plain(warehouse.KindBoolean)
	case "date":
		return plain(warehouse.KindDate)
	case "datetime", "datetime2", "smalldatetime", "datetimeoffset":
		return plain(warehouse.KindDatetime)
	case "binary", "varbinary", "image", "timestamp", "rowversion", "geography", "geometry", "hierarchyid":
		return Column{Binary: true}
	}
	return Column{}
}

// explainSQLServer words what a person can do something about, by the server's error number.
func explainSQLServer(err error) error {
	e, ok := errors.AsType[mssql.Error](err)
	if !ok {
		return nil
	}
	switch e.Number {
	case 18456, 18452:
		return errs.Wrap(err, errs.Denied, "source.no_login")
	case 4060, 911:
		return errs.Wrap(err, errs.Missing, "source.no_database")
	case 229, 230:
		return errs.Wrap(err, errs.Denied, "source.no_right", clip(e.Message))
	case 207, 208:
		return errs.Wrap(err, errs.Missing, "source.changed", clip(e.Message))
	}
	return nil
}
