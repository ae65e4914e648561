package duck

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/internal/snapshot"
)

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
		if snapshot.Written(dir, vid) {
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
	sum, err := snapshot.Copy(ctx, snapshot.Rows(dir, v.ID), own)
	if err != nil {
		return err
	}
	return snapshot.Seal(dir, v, sum)
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
	m, err := snapshot.Read(dir, vid)
	if err != nil {
		return m.Version, err
	}
	bad := func(cause error) error {
		return errs.Wrap(cause, errs.Invalid, "warehouse.bad_snapshot", snapshot.Rows(dir, vid))
	}
	if err := os.MkdirAll(s.transfer(), 0o700); err != nil {
		return m.Version, fmt.Errorf("duck: %w", err)
	}
	own := filepath.Join(s.transfer(), "in_"+id.New()+".parquet")
	defer os.Remove(own)
	sum, err := snapshot.Copy(ctx, own, snapshot.Rows(dir, vid))
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
		res, err := tx.ExecContext(ctx, "INSERT INTO "+table(vid)+" SELECT "+strings.Join(snapshot.Columns(v.Columns), ", ")+" FROM read_parquet("+quote(own)+")")
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n != v.Rows {
			return bad(err)
		}
		return register(ctx, tx, v)
	}, func() { s.versions[vid] = v })
}
