package deliver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"qushu/internal/base/errs"
)

// Place takes files. Stage puts one there under another name; Commit gives it its own, over one that was there.
type Place interface {
	Stage(ctx context.Context, name string, r io.Reader) error
	Commit(name string) error
	Close() error
}

const part = ".part" // behind the name of a file that is not whole

// OpenPlace opens where files go. root is the folder below which folders lie, "" for none; secret the password or the private
// key (PEM) of an SFTP user.
func OpenPlace(ctx context.Context, t Target, root, secret string) (Place, error) {
	if t.Kind == "sftp" {
		return openSFTP(ctx, t, secret)
	}
	if root == "" {
		return nil, errs.New(errs.Denied, "exchange.no_folder")
	}
	r, err := os.OpenRoot(root)
	if err != nil {
		return nil, errs.Wrap(err, errs.Conflict, "exchange.bad_folder")
	}
	dir := strings.Trim(path.Clean("/"+t.Path), "/")
	if dir == "" {
		return &folder{r}, nil
	}
	defer r.Close()
	if err := r.MkdirAll(dir, 0o750); err != nil {
		return nil, errs.Wrap(err, errs.Conflict, "exchange.bad_folder")
	}
	sub, err := r.OpenRoot(dir)
	if err != nil {
		return nil, errs.Wrap(err, errs.Conflict, "exchange.bad_folder")
	}
	return &folder{sub}, nil
}

// folder is a folder of this machine that nothing leaves, by links neither.
type folder struct{ root *os.Root }

func (f *folder) Stage(_ context.Context, name string, r io.Reader) error {
	w, err := f.root.OpenFile(name+part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, w.Sync(), w.Close())
}

func (f *folder) Commit(name string) error { return f.root.Rename(name+part, name) }

func (f *folder) Close() error { return f.root.Close() }

// remote is a folder on an SFTP server.
type remote struct {
	*sftp.Client
	conn *ssh.Client
	dir  string
}

func openSFTP(ctx context.Context, t Target, secret string) (Place, error) {
	auth := ssh.Password(secret)
	if strings.Contains(secret, "PRIVATE KEY") {
		key, err := ssh.ParsePrivateKey([]byte(secret))
		if err != nil {
			return nil, errs.Wrap(err, errs.Invalid, "exchange.bad_private_key")
		}
		auth = ssh.PublicKeys(key)
	}
	config := &ssh.ClientConfig{User: t.User, Auth: []ssh.AuthMethod{auth}, Timeout: 20 * time.Second, HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
		if got := ssh.FingerprintSHA256(key); got != t.Fingerprint {
			return errs.New(errs.Denied, "exchange.other_host", t.Host, got)
		}
		return nil
	}}
	port := t.Port
	if port == 0 {
		port = 22
	}
	at := net.JoinHostPort(t.Host, strconv.Itoa(port))
	raw, err := (&net.Dialer{Timeout: 20 * time.Second}).DialContext(ctx, "tcp", at)
	if err != nil {
		return nil, errs.Wrap(err, errs.Busy, "exchange.unreachable", at)
	}
	c, chans, reqs, err := ssh.NewClientConn(raw, at, config)
	if err != nil {
		raw.Close()
		if errs.Is(err, errs.Denied) {
			return nil, err
		}
		return nil, errs.Wrap(err, errs.Denied, "exchange.not_let_in", at)
	}
	conn := ssh.NewClient(c, chans, reqs)
	client, err := sftp.NewClient(conn)
	if err != nil {
		conn.Close()
		return nil, errs.Wrap(err, errs.Busy, "exchange.unreachable", at)
	}
	dir := t.Path
	if dir == "" {
		dir = "."
	}
	return &remote{client, conn, dir}, nil
}

func (s *remote) Stage(_ context.Context, name string, r io.Reader) error {
	if err := s.MkdirAll(s.dir); err != nil {
		return fmt.Errorf("mkdir %s: %w", s.dir, err)
	}
	w, err := s.Create(path.Join(s.dir, name+part))
	if err != nil {
		return err
	}
	_, err = w.ReadFrom(r)
	return errors.Join(err, w.Close())
}

// Commit renames as POSIX does, over what was there; a server that cannot is asked the plain way.
func (s *remote) Commit(name string) error {
	to := path.Join(s.dir, name)
	if err := s.PosixRename(to+part, to); err != nil {
		return s.Rename(to+part, to)
	}
	return nil
}

// Close ends the connection.
func (s *remote) Close() error { return errors.Join(s.Client.Close(), s.conn.Close()) }
