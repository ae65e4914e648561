package source

import (
	"context"
	"errors"
	"net"
	"os"
	"path"
	"strings"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"qushu/internal/base/errs"
)

// far is a shelf behind SFTP.
type far struct {
	ssh  *ssh.Client
	c    *sftp.Client
	dir  string
	temp string
}

// openSFTP signs in with the secret, a password or a private key, to the server whose key has the pinned fingerprint and to
// no other.
func openSFTP(ctx context.Context, s Spec, secret string, f Fence) (Conn, error) {
	cfg := &ssh.ClientConfig{User: s.User, Timeout: dialFor, ClientVersion: "SSH-2.0-qushu"}
	if strings.Contains(secret, "PRIVATE KEY") {
		key, err := ssh.ParsePrivateKey([]byte(strings.TrimSpace(secret) + "\n"))
		if err != nil {
			return nil, errs.New(errs.Invalid, "source.bad_key")
		}
		cfg.Auth = []ssh.AuthMethod{ssh.PublicKeys(key)}
	} else {
		cfg.Auth = []ssh.AuthMethod{ssh.Password(secret), ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
			answers := make([]string, len(questions))
			for i := range answers {
				answers[i] = secret
			}
			return answers, nil
		})}
	}
	var other string
	cfg.HostKeyCallback = func(_ string, _ net.Addr, key ssh.PublicKey) error {
		if got := ssh.FingerprintSHA256(key); got != strings.TrimSpace(s.HostKey) {
			other = got
			return errors.New("another host key")
		}
		return nil
	}
	conn, err := f.dial(ctx, "tcp", s.address())
	if err != nil {
		if e, ok := errors.AsType[*errs.Error](err); ok {
			return nil, e
		}
		return nil, errs.Wrap(err, errs.Busy, "source.unreachable", s.address())
	}
	_ = conn.SetDeadline(time.Now().Add(2 * dialFor))
	sc, chans, reqs, err := ssh.NewClientConn(conn, s.address(), cfg)
	if err != nil {
		conn.Close()
		switch {
		case other != "":
			return nil, errs.Wrap(err, errs.Denied, "source.other_host", other)
		case strings.Contains(err.Error(), "unable to authenticate"):
			return nil, errs.Wrap(err, errs.Denied, "source.no_login")
		}
		return nil, errs.Wrap(err, errs.Busy, "source.unreachable", s.address())
	}
	_ = conn.SetDeadline(time.Time{})
	d := &far{ssh: ssh.NewClient(sc, chans, reqs), dir: s.Path, temp: f.Temp}
	if d.dir == "" {
		d.dir = "."
	}
	if d.c, err = sftp.NewClient(d.ssh); err != nil {
		return nil, errors.Join(errs.Wrap(err, errs.Busy, "source.unreachable", s.address()), d.ssh.Close())
	}
	return &files{of: d, now: time.Now}, nil
}

func (d *far) words(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return errs.Wrap(err, errs.Missing, "source.no_folder", d.dir)
	}
	if errors.Is(err, os.ErrPermission) {
		return errs.Wrap(err, errs.Denied, "source.no_right", clip(err.Error()))
	}
	return errs.Wrap(err, errs.Busy, "source.broken_off", clip(err.Error()))
}

func (d *far) list() ([]os.FileInfo, error) {
	all, err := d.c.ReadDir(d.dir)
	if err != nil {
		return nil, d.words(err)
	}
	return all, nil
}

func (d *far) fetch(ctx context.Context, name string) (*os.File, error) {
	r, err := d.c.Open(path.Join(d.dir, path.Base(name)))
	if err != nil {
		return nil, d.words(err)
	}
	defer r.Close()
	return copyHere(ctx, d.temp, r)
}

func (d *far) move(name, folder, as string) error {
	if err := d.c.MkdirAll(path.Join(d.dir, folder)); err != nil {
		return d.words(err)
	}
	if err := d.c.Rename(path.Join(d.dir, path.Base(name)), path.Join(d.dir, folder, as)); err != nil {
		return d.words(err)
	}
	return nil
}

func (d *far) write(folder, name, text string) error {
	w, err := d.c.Create(path.Join(d.dir, folder, name))
	if err != nil {
		return d.words(err)
	}
	_, err = w.Write([]byte(text))
	return errors.Join(err, w.Close())
}

func (d *far) close() error { return errors.Join(d.c.Close(), d.ssh.Close()) }
