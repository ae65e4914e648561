package duck

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/warehouse"
)

// manifest stands beside a version's file in a snapshot.
type manifest struct {
	Version warehouse.Version `json:"version"`
	SHA256  string            `json:"sha256"` // of the .parquet file, hex
}

// Snapshot implements warehouse.Archive.
func (s *Store) Snapshot(ctx context.Context, dir string, ids []string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("duck: %w", err)
	}
	for _, vid := range ids {
		v, err := s.Version(ctx, vid)
		if err != nil {
			return err
		}
		if _, err := os.Stat(filepath.Join(dir, vid+".json")); err == nil {
			continue // written by an earlier snapshot, and versions never change
		}
		if err := s.export(ctx, dir, v); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return s.explain(err)
		}
	}
	return nil
}

// export has the engine write the version where it may write, and moves that to dir.
func (s *Store) export(ctx context.Context, dir string, v warehouse.Version) error {
	if err := os.MkdirAll(s.transfer(), 0o700); err != nil {
		return err
	}
	own := filepath.Join(s.transfer(), "out_"+id.New()+".parquet")
	defer os.Remove(own)
	err := s.use(ctx, func(conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, "COPY "+table(v.ID)+" TO "+quote(own)+" (FORMAT parquet, COMPRESSION zstd)")
		return err
	})
	if err != nil {
		return err
	}
	sum, err := copyFile(ctx, filepath.Join(dir, v.ID+".parquet"), own)
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(manifest{v, sum}, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, v.ID+".json"), b)
}

// Restore implements warehouse.Archive.
func (s *Store) Restore(ctx context.Context, dir string) ([]warehouse.Version, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("duck: %w", err)
	}
	var out []warehouse.Version
	for _, f := range files {
		vid, is := strings.CutSuffix(f.Name(), ".json")
		if _, held := s.find(vid); held || !is {
			continue
		}
		v, err := s.restore(ctx, dir, vid)
		if err != nil {
			return out, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (s *Store) restore(ctx context.Context, dir, vid string) (warehouse.Version, error) {
	m, err := readManifest(filepath.Join(dir, vid+".json"), vid)
	if err != nil {
		return m.Version, err
	}
	bad := func(cause error) error {
		return errs.Wrap(cause, errs.Invalid, "warehouse.bad_snapshot", filepath.Join(dir, vid+".parquet"))
	}
	if err := os.MkdirAll(s.transfer(), 0o700); err != nil {
		return m.Version, fmt.Errorf("duck: %w", err)
	}
	own := filepath.Join(s.transfer(), "in_"+id.New()+".parquet")
	defer os.Remove(own)
	sum, err := copyFile(ctx, own, filepath.Join(dir, vid+".parquet"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return m.Version, bad(err)
	case ctx.Err() != nil:
		return m.Version, ctx.Err()
	case err != nil:
		return m.Version, s.explain(err)
	case sum != m.SHA256:
		return m.Version, bad(nil)
	}
	v := m.Version
	return v, s.change(ctx, func(tx *sql.Tx, _ *sql.Conn) error {
		keyed := len(warehouse.KeyColumns(v.Columns)) > 0
		if _, err := tx.ExecContext(ctx, "CREATE TABLE "+table(vid)+" ("+definitions(v.Columns, keyed)+")"); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, "INSERT INTO "+table(vid)+" SELECT * FROM read_parquet("+quote(own)+")")
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n != v.Rows {
			return bad(err)
		}
		return register(ctx, tx, v)
	}, func() { s.versions[vid] = v })
}

// readManifest reads a manifest and checks that it describes a version that could exist.
func readManifest(name, vid string) (manifest, error) {
	var m manifest
	b, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err == nil {
		err = warehouse.Spec{Table: m.Version.Table, Columns: m.Version.Columns}.Check()
	}
	if err != nil || m.Version.ID != vid || !id.Valid(vid) {
		return m, errs.Wrap(err, errs.Invalid, "warehouse.bad_snapshot", name)
	}
	return m, nil
}

// copyFile copies from to to, whole and on disk or not at all, and returns the SHA-256 of what it copied.
func copyFile(ctx context.Context, to, from string) (sum string, err error) {
	in, err := os.Open(from)
	if err != nil {
		return "", err
	}
	defer in.Close()
	h := sha256.New()
	err = replace(to, func(w io.Writer) error {
		_, err := io.Copy(io.MultiWriter(w, h), stoppable{ctx, in})
		return err
	})
	return hex.EncodeToString(h.Sum(nil)), err
}

func writeFile(to string, b []byte) error {
	return replace(to, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

func replace(to string, fill func(io.Writer) error) (err error) {
	out, err := os.CreateTemp(filepath.Dir(to), ".part-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			out.Close()
			os.Remove(out.Name())
		}
	}()
	if err := fill(out); err != nil {
		return err
	}
	if err := out.Sync(); err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return os.Rename(out.Name(), to)
}

// stoppable is a reader that ends with its context.
type stoppable struct {
	ctx context.Context
	r   io.Reader
}

func (s stoppable) Read(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(b)
}
