// Package file keeps what is attached, stored and versioned. A blob has no rights; a file row has one
// owner (room, object), and is readable exactly when that room says so. Forwarding makes a new row on
// the same hash.
//
// Uploads come in chunks, each a blob of its own, so that one cut in the middle goes on where it was.
package file

import (
	"context"
	"embed"
	"io"
	"log/slog"
	"path"
	"strings"
	"time"
	"unicode"

	"qushu/internal/base/blob"
	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
)

//go:embed schema/*.sql
var schema embed.FS

// Text holds the words of this package.
//
//go:embed text/*.json
var Text embed.FS

// ChunkSize is how much of an upload one request carries, in bytes.
const ChunkSize = 8 << 20

// File is one file as its owner sees it.
type File struct {
	ID     string     `json:"id"`
	Room   string     `json:"-"`
	Object string     `json:"-"`
	Name   string     `json:"name"`
	Size   int64      `json:"size" doc:"bytes"`
	Media  string     `json:"media" doc:"media type, sniffed from the content"`
	Hash   string     `json:"hash" doc:"SHA-256, hexadecimal"`
	By     string     `json:"by" doc:"person who uploaded it"`
	At     store.Time `json:"at"`
}

// unclaimed is the room of a file that nobody has attached to anything yet.
const unclaimed = "file"

// CanRead says whether the actor of ctx may read what is attached to object; nil means yes.
type CanRead func(ctx context.Context, object string) error

// Files keeps files.
type Files struct {
	db      *store.DB
	blobs   blob.Store
	audit   *audit.Log
	now     func() time.Time
	max     int64
	readers map[string]CanRead
}

// New returns files whose bytes lie in blobs; max is the largest upload in bytes.
func New(db *store.DB, blobs blob.Store, log *audit.Log, now func() time.Time, max int64) *Files {
	return &Files{db: db, blobs: blobs, audit: log, now: now, max: max, readers: map[string]CanRead{}}
}

// Readers says who may read the files of a room; the room calls it once when it is made.
func (f *Files) Readers(room string, can CanRead) { f.readers[room] = can }

// Claim attaches an uploaded file to an object of a room in tx. Only its uploader may, and once.
func (f *Files) Claim(ctx context.Context, tx *store.Tx, id, room, object string) (File, error) {
	it, err := find(ctx, tx, id)
	if err != nil {
		return it, err
	}
	if it.Room != unclaimed || it.By != authz.From(ctx).Person {
		return it, errs.New(errs.Missing, "store.missing")
	}
	it.Room, it.Object = room, object
	return it, store.ExecOne(ctx, tx, `UPDATE file SET room = $1, object = $2 WHERE id = $3 AND room = $4`, room, object, id, unclaimed)
}

// Keep stores bytes a room made itself (a list of rejected rows, a report) and returns the row,
// attached. The row is inserted in a transaction of its own: the bytes come first.
func (f *Files) Keep(ctx context.Context, room, object, name string, r io.Reader) (File, error) {
	ref, err := f.blobs.Put(ctx, r, f.max)
	if err != nil {
		return File{}, err
	}
	it := f.row(ctx, ref, name)
	it.Room, it.Object = room, object
	return it, f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return insert(ctx, tx, it) })
}

// Forward makes a new row on the same bytes, attached to another object.
func (f *Files) Forward(ctx context.Context, tx *store.Tx, id, room, object string) (File, error) {
	it, err := find(ctx, tx, id)
	if err != nil {
		return it, err
	}
	if err := f.may(ctx, it); err != nil {
		return it, err
	}
	it.ID, it.Room, it.Object, it.At = newID(), room, object, store.At(f.now())
	return it, insert(ctx, tx, it)
}

// Of lists the files attached to an object, oldest first.
func (f *Files) Of(ctx context.Context, q store.Queryer, room, object string) ([]File, error) {
	return store.All(ctx, q, scan, `SELECT `+columns+` FROM file WHERE room = $1 AND object = $2 ORDER BY at, id`, room, object)
}

// Remove detaches a file in tx; its bytes are collected a day later when no row names them.
func (f *Files) Remove(ctx context.Context, tx *store.Tx, id, room string) error {
	return store.ExecOne(ctx, tx, `DELETE FROM file WHERE id = $1 AND room = $2`, id, room)
}

// Open opens the bytes of a file for a room that has checked the right itself.
func (f *Files) Open(ctx context.Context, q store.Queryer, id string) (File, io.ReadCloser, error) {
	it, err := find(ctx, q, id)
	if err != nil {
		return it, nil, err
	}
	r, _, err := f.blobs.Open(ctx, it.Hash)
	return it, r, err
}

// may says why the actor may not read it, nil when he may. What the room denies is not there.
func (f *Files) may(ctx context.Context, it File) error {
	if it.Room == unclaimed {
		if it.By == authz.From(ctx).Person {
			return nil
		}
		return errs.New(errs.Missing, "store.missing")
	}
	can := f.readers[it.Room]
	if can == nil {
		return errs.New(errs.Missing, "store.missing")
	}
	return can(ctx, it.Object)
}

// cleanName keeps a name a person gave, without what a path, a header or a terminal could be led astray by.
func cleanName(s string) string {
	s = path.Base(strings.ReplaceAll(strings.TrimSpace(s), `\`, "/"))
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || strings.ContainsRune(`<>:"|?*`, r) {
			return -1
		}
		return r
	}, s)
	if rs := []rune(s); len(rs) > 120 {
		ext := []rune(path.Ext(s))
		s = string(rs[:max(1, 120-len(ext))]) + string(ext[:min(len(ext), 20)])
	}
	if strings.Trim(s, ". ") == "" {
		return "未命名"
	}
	return s
}

// Sweep collects uploads left for a day, files nobody attached, and blobs no row names. Blobs are
// written first and referenced last, so only those older than a day may be judged.
func (f *Files) Sweep(ctx context.Context) error {
	old := store.At(f.now().Add(-24 * time.Hour))
	if err := f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return dropOld(ctx, tx, old) }); err != nil {
		return err
	}
	n := 0
	err := f.blobs.Walk(ctx, func(info blob.Info) error {
		if info.At.After(old.Time) {
			return nil
		}
		used, err := named(ctx, f.db, info.Hash)
		if err != nil || used {
			return err
		}
		n++
		return f.blobs.Delete(ctx, info.Hash, 24*time.Hour)
	})
	if _, e := f.blobs.Sweep(ctx, 24*time.Hour); err == nil {
		err = e
	}
	if n > 0 {
		slog.Info("file: collected blobs no row names", "count", n)
	}
	return err
}
