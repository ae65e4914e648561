package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qushu/internal/base/config"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
)

// cmd runs qushu as the terminal would and returns its exit code and everything it printed.
func cmd(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	code := run(t.Context(), args, &out, &out)
	return code, out.String()
}

// audited makes an installation whose log holds records sealed by a root.
func audited(t *testing.T, records int) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	cfg, err := config.Load("", nil, map[string]string{"data": dir})
	if err != nil {
		t.Fatal(err)
	}
	a, err := open(t.Context(), cfg, opening{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	err = a.kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for range records {
			if err := a.kit.Audit.Record(ctx, tx, audit.Entry{Action: "audit.read", Object: "audit", Title: "标题"}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.kit.Audit.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestAuditCommands(t *testing.T) {
	t.Setenv("LC_ALL", "zh_CN.UTF-8")
	dir := audited(t, 20)
	file := filepath.Join(dir, "qushu.db")
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pack, keys := filepath.Join(t.TempDir(), "pack.jsonl"), filepath.Join(t.TempDir(), "keys.pem")
	if code, out := cmd(t, "audit", "export", "--data", dir, pack); code != 0 {
		t.Fatal(out)
	}
	code, pem := cmd(t, "audit", "keys", "--data", dir)
	if code != 0 {
		t.Fatal(pem)
	}
	if err := os.WriteFile(keys, []byte(pem), 0o600); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(pack)
	if err != nil {
		t.Fatal(err)
	}
	opened := len(builtinRoles()) // records of the first start
	for _, c := range []struct {
		name   string
		tamper string // SQL on the installation
		pack   func(b []byte) []byte
		args   []string
		code   int
		says   string
	}{
		{name: "whole", args: []string{"--data", dir}, says: "完整：第 1 至 "},
		{name: "a byte", tamper: `UPDATE audit SET title = '标提' WHERE id IN (SELECT record FROM audit_link WHERE seq = 7)`, args: []string{"--data", dir}, code: 1, says: "第 7 条记录（编号 "},
		{name: "a row", tamper: `DELETE FROM audit WHERE id IN (SELECT record FROM audit_link WHERE seq = 7)`, args: []string{"--data", dir}, code: 1, says: "第 7 条记录不见了。"},
		{name: "the tail", tamper: `DELETE FROM audit WHERE id IN (SELECT record FROM audit_link WHERE seq > 15)`, args: []string{"--data", dir}, code: 1, says: "不见了"},
		{name: "the tail, its mark and the roots", tamper: `DELETE FROM audit WHERE id IN (SELECT record FROM audit_link WHERE seq > 15); DELETE FROM audit_link WHERE seq > 15; DELETE FROM audit_head; DELETE FROM audit_root`, args: []string{"--data", dir}, code: 1, says: fmt.Sprintf("已导出的第 1 号签名根（到第 %d 条记录）在数据库中不见了", opened+20)},
		{name: "a pack", args: []string{"--pack", pack, "--key", keys}, says: "完整：第 1 至 "},
		{name: "a pack by its own word", args: []string{"--pack", pack}, says: "没有给出可信的公钥"},
		{name: "a changed pack", pack: func(b []byte) []byte { return bytes.Replace(b, []byte("标题"), []byte("标提"), 1) }, args: []string{"--pack", pack, "--key", keys}, code: 1, says: fmt.Sprintf("第 %d 条记录与链值不符", opened+1)},
		{name: "no pack", pack: func([]byte) []byte { return []byte("hello") }, args: []string{"--pack", pack}, code: 1, says: "这不是审计导出包"},
		{name: "no evidence", pack: func([]byte) []byte { return []byte("hello") }, args: []string{"--evidence", pack}, code: 1, says: "这不是证据包"},
	} {
		t.Run(c.name, func(t *testing.T) {
			putBack(t, file, kept)
			body := whole
			if c.pack != nil {
				body = c.pack(bytes.Clone(whole))
			}
			if err := os.WriteFile(pack, body, 0o600); err != nil {
				t.Fatal(err)
			}
			if c.tamper != "" {
				tamper(t, file, c.tamper)
			}
			code, out := cmd(t, append([]string{"audit", "verify"}, c.args...)...)
			if code != c.code || !strings.Contains(out, c.says) {
				t.Errorf("exit code %d: %s", code, out)
			}
		})
	}
}

// putBack puts the database file back as it was.
func putBack(t *testing.T, file string, b []byte) {
	t.Helper()
	for _, side := range []string{"-wal", "-shm"} {
		if err := os.Remove(file + side); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// tamper writes to the database past the program.
func tamper(t *testing.T, file, statements string) {
	t.Helper()
	db, err := store.Open(t.Context(), "", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for q := range strings.SplitSeq(statements, ";") {
		if err := store.Exec(t.Context(), db, q); err != nil {
			t.Fatal(q, err)
		}
	}
}
