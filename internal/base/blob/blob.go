// Package blob keeps immutable content under its own hash, in a folder or in an S3 bucket. A blob has no name, no
// owner and no rights: rows that carry its hash have those. Blobs are written first, referenced last and collected
// when nothing has referred to them for a day; Put makes a blob young again, so what is about to be referenced is safe.
package blob

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"qushu/internal/base/errs"
)

// Text holds this package's messages in every language of the interface.
//
//go:embed text/*.json
var Text embed.FS

// Ref names a blob.
type Ref struct {
	Hash string // SHA-256 (FIPS 180-4) of the content, 64 lower-case hexadecimal digits
	Size int64  // bytes
}

// Info is what the store knows of a blob.
type Info struct {
	Ref
	At time.Time // when it was last put
}

// Store keeps blobs. It is safe for concurrent use; the same content may be put twice at once.
type Store interface {
	// Put stores what r gives and returns its Ref once it is on disk. More than maxBytes (0: no bound) is
	// TooLarge; a full disk or a store that does not answer is Busy; a reader that fails is Invalid. Nothing
	// is left behind then.
	Put(ctx context.Context, r io.Reader, maxBytes int64) (Ref, error)

	// Open reads a blob and checks it against its hash on the way: a damaged one gives an error instead of its
	// last bytes, so nothing read may be acted on before the end. Missing when there is none.
	Open(ctx context.Context, hash string) (io.ReadCloser, int64, error)

	// OpenAt is Open for reading ranges, as players of video do. What it reads is not checked.
	OpenAt(ctx context.Context, hash string) (io.ReadSeekCloser, int64, error)

	// Stat tells a blob's size and age, Missing when there is none. It does not read the content.
	Stat(ctx context.Context, hash string) (Info, error)

	// Delete removes a blob unless it was put less than idle ago: then it is Conflict, because whoever put it
	// may not have written his row yet. A blob that is not there is deleted already.
	Delete(ctx context.Context, hash string, idle time.Duration) error

	// Walk calls fn for every blob in the order of their hashes until it returns an error, which Walk returns.
	Walk(ctx context.Context, fn func(Info) error) error

	// Sweep removes what crashes have left half written for longer than olderThan, and says how many.
	Sweep(ctx context.Context, olderThan time.Duration) (int, error)
}

// valid reports whether hash has the shape of one; anything else must not become part of a path.
func valid(hash string) bool {
	if len(hash) != 2*sha256.Size {
		return false
	}
	for _, c := range []byte(hash) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func missing(cause error) error { return errs.Wrap(cause, errs.Missing, "blob.missing") }

// tempFile is the part of os.File that spooling needs.
type tempFile interface {
	io.ReadWriteCloser
	Name() string
	Sync() error
}

// createTemp makes a temporary file whose name Sweep knows.
func createTemp(dir string) (tempFile, error) { return os.CreateTemp(dir, "put-*") }

// spool writes r to a temporary file on disk and hashes it. The caller renames or removes the file.
func spool(ctx context.Context, create func(dir string) (tempFile, error), dir string, r io.Reader, maxBytes int64) (string, Ref, error) {
	f, err := create(dir)
	if err != nil {
		return "", Ref{}, writeFailed(err)
	}
	ref, err := copyHashed(ctx, f, r, maxBytes)
	if err == nil {
		err = writeFailed(f.Sync())
	}
	if e := f.Close(); err == nil {
		err = writeFailed(e)
	}
	if err != nil {
		return "", Ref{}, errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), ref, nil
}

func copyHashed(ctx context.Context, w io.Writer, r io.Reader, maxBytes int64) (Ref, error) {
	h := sha256.New()
	buf := make([]byte, 128<<10)
	var size int64
	for {
		if err := ctx.Err(); err != nil {
			return Ref{}, err
		}
		n, err := r.Read(buf)
		if size += int64(n); maxBytes > 0 && size > maxBytes {
			return Ref{}, errs.New(errs.TooLarge, "blob.too_big", megabytes(maxBytes))
		}
		h.Write(buf[:n])
		if _, e := w.Write(buf[:n]); e != nil {
			return Ref{}, writeFailed(e)
		}
		if err == io.EOF {
			return Ref{hex.EncodeToString(h.Sum(nil)), size}, nil
		}
		if err != nil {
			return Ref{}, sourceFailed(err)
		}
	}
}

// megabytes words a limit: "1.5 MB" would be over-exact, "0 MB" wrong.
func megabytes(n int64) int64 { return max(1, n>>20) }

// sourceFailed words a failure of what is being stored: mostly an upload that broke off.
func sourceFailed(err error) error {
	if _, ok := errors.AsType[*errs.Error](err); ok {
		return err
	}
	if tooBig, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errs.Wrap(err, errs.TooLarge, "blob.too_big", megabytes(tooBig.Limit))
	}
	return errs.Wrap(err, errs.Invalid, "blob.source_failed")
}

// writeFailed words a failure to write: with the disk full it is worth trying again once there is room.
func writeFailed(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return errs.Wrap(err, errs.Busy, "blob.disk_full")
	}
	return errs.Wrap(err, errs.Internal, "blob.write_failed")
}

// verified checks what it reads against its hash. The end is held back until the whole is known to be right,
// because many readers stop at the size they expect and never see io.EOF.
type verified struct {
	r    io.ReadCloser
	h    hash.Hash
	ref  Ref
	read int64
	done error
	fail func(error) error // words a failing read
}

func verify(r io.ReadCloser, ref Ref, fail func(error) error) *verified {
	return &verified{r: r, h: sha256.New(), ref: ref, fail: fail}
}

// Read gives errs.Internal "blob.damaged" when the content is not what its hash says.
func (v *verified) Read(p []byte) (int, error) {
	if v.done != nil {
		return 0, v.done
	}
	n, err := v.r.Read(p)
	v.h.Write(p[:n])
	v.read += int64(n)
	if err != nil && err != io.EOF {
		v.done = v.fail(err)
		return n, v.done
	}
	whole := v.read >= v.ref.Size
	if (whole || err == io.EOF) && (v.read != v.ref.Size || hex.EncodeToString(v.h.Sum(nil)) != v.ref.Hash) {
		v.done = errs.New(errs.Internal, "blob.damaged", v.ref.Hash)
		return 0, v.done
	}
	return n, err
}

// Close closes what is read.
func (v *verified) Close() error { return v.r.Close() }

// sweepDir removes temporary files last written before the given time.
func sweepDir(ctx context.Context, dir string, before time.Time) (int, error) {
	names, err := filepath.Glob(filepath.Join(dir, "put-*"))
	if err != nil {
		return 0, err
	}
	n := 0
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		st, err := os.Stat(name)
		if err != nil || !st.ModTime().Before(before) {
			continue // finished meanwhile, or still being written
		}
		if err := os.Remove(name); err == nil {
			n++
		} else if !errors.Is(err, os.ErrNotExist) {
			return n, writeFailed(err)
		}
	}
	return n, nil
}
