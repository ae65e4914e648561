package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qushu/internal/base/config"
)

func TestTerminal(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	free := filepath.Join(dir, "data")
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"help", []string{"--help"}, 0, "qushu demo --data"},
		{"version", []string{"version"}, 0, "qushu dev"},
		{"unknown command", []string{"fly"}, 2, "Try 'qushu --help'"},
		{"port taken", []string{"serve", "-d", free, "-l", taken.Addr().String()}, 1, "is taken by another program"},
		{"unknown setting", []string{"config", "-c", file("a.yaml", "listn: 127.0.0.1:1\n")}, 1, "listen"},
		{"bad setting", []string{"config", "--set", "limits.upload_mb=many"}, 1, "limits.upload_mb"},
		{"secrets stay hidden", []string{"config", "--set", "database.url=postgres://q:hunter2@db:5432/q"}, 0, "database"},
		{"database away", []string{"serve", "-d", free, "-l", "127.0.0.1:0", "--set", "database.url=postgres://q:hunter2@127.0.0.1:1/q?connect_timeout=2"}, 1, "database cannot be opened"},
		{"demo into a used folder", []string{"demo", "-d", full}, 1, "is not empty"},
		{"no such directory", []string{"doctor", "-d", filepath.Join(dir, "none")}, 1, "there is no data directory"},
		{"restore from nothing", []string{"restore", "-d", free, full}, 1, "is no finished backup"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out := cmd(t, c.args...)
			if code != c.code || !strings.Contains(out, c.says) || strings.Contains(out, "hunter2") || strings.Contains(out, "goroutine") {
				t.Errorf("exit code %d: %s", code, out)
			}
		})
	}
}

// One directory has one program; what is sealed in it is lost with its keys, so they are never made anew.
func TestOneProgramOneKeyring(t *testing.T) {
	cfg, err := config.Load("", nil, map[string]string{"data": filepath.Join(t.TempDir(), "data")})
	if err != nil {
		t.Fatal(err)
	}
	a, err := open(t.Context(), cfg, opening{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(t.Context(), cfg, opening{}); err == nil || !strings.Contains(err.Error(), "another qushu") {
		t.Error("two programs on one directory:", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(cfg.Data, "keys.json")); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t.Context(), cfg, opening{}); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Error("keys were made anew over sealed data:", err)
	}
}

func TestLocalCertificate(t *testing.T) {
	dir := t.TempDir()
	cert, key, err := localCertificate(dir, "0.0.0.0:8443")
	if err != nil {
		t.Fatal(err)
	}
	l, err := listen(&config.Config{Listen: "127.0.0.1:0", TLS: config.TLS{Cert: cert, Key: key}})
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	before, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := localCertificate(dir, "0.0.0.0:8443"); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.ReadFile(cert); string(after) != string(before) {
		t.Error("a good certificate was replaced")
	}
}
