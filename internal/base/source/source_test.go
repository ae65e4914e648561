package source

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
)

// What a type there becomes here.
func TestTypes(t *testing.T) {
	for _, x := range []struct {
		types            func(string, int, int) Column
		native           string
		precision, scale int
		want             string
	}{
		{postgresType, "numeric", 12, 2, "decimal(12,2)"}, {postgresType, "numeric", 0, -1, "text"}, {postgresType, "numeric", 10, 0, "integer"}, {postgresType, "numeric", 50, 2, "text"},
		{postgresType, "timestamp with time zone", 0, -1, "datetime"}, {postgresType, "bytea", 0, -1, "binary"}, {postgresType, "uuid", 0, -1, "text"}, {postgresType, "double precision", 53, -1, "text"},
		{mysqlType, "tinyint(1)", 3, 0, "boolean"}, {mysqlType, "int unsigned", 10, 0, "integer"}, {mysqlType, "bigint unsigned", 20, 0, "decimal(20,0)"}, {mysqlType, "longblob", 0, -1, "binary"}, {mysqlType, "enum", 0, -1, "text"},
		{sqlServerType, "bit", 1, 0, "boolean"}, {sqlServerType, "money", 19, 4, "decimal(19,4)"}, {sqlServerType, "numeric", 18, 0, "integer"}, {sqlServerType, "numeric", 20, 0, "decimal(20,0)"},
		{sqlServerType, "datetimeoffset", 34, 7, "datetime"}, {sqlServerType, "nvarchar", 0, 0, "text"}, {sqlServerType, "timestamp", 0, 0, "binary"}, {sqlServerType, "date", 10, 0, "date"},
		{oracleType, "number", 10, 0, "integer"}, {oracleType, "number", 12, 2, "decimal(12,2)"}, {oracleType, "number", 0, -1, "text"}, {oracleType, "number", 0, 0, "integer"}, {oracleType, "number", 5, -2, "text"},
		{oracleType, "date", 0, -1, "datetime"}, {oracleType, "timestamp(6) with local time zone", 0, 6, "datetime"}, {oracleType, "clob", 0, -1, "text"}, {oracleType, "long raw", 0, -1, "binary"},
	} {
		if got := x.types(x.native, x.precision, x.scale).Family(); got != x.want {
			t.Errorf("%s(%d,%d): %s, want %s", x.native, x.precision, x.scale, got, x.want)
		}
	}
}

func TestCell(t *testing.T) {
	number, day, moment, yes := warehouse.DecimalType(38, 6), warehouse.Type{Kind: warehouse.KindDate}, warehouse.Type{Kind: warehouse.KindDatetime}, warehouse.Type{Kind: warehouse.KindBoolean}
	at := time.Date(2023, 5, 1, 8, 0, 0, 250_000_000, time.UTC)
	for _, x := range []struct {
		t    warehouse.Type
		v    any
		want string
	}{
		{number, nil, ""}, {number, "1.2E-3", "0.0012"}, {number, []byte(".5"), "0.5"}, {number, "-.25", "-0.25"}, {number, "1E+5", "100000"}, {number, 1e21, "1000000000000000000000"}, {number, int64(7), "7"},
		{day, at, "2023-05-01"}, {moment, at, "2023-05-01 08:00:00.25"}, {moment, "0000-00-00 00:00:00", ""}, {yes, int64(1), "true"}, {yes, []byte{0}, "false"}, {yes, true, "true"},
		{warehouse.Type{Kind: warehouse.KindText}, "1e5", "1e5"}, {warehouse.Type{Kind: warehouse.KindText}, "a\xff", "a\uFFFD"},
	} {
		if got := cell(x.t, x.v); got != x.want {
			t.Errorf("%s %v: %q, want %q", x.t, x.v, got, x.want)
		}
	}
}

func TestFence(t *testing.T) {
	f := Fence{Hosts: []string{"10.0.0.0/8", "192.168.1.5", "db.gov.cn", "*.inner.cn", "::1"}}
	for _, x := range []struct {
		host, address string
		ok            bool
	}{
		{"10.1.2.3", "10.1.2.3:5432", true}, {"192.168.1.5", "192.168.1.5:1", true}, {"192.168.1.6", "192.168.1.6:1", false}, {"8.8.8.8", "8.8.8.8:53", false},
		{"DB.gov.cn", "59.1.1.1:1", true}, {"db.gov.cn", "127.0.0.1:1", false}, {"db.gov.cn", "169.254.169.254:80", false}, {"a.inner.cn", "59.1.1.1:1", true}, {"inner.cn", "59.1.1.1:1", false},
		{"x.cn", "10.1.1.1:1", true}, {"x", "[::1]:1", true}, {"x", "[::ffff:10.1.1.1]:1", true}, {"x", "[::ffff:127.0.0.1]:1", false}, {"a.inner.cn", "[fe80::1]:1", false},
	} {
		if err := f.allows(x.host, x.address); (err == nil) != x.ok {
			t.Errorf("%s at %s: %v", x.host, x.address, err)
		}
	}
}

func TestSplit(t *testing.T) {
	for _, s := range []string{"", "a", ".a", "a.", "a.b\x00", "\xff.b"} {
		if _, _, err := split(s); err == nil {
			t.Errorf("%q passes", s)
		}
	}
	if s, n, err := split("public.a.b"); err != nil || s != "public" || n != "a.b" {
		t.Error(s, n, err)
	}
}

// Names are never taken for SQL.
func TestQuote(t *testing.T) {
	for _, x := range []struct {
		of   dialect
		want string
	}{
		{postgresDialect(), `SELECT CAST("a""; --" AS TEXT) FROM "s"."t""x" LIMIT 3`}, {mysqlDialect(), "SELECT `a\"; --` FROM `s`.`t\"x` LIMIT 3"},
		{sqlServerDialect(), `SELECT TOP (3) [a"; --] FROM [s].[t"x]`}, {oracleDialect(), `SELECT * FROM (SELECT "a; --" FROM "s"."tx") WHERE ROWNUM <= 3`},
	} {
		d := &database{of: x.of}
		got, _, err := d.query(Ask{Object: `s.t"x`, Columns: []Column{{Name: `a"; --`}}, Limit: 3})
		if err != nil || got != x.want {
			t.Errorf("%s %v, want %s", got, err, x.want)
		}
	}
}

// A server that takes the connection and says nothing, or something else, is said to be no such database. SQL Server and
// Oracle are not to be had here: so far their drivers are followed.
func TestStrangeServers(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
			c.Close()
		}
	}()
	port := ln.Addr().(*net.TCPAddr).Port
	for _, k := range []Kind{Postgres, MySQL, SQLServer, Oracle} {
		s := Spec{Kind: k, Host: "127.0.0.1", Port: port, Database: "d", User: "u"}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		_, err := Open(ctx, s, "top-Secret-9", here)
		cancel()
		if errs.KeyOf(err) != "source.unreachable" || strings.Contains(err.Error(), "top-Secret-9") {
			t.Errorf("%s: %v", k, err)
		}
		if _, err = Open(t.Context(), s, "x", Fence{}); errs.KeyOf(err) != "source.fenced" {
			t.Errorf("%s goes past the fence: %v", k, err)
		}
	}
}
