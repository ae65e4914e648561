package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"qushu/internal/base/blob"
	"qushu/internal/base/config"
	"qushu/internal/base/errs"
	"qushu/internal/base/jobs"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
)

type backupCmd struct {
	Dir string `arg:"" type:"path" help:"New folder to write; it may not exist yet."`
}

// Run writes a backup, through the running server when there is one.
func (b *backupCmd) Run(ctx context.Context, c *cli, out io.Writer) error {
	return c.call(ctx, out, "backup", b.Dir)
}

// manifest is written last: a folder without it is no backup.
type manifest struct {
	Format  int               `json:"format"`
	Version string            `json:"version"`
	Engine  store.Engine      `json:"engine"`
	Made    time.Time         `json:"made"`
	Demo    bool              `json:"demo"`
	Blobs   int               `json:"blobs"`
	Tables  int               `json:"warehouseVersions"`
	Files   map[string]string `json:"files"` // path → SHA-256; blobs carry theirs in their names
}

const manifestFile = "manifest.json"

// backup snapshots rows first, then copies what they name: blobs and warehouse versions never change
// and are kept a day longer than their last row.
func backup(ctx context.Context, a *app, args []string, out io.Writer) (err error) {
	dir := args[0]
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("the backup needs a new folder: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	m := manifest{Format: 1, Version: version, Engine: a.kit.DB.Engine(), Made: time.Now().UTC(), Demo: isDemo(a.cfg.Data), Files: map[string]string{}}
	// On PostgreSQL the names are read before and after the snapshot: what the snapshot holds stood in one of them.
	var before struct{ hashes, versions []string }
	if a.kit.DB.Engine() == store.Postgres {
		if before.hashes, before.versions, err = a.namedBy(ctx, ""); err != nil {
			return err
		}
	}
	rows := filepath.Join(dir, "rows")
	if err := os.Mkdir(rows, 0o700); err != nil {
		return err
	}
	if err := a.kit.DB.Snapshot(ctx, rows); err != nil {
		return a.words(ctx, err)
	}
	fmt.Fprintln(out, "rows: done")
	hashes, versions, err := a.namedBy(ctx, rows)
	if err != nil {
		return err
	}
	hashes, versions = union(hashes, before.hashes), union(versions, before.versions)
	if m.Blobs, err = a.copyBlobs(ctx, dir, hashes); err != nil {
		return a.words(ctx, err)
	}
	fmt.Fprintf(out, "files: %d\n", m.Blobs)
	if arch, ok := a.kit.Warehouse.(warehouse.Archive); ok {
		if err := arch.Snapshot(ctx, filepath.Join(dir, "warehouse"), versions); err != nil {
			return a.words(ctx, err)
		}
		m.Tables = len(versions)
		fmt.Fprintf(out, "warehouse versions: %d\n", m.Tables)
	}
	months, err := a.kit.Series.Snapshot(ctx, filepath.Join(dir, seriesDir))
	if err != nil {
		return a.words(ctx, err)
	}
	fmt.Fprintf(out, "months of samples beside the rows: %d\n", months)
	if err := copyFile(a.keyFile(), filepath.Join(dir, secret.FileName)); err != nil {
		return err
	}
	for _, name := range auditDirs {
		if err := copyDir(filepath.Join(a.cfg.Data, name), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	if err := m.seal(dir); err != nil {
		return err
	}
	fmt.Fprintf(out, "backup written to %s. It holds the keys: keep it where only administrators reach it.\n", dir)
	return nil
}

// auditDirs hold what was signed and taken out of the database.
var auditDirs = [...]string{"audit-roots", "audit-archive"}

// union returns a with what only b has.
func union(a, b []string) []string {
	out := append(slices.Clone(a), b...)
	slices.Sort(out)
	return slices.Compact(out)
}

func (a *app) keyFile() string {
	if a.cfg.Keys.File != "" {
		return a.cfg.Keys.File
	}
	return filepath.Join(a.cfg.Data, secret.FileName)
}

// namedBy reads from the snapshot which blobs and versions its rows name.
func (a *app) namedBy(ctx context.Context, rows string) (hashes, versions []string, err error) {
	var q store.Queryer = a.kit.DB // PostgreSQL: what was named a moment ago is kept for a day
	if a.kit.DB.Engine() == store.SQLite {
		snap, err := store.Open(ctx, "", filepath.Join(rows, store.SnapshotFile))
		if err != nil {
			return nil, nil, err
		}
		defer func() {
			snap.Close()
			for _, x := range []string{"-wal", "-shm"} {
				os.Remove(filepath.Join(rows, store.SnapshotFile+x))
			}
		}()
		q = snap
	}
	if hashes, err = a.kit.Files.Hashes(ctx, q); err != nil {
		return nil, nil, err
	}
	versions, err = a.kit.Datasets.Stored(ctx, q)
	return hashes, versions, err
}

func (a *app) copyBlobs(ctx context.Context, dir string, hashes []string) (int, error) {
	to, err := blob.OpenURL(ctx, "", dir)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, h := range hashes {
		switch err := copyBlob(ctx, a.kit.Blobs, to, h); {
		case errs.Is(err, errs.Missing): // nothing names it any more
		case err != nil:
			return 0, err
		default:
			n++
		}
	}
	return n, nil
}

func copyBlob(ctx context.Context, from, to blob.Store, hash string) error {
	r, _, err := from.Open(ctx, hash)
	if err != nil {
		return err
	}
	defer r.Close()
	ref, err := to.Put(ctx, r, 0)
	if err == nil && ref.Hash != hash {
		err = fmt.Errorf("the file %s is damaged", hash)
	}
	return err
}

// seal notes the checksum of every file but the blobs, and writes the manifest.
func (m *manifest) seal(dir string) error {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, path)
		if err != nil || d.IsDir() {
			if err == nil && rel == "blobs" {
				return fs.SkipDir
			}
			return err
		}
		m.Files[filepath.ToSlash(rel)], err = fileSum(path)
		return err
	})
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	tmp := filepath.Join(dir, manifestFile+".part")
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(dir, manifestFile))
}

func fileSum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

type restoreCmd struct {
	Dir string `arg:"" type:"existingdir" help:"Folder written by qushu backup."`
}

// Run fills an empty installation from a backup; nothing is changed when the backup is damaged.
func (r *restoreCmd) Run(ctx context.Context, c *cli, out io.Writer) error {
	cfg, err := c.config(nil)
	if err != nil {
		return err
	}
	m, err := readManifest(r.Dir)
	if err != nil {
		return err
	}
	if files, err := os.ReadDir(cfg.Data); err == nil && len(files) > 0 {
		return fmt.Errorf("%s is not empty: restore into an empty data directory", cfg.Data)
	}
	if err := restore(ctx, cfg, r.Dir, m, out); err != nil {
		return fmt.Errorf("the restore was not finished, empty %s and try again: %w", cfg.Data, err)
	}
	fmt.Fprintf(out, "restored the backup of %s into %s. Check it with: qushu doctor and qushu audit verify\n", m.Made.Local().Format("2006-01-02 15:04"), cfg.Data)
	return nil
}

func readManifest(dir string) (*manifest, error) {
	b, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if err != nil {
		return nil, fmt.Errorf("%s is no finished backup: %w", dir, err)
	}
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil || m.Format != 1 {
		return nil, fmt.Errorf("%s is not a manifest this program reads", manifestFile)
	}
	for name, want := range m.Files {
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			return nil, fmt.Errorf("the manifest names %q, which lies outside the backup", name)
		}
		got, err := fileSum(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return nil, fmt.Errorf("the backup is not whole: %w", err)
		}
		if got != want {
			return nil, fmt.Errorf("the backup is damaged: %s is not what was written", name)
		}
	}
	return &m, nil
}

func restore(ctx context.Context, cfg *config.Config, dir string, m *manifest, out io.Writer) error {
	postgres := strings.HasPrefix(cfg.Database.URL, "postgres")
	if !postgres && m.Engine == store.Postgres {
		return errors.New("the backup holds rows of PostgreSQL: give a PostgreSQL database (database.url); rows move from SQLite to PostgreSQL, not back")
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return err
	}
	keys := cfg.Keys.File
	if keys == "" {
		keys = filepath.Join(cfg.Data, secret.FileName)
	}
	err := copyFile(filepath.Join(dir, secret.FileName), keys)
	for _, name := range auditDirs {
		err = errors.Join(err, copyDir(filepath.Join(dir, name), filepath.Join(cfg.Data, name)))
	}
	if m.Demo {
		err = errors.Join(err, os.WriteFile(filepath.Join(cfg.Data, demoMark), nil, 0o600))
	}
	if !postgres {
		err = errors.Join(err, copyDir(filepath.Join(dir, seriesDir), filepath.Join(cfg.Data, seriesDir)))
		err = errors.Join(err, copyFile(filepath.Join(dir, "rows", store.SnapshotFile), filepath.Join(cfg.Data, "qushu.db")))
	}
	if err != nil {
		return err
	}
	a, err := open(ctx, cfg, opening{})
	if err != nil {
		return err
	}
	defer a.Close()
	switch {
	case postgres && m.Engine == store.SQLite:
		err = a.take(ctx, dir, out)
		if err == nil {
			var n int64
			n, err = a.kit.Series.Take(ctx, filepath.Join(dir, seriesDir))
			fmt.Fprintf(out, "samples moved from SQLite to PostgreSQL: %d\n", n)
		}
	case postgres:
		if err = a.kit.Series.Prepare(ctx, monthsOf(filepath.Join(dir, "rows"))); err == nil {
			err = a.kit.DB.Fill(ctx, filepath.Join(dir, "rows"))
		}
	}
	if err != nil {
		return err
	}
	return a.restoreData(ctx, dir, out)
}

// monthsOf are the months of samples in a dump of PostgreSQL.
func monthsOf(rows string) (out []string) {
	const head, tail = "series_roll_", ".copy"
	files, _ := filepath.Glob(filepath.Join(rows, head+"??????"+tail)) // the pattern is sound
	for _, f := range files {
		out = append(out, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(f), head), tail))
	}
	return out
}

// take moves the rows of an embedded installation's backup onto PostgreSQL. They are migrated by this program first, in
// a copy that goes afterwards.
func (a *app) take(ctx context.Context, dir string, out io.Writer) error {
	tmp, err := os.MkdirTemp(a.cfg.Data, ".moving-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	file := filepath.Join(tmp, store.SnapshotFile)
	if err := copyFile(filepath.Join(dir, "rows", store.SnapshotFile), file); err != nil {
		return err
	}
	from, err := store.Open(ctx, "", file)
	if err != nil {
		return err
	}
	defer from.Close()
	if err := a.house.MigrateTo(ctx, from); err != nil {
		return err
	}
	rows, err := a.kit.DB.Take(ctx, from)
	if err != nil {
		return err
	}
	left, err := jobs.Unfinished(ctx, from)
	if err != nil {
		return err
	}
	n := 0
	err = a.kit.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		n, err = a.kit.Jobs.Adopt(ctx, tx, left)
		return err
	})
	fmt.Fprintf(out, "rows moved from SQLite to PostgreSQL: %d, jobs that wait: %d\n", rows, n)
	return err
}

func (a *app) restoreData(ctx context.Context, dir string, out io.Writer) error {
	from, err := blob.OpenURL(ctx, "", dir)
	if err != nil {
		return err
	}
	hashes, err := a.kit.Files.Hashes(ctx, a.kit.DB)
	if err != nil {
		return err
	}
	for _, h := range hashes {
		if err := copyBlob(ctx, from, a.kit.Blobs, h); err != nil {
			return a.words(ctx, err)
		}
	}
	fmt.Fprintf(out, "files: %d\n", len(hashes))
	arch, ok := a.kit.Warehouse.(warehouse.Archive)
	if !ok {
		return nil
	}
	back, err := arch.Restore(ctx, filepath.Join(dir, "warehouse"))
	if err != nil {
		return a.words(ctx, err)
	}
	fmt.Fprintf(out, "warehouse versions: %d\n", len(back))
	return nil
}

// copyFile copies one file, readable by its owner only, and sees it to disk.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, in)
	return errors.Join(err, f.Sync(), f.Close())
}

// copyDir copies the files of a flat folder; one that is not there is empty.
func copyDir(from, to string) error {
	files, err := os.ReadDir(from)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	for _, f := range files {
		if f.Type().IsRegular() {
			if err := copyFile(filepath.Join(from, f.Name()), filepath.Join(to, f.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
