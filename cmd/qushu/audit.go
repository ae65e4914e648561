package main

import (
	"compress/gzip"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/kernel/audit"
	"qushu/internal/room"
)

type auditCmd struct {
	Verify  auditVerifyCmd  `cmd:"" help:"Check every record: altered, missing, moved or cut off. Exit code 1 when the log is not whole."`
	Export  auditExportCmd  `cmd:"" help:"Write the records and their signed roots as a pack that is verified without this installation."`
	Keys    auditKeysCmd    `cmd:"" help:"Print the public keys. Keep a copy where this machine cannot change it: 'verify --key' trusts it."`
	Archive auditArchiveCmd `cmd:"" help:"Move records older than the setting audit.retain_days (at least 183 days) into a signed archive file."`
}

type auditVerifyCmd struct {
	Pack string   `placeholder:"FILE" help:"A pack written by 'audit export' or an archive file (.gz) instead of this installation; needs neither database nor keys."`
	Key  []string `type:"existingfile" placeholder:"PEM" help:"Public keys to trust for --pack; without them the keys inside the pack are used, which shows only that it agrees with itself."`
}

// Run verifies the installation, or a pack.
func (v *auditVerifyCmd) Run(ctx context.Context, c *cli, out io.Writer) error {
	if v.Pack != "" {
		return verifyPack(v.Pack, v.Key, out)
	}
	if len(v.Key) > 0 {
		return errors.New("--key belongs to --pack: an installation verifies with its own keys")
	}
	return auditCall(ctx, c, "audit-verify", nil, out)
}

type auditExportCmd struct {
	Out  string `short:"o" placeholder:"FILE" help:"File to write; standard output when not given."`
	From int64  `placeholder:"N" help:"First record; the oldest one online when not given."`
	To   int64  `placeholder:"N" help:"Last record; the newest when not given."`
}

// Run writes a pack.
func (e *auditExportCmd) Run(ctx context.Context, c *cli, out io.Writer) (err error) {
	if e.Out != "" {
		f, err := os.OpenFile(e.Out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("the pack cannot be written: %w", err)
		}
		defer func() {
			if err = errors.Join(err, f.Close()); err != nil {
				_ = os.Remove(e.Out) // half a pack is no pack
			}
		}()
		out = f
	}
	return auditCall(ctx, c, "audit-export", []string{strconv.FormatInt(e.From, 10), strconv.FormatInt(e.To, 10)}, out)
}

type auditKeysCmd struct{}

// Run prints the public keys.
func (auditKeysCmd) Run(ctx context.Context, c *cli, out io.Writer) error {
	return auditCall(ctx, c, "audit-keys", nil, out)
}

type auditArchiveCmd struct {
	Dir string `type:"path" placeholder:"DIR" help:"Where the archive files go (default <data>/audit-archive)."`
}

// Run archives what is old enough.
func (a *auditArchiveCmd) Run(ctx context.Context, c *cli, out io.Writer) error {
	return auditCall(ctx, c, "audit-archive", []string{a.Dir}, out)
}

func auditCall(ctx context.Context, c *cli, name string, args []string, out io.Writer) error {
	cfg, err := c.config(nil)
	if err != nil {
		return err
	}
	if _, err := os.Stat(cfg.Data); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("there is no data directory %s: give --data", cfg.Data)
	}
	return call(ctx, cfg, name, args, out)
}

// errNotWhole ends a verification that found damage; what it found is printed before.
var errNotWhole = errors.New("the audit log is not whole")

func say(out io.Writer, r *audit.Report, words *errs.Catalog) error {
	for _, s := range r.Words(words, terminalLang()) {
		fmt.Fprintln(out, s)
	}
	if !r.OK {
		return errNotWhole
	}
	return nil
}

// terminal is who acts on the command line: whoever may open the data directory.
func terminal() *room.Actor {
	return &room.Actor{Account: "terminal", Name: "terminal", IsJob: true}
}

func auditVerify(ctx context.Context, a *app, _ []string, out io.Writer) error {
	log := a.kit.Audit
	if err := log.Note(ctx, audit.Entry{Action: "audit.verify", Object: "audit", Actor: terminal()}); err != nil {
		return err
	}
	if _, err := log.Chain(ctx); err != nil { // what came since the server stopped
		return err
	}
	told := int64(0)
	r, err := log.Verify(ctx, func(done, total int64) {
		if tenth := done * 10 / max(total, 1); total > 100_000 && tenth > told {
			told = tenth
			fmt.Fprintf(out, "%d / %d\n", done, total)
		}
	})
	if err != nil {
		return err
	}
	return say(out, r, a.house.Catalog)
}

func auditExport(ctx context.Context, a *app, args []string, out io.Writer) error {
	var bounds [2]int64
	for i := range bounds {
		if i < len(args) {
			bounds[i], _ = strconv.ParseInt(args[i], 10, 64) // written by Run
		}
	}
	log := a.kit.Audit
	if err := log.Note(ctx, audit.Entry{Action: "audit.export", Object: "audit", Actor: terminal(), Detail: map[string]any{"from": bounds[0], "to": bounds[1]}}); err != nil {
		return err
	}
	if _, err := log.Chain(ctx); err != nil {
		return err
	}
	return a.worded(log.Export(ctx, out, bounds[0], bounds[1]))
}

func auditKeys(_ context.Context, a *app, _ []string, out io.Writer) error {
	keys, err := a.kit.Audit.PublicKeys()
	for _, k := range keys {
		fmt.Fprint(out, k.PEM)
	}
	return err
}

func auditArchive(ctx context.Context, a *app, args []string, out io.Writer) error {
	dir := filepath.Join(a.cfg.Data, "audit-archive")
	if len(args) > 0 && args[0] != "" {
		dir = args[0]
	}
	if _, err := a.kit.Audit.Chain(ctx); err != nil {
		return err
	}
	made, err := a.kit.Audit.Prune(ctx, a.kit.Settings.Int(ctx, "audit.retain_days"), dir)
	if err != nil {
		return a.worded(err)
	}
	if made.ID == 0 {
		fmt.Fprintln(out, "nothing is old enough to be archived")
		return nil
	}
	fmt.Fprintf(out, "records %d to %d: %s\n", made.From, made.To, filepath.Join(dir, made.File))
	return nil
}

// worded gives an error its words for the terminal.
func (a *app) worded(err error) error {
	if e, ok := errors.AsType[*errs.Error](err); ok && e.Kind != errs.Internal {
		return errors.New(a.house.Catalog.Text(terminalLang(), e.Key, e.Args...))
	}
	return err
}

// verifyPack checks a pack on any machine.
func verifyPack(name string, keys []string, out io.Writer) error {
	words, err := errs.NewCatalog(audit.Text)
	if err != nil {
		return err
	}
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("the pack cannot be read: %w", err)
	}
	defer f.Close()
	in := io.Reader(f)
	if strings.HasSuffix(name, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			return fmt.Errorf("%s is not a gzip file: %w", name, err)
		}
	}
	var o audit.PackOptions
	for _, k := range keys {
		pems, err := splitPEM(k)
		if err != nil {
			return err
		}
		o.Trusted = append(o.Trusted, pems...)
	}
	r, err := audit.VerifyPack(in, o)
	if e, ok := errors.AsType[*errs.Error](err); ok {
		return errors.New(words.Text(terminalLang(), e.Key, e.Args...))
	}
	if err != nil {
		return err
	}
	if !r.Trusted {
		fmt.Fprintln(out, words.Text(terminalLang(), "audit.verdict.untrusted"))
	}
	return say(out, r, words)
}

// splitPEM reads the public keys of a file, one after the other as 'audit keys' prints them.
func splitPEM(file string) ([][]byte, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the public key cannot be read: %w", err)
	}
	var out [][]byte
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		out = append(out, pem.EncodeToMemory(block))
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s holds no public key in PEM form", file)
	}
	return out, nil
}
