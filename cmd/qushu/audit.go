package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/web"
	"qushu/internal/kernel/audit"
)

type auditCmd struct {
	Verify  auditVerifyCmd  `cmd:"" help:"Verify the whole chain, or an exported pack without any installation."`
	Export  auditExportCmd  `cmd:"" help:"Write records and signed roots to a pack that can be verified anywhere."`
	Archive auditArchiveCmd `cmd:"" help:"Move records older than the retention into a signed archive file."`
	Keys    auditKeysCmd    `cmd:"" help:"Print the public keys that packs are verified with; carry them by another way than the packs."`
}

type auditVerifyCmd struct {
	Pack     string   `type:"existingfile" placeholder:"FILE" help:"Verify this pack; no installation is needed."`
	Evidence string   `type:"existingfile" placeholder:"FILE" help:"Verify this evidence pack of a case; no installation is needed."`
	Key      []string `type:"existingfile" placeholder:"FILE" help:"Trusted public key, PEM. Without one a pack only shows that it agrees with itself."`
}

// Run verifies and ends with an error when anything is broken.
func (v *auditVerifyCmd) Run(ctx context.Context, c *cli, out io.Writer) error {
	if v.Pack != "" {
		return v.pack(out)
	}
	if v.Evidence != "" {
		return v.evidence(out)
	}
	if len(v.Key) > 0 {
		return errors.New("--key belongs to --pack and --evidence: an installation is verified with its own keys")
	}
	return c.call(ctx, out, "audit-verify")
}

func (v *auditVerifyCmd) pack(out io.Writer) error {
	words, err := errs.NewCatalog(audit.Text)
	if err != nil {
		return err
	}
	var o audit.PackOptions
	if o.Trusted, err = v.keys(); err != nil {
		return err
	}
	f, err := os.Open(v.Pack)
	if err != nil {
		return err
	}
	defer f.Close()
	in, err := plain(f)
	if err != nil {
		return err
	}
	r, err := audit.VerifyPack(in, o)
	if e, ok := errors.AsType[*errs.Error](err); ok {
		return errors.New(words.Text(terminalLang(), e.Key, e.Args...))
	}
	if err != nil {
		return err
	}
	return report(out, words, terminalLang(), r)
}

// plain unpacks an archive, which is a pack under gzip.
func plain(f io.Reader) (io.Reader, error) {
	b := bufio.NewReader(f)
	if head, err := b.Peek(2); err != nil || head[0] != 0x1f || head[1] != 0x8b {
		return b, nil // whatever is wrong with it, VerifyPack says it
	}
	return gzip.NewReader(b)
}

// note records what was done at the terminal.
func (a *app) note(ctx context.Context, action string) error {
	return a.kit.Audit.Note(ctx, audit.Entry{Action: action, Object: "audit", Detail: map[string]any{"terminal": true}})
}

func auditVerify(ctx context.Context, a *app, _ []string, out io.Writer) error {
	if _, err := a.kit.Audit.Chain(ctx); err != nil { // what was written since the server stopped
		return a.words(ctx, err)
	}
	last := time.Now()
	r, err := a.kit.Audit.Verify(ctx, func(done, total int64) {
		if time.Since(last) > 2*time.Second {
			last = time.Now()
			fmt.Fprintf(out, "%d / %d\n", done, total)
		}
	})
	if err != nil {
		return a.words(ctx, err)
	}
	if err := a.note(ctx, "audit.verified"); err != nil {
		return err
	}
	return report(out, a.house.Catalog, web.From(ctx).Lang, r)
}

// report prints what was found and fails when anything is broken.
func report(out io.Writer, words *errs.Catalog, lang string, r *audit.Report) error {
	for _, line := range r.Words(words, lang) {
		fmt.Fprintln(out, line)
	}
	if !r.OK {
		return fmt.Errorf("the audit is broken in %d places", r.Broken)
	}
	return nil
}

type auditExportCmd struct {
	File string `arg:"" help:"File to write."`
	From int64  `help:"First record, the oldest there is when 0."`
	To   int64  `help:"Last record, the newest when 0."`
}

// Run writes the pack; the running server, when there is one, must be able to write the file too.
func (x *auditExportCmd) Run(ctx context.Context, c *cli, out io.Writer) error {
	cfg, err := c.existing()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(x.File, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	if err := call(ctx, cfg, "audit-export", []string{fmt.Sprint(x.From), fmt.Sprint(x.To)}, w); err != nil {
		f.Close()
		os.Remove(x.File)
		return err
	}
	return errors.Join(w.Flush(), f.Sync(), f.Close())
}

func auditExport(ctx context.Context, a *app, args []string, out io.Writer) error {
	var from, to int64
	if _, err := fmt.Sscan(args[0]+" "+args[1], &from, &to); err != nil {
		return err
	}
	if err := a.kit.Audit.Export(ctx, out, from, to); err != nil {
		return a.words(ctx, err)
	}
	return a.note(ctx, "audit.export")
}

type auditKeysCmd struct{}

// Run prints the keys.
func (auditKeysCmd) Run(ctx context.Context, c *cli, out io.Writer) error {
	return c.call(ctx, out, "audit-keys")
}

func auditKeys(_ context.Context, a *app, _ []string, out io.Writer) error {
	keys, err := a.kit.Audit.PublicKeys()
	for _, k := range keys {
		fmt.Fprint(out, k.PEM)
	}
	return err
}

type auditArchiveCmd struct {
	Dir  string `arg:"" type:"path" help:"Folder for the archive file."`
	Days int    `help:"Archive what is older than so many days; the setting audit.retain_days when 0."`
}

// Run archives and prunes.
func (x *auditArchiveCmd) Run(ctx context.Context, c *cli, out io.Writer) error {
	return c.call(ctx, out, "audit-archive", x.Dir, fmt.Sprint(x.Days))
}

func auditArchive(ctx context.Context, a *app, args []string, out io.Writer) error {
	days, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	if days == 0 {
		days = a.kit.Settings.Int(ctx, "audit.retain_days")
	}
	done, err := a.kit.Audit.Prune(ctx, days, args[0])
	if err != nil {
		return a.words(ctx, err)
	}
	if done.ID == 0 {
		fmt.Fprintf(out, "No record is older than %d days and sealed by a root.\n", days)
		return nil
	}
	fmt.Fprintf(out, "Records %d to %d are in %s now, signed and proved; the chain goes on behind them.\n", done.From, done.To, done.File)
	return nil
}
