package blob

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"qushu/internal/base/errs"
)

// folder keeps blob abcdef… as <dir>/ab/cd/abcdef…; files being written are in <dir>/tmp, on the same file system
// so that a rename is the moment a blob appears whole.
type folder struct {
	dir    string
	create func(dir string) (tempFile, error)
	mu     sync.Mutex // a Put making a blob young again, and a Delete that looks at its age, exclude each other
}

// NewFolder opens or makes a store in dir. Only one process may use it at a time.
func NewFolder(dir string) (Store, error) {
	if err := os.MkdirAll(filepath.Join(dir, "tmp"), 0o700); err != nil {
		return nil, writeFailed(err)
	}
	return &folder{dir: dir, create: createTemp}, nil
}

func (f *folder) tmp() string { return filepath.Join(f.dir, "tmp") }

func (f *folder) path(hash string) string { return filepath.Join(f.dir, hash[:2], hash[2:4], hash) }

// Put renames over a blob that is there already: that makes it young, and mends it if it was damaged.
func (f *folder) Put(ctx context.Context, r io.Reader, maxBytes int64) (Ref, error) {
	temp, ref, err := spool(ctx, f.create, f.tmp(), r, maxBytes)
	if err != nil {
		return Ref{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.place(temp, ref.Hash); err != nil {
		return Ref{}, writeFailed(errors.Join(err, os.Remove(temp)))
	}
	return ref, nil
}

// place moves a finished file to its name and makes the name itself durable.
func (f *folder) place(temp, hash string) error {
	at := f.dir
	for _, part := range []string{hash[:2], hash[2:4]} {
		parent := at
		at = filepath.Join(at, part)
		err := os.Mkdir(at, 0o700)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil {
			err = syncDir(parent)
		}
		if err != nil {
			return err
		}
	}
	if err := os.Rename(temp, f.path(hash)); err != nil {
		return err
	}
	return syncDir(at)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (f *folder) open(hash string) (*os.File, int64, error) {
	if !valid(hash) {
		return nil, 0, missing(nil)
	}
	file, err := os.Open(f.path(hash))
	if err != nil {
		return nil, 0, diskFailed(err)
	}
	st, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(diskFailed(err), file.Close())
	}
	return file, st.Size(), nil
}

func diskFailed(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return missing(err)
	}
	return errs.Wrap(err, errs.Internal, "blob.read_failed")
}

func (f *folder) Open(_ context.Context, hash string) (io.ReadCloser, int64, error) {
	file, size, err := f.open(hash)
	if err != nil {
		return nil, 0, err
	}
	return verify(file, Ref{hash, size}, diskFailed), size, nil
}

func (f *folder) OpenAt(_ context.Context, hash string) (io.ReadSeekCloser, int64, error) {
	file, size, err := f.open(hash)
	if err != nil {
		return nil, 0, err
	}
	return file, size, nil
}

func (f *folder) Stat(_ context.Context, hash string) (Info, error) {
	if !valid(hash) {
		return Info{}, missing(nil)
	}
	st, err := os.Stat(f.path(hash))
	if err != nil {
		return Info{}, diskFailed(err)
	}
	return Info{Ref{hash, st.Size()}, st.ModTime()}, nil
}

func (f *folder) Delete(ctx context.Context, hash string, idle time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := f.Stat(ctx, hash)
	if errs.Is(err, errs.Missing) {
		return nil
	}
	if err != nil {
		return err
	}
	if time.Since(info.At) < idle {
		return errs.New(errs.Conflict, "blob.fresh", hash)
	}
	if err := os.Remove(f.path(hash)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return writeFailed(err)
	}
	return nil
}

func (f *folder) Walk(ctx context.Context, fn func(Info) error) error {
	return filepath.WalkDir(f.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return diskFailed(err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if d.IsDir() || !valid(d.Name()) || path != f.path(d.Name()) {
			return nil
		}
		st, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // deleted meanwhile
		}
		if err != nil {
			return diskFailed(err)
		}
		return fn(Info{Ref{d.Name(), st.Size()}, st.ModTime()})
	})
}

func (f *folder) Sweep(ctx context.Context, olderThan time.Duration) (int, error) {
	return sweepDir(ctx, f.tmp(), time.Now().Add(-olderThan))
}
