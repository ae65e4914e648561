package audit

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/emmansun/gmsm/sm3"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

// Archive is the record of a range that was written to a file, proved there, and deleted from the table.
// The chain goes on from its head.
type Archive struct {
	ID     int64
	From   int64
	To     int64
	Head   string // hash of record To
	At     store.Time
	File   string // name in the archive folder
	Digest string // SM3 of the file
	Key    string
	Sig    string
}

// Canonical is the text that is signed.
func (a Archive) Canonical() string {
	return canonical("qushu-audit-archive/1", a.ID, a.From, a.To, a.Head, a.At.UnixMicro(), a.File, a.Digest)
}

// leastDays is how long records must stay online: six months, 网络安全法 art. 21.
const leastDays = 183

// Prune moves the records older than days (at least 183) out of the table, up to the last root signed
// before then: they are written to a signed pack in dir, the pack is read back and verified, and only then
// are they deleted here. It returns the zero Archive when nothing is old enough. A range in which anything
// is broken is refused (audit.archive_broken): it stays where it can be examined.
func (l *Log) Prune(ctx context.Context, days int, dir string) (Archive, error) {
	a, err := l.newestArchive(ctx)
	if err != nil {
		return a, err
	}
	if err := l.drop(ctx, a.To); err != nil { // what a crash left of the last time
		return a, err
	}
	before := store.At(l.now().AddDate(0, 0, -max(days, leastDays)))
	root, err := store.One(ctx, l.db, scanRoot, selectRoot+` WHERE at < $1 AND to_seq > $2 ORDER BY id DESC LIMIT 1`, before, a.To)
	if errs.Is(err, errs.Missing) {
		return Archive{}, nil
	}
	if err != nil {
		return a, err
	}
	next := Archive{ID: a.ID + 1, From: a.To + 1, To: root.To, Head: root.Head, At: store.At(l.now())}
	next.File = fmt.Sprintf("audit-%012d-%012d.jsonl.gz", next.From, next.To)
	if next.Digest, err = l.writeArchive(ctx, dir, next); err != nil {
		return next, err
	}
	key, sig, err := l.ring.Sign([]byte(next.Canonical()))
	if err != nil {
		return next, err
	}
	next.Key, next.Sig = key, base64.StdEncoding.EncodeToString(sig)
	err = l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := insertArchive(ctx, tx, next); err != nil {
			return err
		}
		return l.Record(ctx, tx, Entry{Action: "audit.archive", Object: "audit_archive", ID: next.File, Detail: map[string]any{"from": next.From, "to": next.To, "sm3": next.Digest}})
	})
	if err != nil {
		return next, err
	}
	return next, l.drop(ctx, next.To)
}

// writeArchive writes the pack under a temporary name, verifies it as it lies on disk, and gives it its name.
func (l *Log) writeArchive(ctx context.Context, dir string, a Archive) (digest string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("audit: %w", err)
	}
	f, err := os.CreateTemp(dir, "new-*")
	if err != nil {
		return "", fmt.Errorf("audit: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()); _ = os.Remove(f.Name()) }()
	sum := sm3.New()
	buf := bufio.NewWriterSize(io.MultiWriter(f, sum), 1<<16)
	zip := gzip.NewWriter(buf)
	if err := l.Export(ctx, zip, a.From, a.To); err != nil {
		return "", err
	}
	if err := errors.Join(zip.Close(), buf.Flush(), f.Sync()); err != nil {
		return "", fmt.Errorf("audit: the archive cannot be written: %w", err)
	}
	if err := l.proveArchive(f, a); err != nil {
		return "", err
	}
	if err := os.Rename(f.Name(), filepath.Join(dir, a.File)); err != nil {
		return "", fmt.Errorf("audit: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func (l *Log) proveArchive(f *os.File, a Archive) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	keys, err := l.PublicKeys()
	if err != nil {
		return err
	}
	o := PackOptions{Ring: l.ring}
	for _, k := range keys {
		o.Trusted = append(o.Trusted, []byte(k.PEM))
	}
	r, err := VerifyPack(f, o)
	if err != nil {
		return err
	}
	if !r.OK || r.From != a.From || r.To != a.To || r.Head != a.Head {
		return errs.New(errs.Conflict, "audit.archive_broken", a.From, a.To, r.FirstBroken)
	}
	return nil
}

// drop deletes the archived rows in short transactions.
func (l *Log) drop(ctx context.Context, to int64) error {
	for {
		from, err := store.Value[int64](ctx, l.db, `SELECT coalesce(min(seq), 0) FROM audit_link WHERE seq > 0 AND seq <= $1`, to)
		if err != nil || from == 0 {
			return err
		}
		upTo := min(to, from+window-1)
		err = l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			if err := store.Exec(ctx, tx, `DELETE FROM audit WHERE id IN (SELECT record FROM audit_link WHERE seq >= $1 AND seq <= $2)`, from, upTo); err != nil {
				return err
			}
			return store.Exec(ctx, tx, `DELETE FROM audit_link WHERE seq >= $1 AND seq <= $2`, from, upTo)
		})
		if err != nil {
			return err
		}
	}
}

const selectArchive = `SELECT id, from_seq, to_seq, head, at, file, digest, signer, sig FROM audit_archive`

func scanArchive(a *Archive) []any {
	return []any{&a.ID, &a.From, &a.To, &a.Head, &a.At, &a.File, &a.Digest, &a.Key, &a.Sig}
}

func insertArchive(ctx context.Context, tx *store.Tx, a Archive) error {
	return store.Exec(ctx, tx, `INSERT INTO audit_archive (id, from_seq, to_seq, head, at, file, digest, signer, sig)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, a.ID, a.From, a.To, a.Head, a.At, a.File, a.Digest, a.Key, a.Sig)
}

// newestArchive returns the zero Archive, whose head is genesis, when there is none.
func (l *Log) newestArchive(ctx context.Context) (Archive, error) {
	a, err := store.One(ctx, l.db, scanArchive, selectArchive+` ORDER BY id DESC LIMIT 1`)
	if errs.Is(err, errs.Missing) {
		return Archive{Head: genesis()}, nil
	}
	return a, err
}

// checkArchives returns where the table's chain begins. An archive whose signature does not hold is no
// reason for records to be missing, so the chain is then expected from before it.
func (l *Log) checkArchives(ctx context.Context, r *Report) (head, error) {
	at := head{0, genesis()}
	all, err := store.All(ctx, l.db, scanArchive, selectArchive+` ORDER BY id`)
	if err != nil {
		return at, err
	}
	for i, a := range all {
		sig, err := base64.StdEncoding.DecodeString(a.Sig)
		if err != nil || a.ID != int64(i)+1 || a.From != at.Seq+1 || l.ring.Verify(a.Key, []byte(a.Canonical()), sig) != nil {
			r.found(Place{Fault: ArchiveForged, Root: a.ID, Row: a.File})
			return at, nil
		}
		at = head{a.To, a.Head}
	}
	return at, nil
}
