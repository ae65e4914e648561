// Package snapshot is what the files of a warehouse's archive have in common, whichever engine wrote them: a version is
// <id>.parquet with the columns _k (where there is a key), c0, c1 … in the order of its table, and <id>.json, which
// comes last.
package snapshot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/warehouse"
)

// Manifest stands beside a version's file.
type Manifest struct {
	Version warehouse.Version `json:"version"`
	SHA256  string            `json:"sha256"` // of the .parquet file, hex
}

// Rows names the file of a version's rows in dir, Name the one of its manifest.
func Rows(dir, version string) string { return filepath.Join(dir, version+".parquet") }

// Name names the file of a version's manifest in dir.
func Name(dir, version string) string { return filepath.Join(dir, version+".json") }

// Columns names the columns of the file of a version with cols.
func Columns(cols []warehouse.Column) []string {
	var out []string
	if len(warehouse.KeyColumns(cols)) > 0 {
		out = append(out, "_k")
	}
	for i := range cols {
		out = append(out, "c"+strconv.Itoa(i))
	}
	return out
}

// Written reports whether dir holds the version, whole.
func Written(dir, version string) bool {
	_, err := os.Stat(Name(dir, version))
	return err == nil
}

// Seal writes the manifest of v, whose rows are in dir with the checksum sum.
func Seal(dir string, v warehouse.Version, sum string) error {
	b, err := json.MarshalIndent(Manifest{v, sum}, "", "  ")
	if err != nil {
		return err
	}
	return Replace(Name(dir, v.ID), func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

// Read reads a version's manifest and checks that it describes a version that could exist.
func Read(dir, version string) (Manifest, error) {
	var m Manifest
	name := Name(dir, version)
	b, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err == nil {
		err = warehouse.Spec{Table: m.Version.Table, Columns: m.Version.Columns}.Check()
	}
	if err != nil || m.Version.ID != version || !id.Valid(version) {
		return m, errs.Wrap(err, errs.Invalid, "warehouse.bad_snapshot", name)
	}
	return m, nil
}

// Copy copies from to to, whole and on disk or not at all, and returns the SHA-256 of what it copied.
func Copy(ctx context.Context, to, from string) (sum string, err error) {
	err = Replace(to, func(w io.Writer) error {
		sum, err = Sum(ctx, w, from)
		return err
	})
	return sum, err
}

// Sum writes the file from to w and returns its SHA-256.
func Sum(ctx context.Context, w io.Writer, from string) (string, error) {
	in, err := os.Open(from)
	if err != nil {
		return "", err
	}
	defer in.Close()
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(w, h), stoppable{ctx, in})
	return hex.EncodeToString(h.Sum(nil)), err
}

// Replace writes a file, whole and on disk or not at all.
func Replace(to string, fill func(io.Writer) error) (err error) {
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
