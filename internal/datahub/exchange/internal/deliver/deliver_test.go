package deliver

import (
	"context"
	"crypto/ed25519"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"qushu/internal/base/errs"
	"qushu/internal/base/when"
)

func TestNext(t *testing.T) {
	at := func(s string) time.Time {
		x, err := time.ParseInLocation("2006-01-02 15:04", s, when.Zone)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	for _, c := range []struct {
		s           Schedule
		after, want string
	}{
		{Schedule{Kind: "daily", Hour: 6, Minute: 30}, "2023-06-01 06:29", "2023-06-01 06:30"},
		{Schedule{Kind: "daily", Hour: 6, Minute: 30}, "2023-06-01 06:30", "2023-06-02 06:30"},
		{Schedule{Kind: "weekly", Hour: 1, Weekday: 1}, "2023-06-01 09:00", "2023-06-05 01:00"},
		{Schedule{Kind: "weekly", Hour: 1, Weekday: 4}, "2023-06-01 01:00", "2023-06-08 01:00"},
		{Schedule{Kind: "hours", Every: 4}, "2023-06-01 22:10", "2023-06-02 02:10"},
	} {
		if got := c.s.Next(at(c.after)); !got.Equal(at(c.want)) {
			t.Errorf("%+v after %s: %s", c.s, c.after, got)
		}
	}
	if got := (Schedule{Kind: "version"}).Next(time.Now()); !got.IsZero() {
		t.Error(got)
	}
}

func TestUpsert(t *testing.T) {
	pg := Target{Kind: "postgres", Table: `data.人口`, Keys: []string{"id"}}
	if got := Upsert(pg, []string{"id", `a"b`}, 2); got != `INSERT INTO "data"."人口" ("id", "a""b") VALUES ($1, $2), ($3, $4) ON CONFLICT ("id") DO UPDATE SET "a""b" = excluded."a""b"` {
		t.Error(got)
	}
	if got := Upsert(pg, []string{"id"}, 1); got != `INSERT INTO "data"."人口" ("id") VALUES ($1) ON CONFLICT ("id") DO NOTHING` {
		t.Error(got)
	}
	my := Target{Kind: "mysql", Table: "t", Keys: []string{"id"}}
	if got := Upsert(my, []string{"id", "a`b"}, 1); got != "INSERT INTO `t` (`id`, `a``b`) VALUES (?, ?) ON DUPLICATE KEY UPDATE `a``b` = VALUES(`a``b`)" {
		t.Error(got)
	}
}

func TestFaults(t *testing.T) {
	for name, p := range map[string]Plan{
		"path":        {Format: "csv", Target: Target{Kind: "folder", Path: "a/../../etc"}},
		"format":      {Target: Target{Kind: "folder", Path: "a"}},
		"fingerprint": {Format: "csv", Target: Target{Kind: "sftp", Host: "h", User: "u"}},
		"host":        {Format: "csv", Target: Target{Kind: "sftp", Host: "h/x", User: "u", Fingerprint: "SHA256:x"}},
		"table":       {Target: Target{Kind: "postgres", Host: "h", User: "u", Database: "d", Table: "t; drop table x", Keys: []string{"id"}}},
		"keys":        {Target: Target{Kind: "mysql", Host: "h", User: "u", Database: "d", Table: "t", Keys: []string{"other"}}},
		"every":       {Format: "csv", Target: Target{Kind: "folder", Path: "a"}, Schedule: Schedule{Kind: "hours"}},
		"kind":        {},
	} {
		bad := p.Faults([]string{"id"})
		if !func() bool {
			for _, f := range bad {
				if f.Name == name {
					return true
				}
			}
			return false
		}() {
			t.Errorf("%s: %+v", name, bad)
		}
	}
}

// A file is not seen under its name before it is whole, and does not leave its folder by a link.
func TestFolder(t *testing.T) {
	root := t.TempDir()
	p, err := OpenPlace(t.Context(), Target{Kind: "folder", Path: "civil/in"}, root, "")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	name := filepath.Join(root, "civil", "in", "a.csv")
	if err := p.Stage(t.Context(), "a.csv", strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
		t.Error("seen half:", err)
	}
	if err := p.Commit("a.csv"); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(name); err != nil || string(b) != "x" {
		t.Error(string(b), err)
	}
	if err := os.Symlink(t.TempDir(), filepath.Join(root, "out")); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenPlace(t.Context(), Target{Kind: "folder", Path: "out"}, root, ""); err == nil {
		t.Error("left the root by a link")
	}
	if _, err := OpenPlace(t.Context(), Target{Kind: "folder"}, "", ""); errs.KeyOf(err) != "exchange.no_folder" {
		t.Error(err)
	}
}

// server is an SFTP server on loopback with a folder, for user u with password p.
func server(t *testing.T, dir string) (host string, port int, fingerprint string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{PasswordCallback: func(c ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) {
		if c.User() == "u" && string(p) == "p" {
			return nil, nil
		}
		return nil, errors.New("no")
	}}
	config.AddHostKey(signer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			raw, err := l.Accept()
			if err != nil {
				return
			}
			go serve(raw, config, dir)
		}
	}()
	at := l.Addr().(*net.TCPAddr)
	return "127.0.0.1", at.Port, ssh.FingerprintSHA256(signer.PublicKey())
}

func serve(raw net.Conn, config *ssh.ServerConfig, dir string) {
	conn, chans, reqs, err := ssh.NewServerConn(raw, config)
	if err != nil {
		return
	}
	defer conn.Close()
	go ssh.DiscardRequests(reqs)
	for c := range chans {
		ch, asked, err := c.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range asked {
				_ = r.Reply(r.Type == "subsystem", nil)
			}
		}()
		s, err := sftp.NewServer(ch, sftp.WithServerWorkingDirectory(dir))
		if err != nil {
			return
		}
		_ = s.Serve()
		_ = ch.Close()
	}
}

func TestSFTP(t *testing.T) {
	dir := t.TempDir()
	host, port, fingerprint := server(t, dir)
	good := Target{Kind: "sftp", Host: host, Port: port, User: "u", Fingerprint: fingerprint, Path: "in/civil"}
	put := func(t Target, secret, text string) error {
		p, err := OpenPlace(context.Background(), t, "", secret)
		if err != nil {
			return err
		}
		defer p.Close()
		if err := p.Stage(context.Background(), "a.csv", strings.NewReader(text)); err != nil {
			return err
		}
		return p.Commit("a.csv")
	}
	for _, text := range []string{"first", "second"} {
		if err := put(good, "p", text); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(filepath.Join(dir, "in/civil/a.csv")); err != nil || string(b) != text {
			t.Error(string(b), err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "in/civil/*.part")); len(left) > 0 {
		t.Error(left)
	}
	other := good
	other.Fingerprint = "SHA256:other"
	if err := put(other, "p", "x"); errs.KeyOf(err) != "exchange.other_host" {
		t.Error("another host:", err)
	}
	if err := put(good, "wrong", "x"); errs.KeyOf(err) != "exchange.not_let_in" {
		t.Error("a wrong password:", err)
	}
	gone := good
	gone.Port = 1
	if err := put(gone, "p", "x"); errs.KeyOf(err) != "exchange.unreachable" {
		t.Error("nobody there:", err)
	}
}
