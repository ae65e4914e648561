package source

import (
	"context"
	"database/sql"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
)

// here is the fence of these tests: this machine and nothing else.
var here = Fence{Hosts: []string{"127.0.0.1"}}

func mariaDB(t *testing.T) (*sql.DB, Spec) {
	t.Helper()
	at := os.Getenv("QUSHU_TEST_MYSQL")
	if at == "" {
		t.Skip("QUSHU_TEST_MYSQL names no server to collect from")
	}
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User, cfg.Passwd, cfg.DBName, cfg.MultiStatements = "tcp", at, "qushu", "wood-Lamp-7", "test", true
	c, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(c)
	t.Cleanup(func() { db.Close() })
	host, port, _ := strings.Cut(at, ":")
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return db, Spec{Kind: MySQL, Host: host, Port: n, Database: "test", User: "qushu"}
}

func all(t *testing.T, c Conn, ask Ask) (out [][]string) {
	t.Helper()
	for row, err := range c.Rows(t.Context(), ask) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, append([]string(nil), row...))
	}
	return out
}

func TestMySQL(t *testing.T) {
	db, spec := mariaDB(t)
	if _, err := db.Exec("DROP TABLE IF EXISTS people; CREATE TABLE people (id BIGINT UNSIGNED PRIMARY KEY, name VARCHAR(30) COMMENT '姓名', ok TINYINT(1), pay DECIMAL(12,2), rate DOUBLE, born DATE, seen DATETIME(3), changed TIMESTAMP NULL, pic BLOB, flag BIT(1), small TINYINT, j JSON) COMMENT '人员';" +
		"SET time_zone = '+00:00'; SET sql_mode = ''; INSERT INTO people VALUES (18446744073709551615, '张三', 1, 1.50, 1e21, '1985-06-15', '2023-05-01 08:00:00.250', '2023-05-01 00:00:00', 'x', b'1', -3, '{\"a\":1}'), (2, '', 0, NULL, 0.1, '0000-00-00', NULL, NULL, NULL, b'0', NULL, NULL);" +
		"DROP VIEW IF EXISTS v_people; CREATE VIEW v_people AS SELECT id FROM people"); err != nil {
		t.Fatal(err)
	}
	c, err := Open(t.Context(), spec, "wood-Lamp-7", here)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	tables, err := c.Tables(t.Context(), "人员", 10)
	if err != nil || len(tables) != 1 || tables[0].Name != "test.people" || tables[0].Comment != "人员" || tables[0].View {
		t.Fatal(tables, err)
	}
	if tables, err = c.Tables(t.Context(), "", 10); err != nil || len(tables) != 2 || !tables[1].View || tables[1].Rows != -1 {
		t.Fatal(tables, err)
	}
	cols, err := c.Columns(t.Context(), "test.people")
	if err != nil {
		t.Fatal(err)
	}
	var families []string
	for _, c := range cols {
		families = append(families, c.Family())
	}
	if got := strings.Join(families, " "); got != "decimal(20,0) text boolean decimal(12,2) text date datetime datetime binary text integer text" {
		t.Error(got)
	}
	if !cols[0].Key || cols[1].Comment != "姓名" {
		t.Errorf("%+v", cols[:2])
	}
	rows := all(t, c, Ask{Object: "test.people", Columns: append(cols[:8:8], cols[9:]...), Order: "id"})
	want := [][]string{{"2", "", "false", "", "0.1", "", "", "", "0", "", ""},
		{"18446744073709551615", "张三", "true", "1.50", "1000000000000000000000", "1985-06-15", "2023-05-01 08:00:00.250", "2023-05-01 08:00:00", "1", "-3", `{"a":1}`}}
	if !reflect.DeepEqual(rows, want) {
		t.Errorf("%q", rows)
	}
	if rows = all(t, c, Ask{Object: "test.people", Columns: cols[:1], After: Mark{Column: cols[6], Value: "2023-05-01 08:00:00"}}); len(rows) != 1 {
		t.Error(rows)
	}
	// One state: what others write meanwhile is not seen.
	if _, err := db.Exec("INSERT INTO people (id) VALUES (3)"); err != nil {
		t.Fatal(err)
	}
	if rows = all(t, c, Ask{Object: "test.people", Columns: cols[:1]}); len(rows) != 2 {
		t.Error("another's write is seen", rows)
	}
	if _, err := c.(*database).tx.Exec("DELETE FROM people"); err == nil {
		t.Error("a source may be written to")
	}
}

func TestMySQLWords(t *testing.T) {
	_, spec := mariaDB(t)
	for name, x := range map[string]struct {
		change func(s *Spec)
		secret string
		key    string
	}{
		"password": {func(*Spec) {}, "wrong", "source.no_login"},
		"database": {func(s *Spec) { s.Database = "nowhere" }, "wood-Lamp-7", "source.no_login"}, // it does not say more to who has no right there
	} {
		s := spec
		x.change(&s)
		if _, err := Open(context.Background(), s, x.secret, here); errs.KeyOf(err) != x.key {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, err := Open(t.Context(), spec, "wood-Lamp-7", here)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, err := range c.Rows(t.Context(), Ask{Object: "test.nothing", Columns: []Column{{Name: "a", Type: warehouse.Type{Kind: warehouse.KindText}}}}) {
		if errs.KeyOf(err) != "source.changed" {
			t.Error(err)
		}
	}
}
