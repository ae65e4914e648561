package blob

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"qushu/internal/base/errs"
)

const diskIsFull = syscall.ENOSPC

// A real device that is always full, not only a fake of one.
func TestFullDevice(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("this system has no /dev/full:", err)
	}
	defer full.Close()
	s := newFolder(t)
	s.with(func(dir string) (tempFile, error) {
		f, err := createTemp(dir)
		return struct {
			named
			io.Writer
		}{named{f}, full}, err
	})
	_, err = s.Put(t.Context(), strings.NewReader("x"), 0)
	want(t, err, errs.Busy, "blob.disk_full")
	noTemp(t, s)
}

// named hides the Write of a file behind one more level, so that the device's is taken.
type named struct{ tempFile }

func age(t *testing.T, path string, by time.Duration) {
	t.Helper()
	at := time.Now().Add(-by)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestFolderDamage(t *testing.T) {
	content := strings.Repeat("0123456789", 50_000)
	for name, spoil := range map[string]func([]byte) []byte{
		"a bit":      func(b []byte) []byte { b[400_000] ^= 1; return b },
		"cut":        func(b []byte) []byte { return b[:499_999] },
		"emptied":    func(b []byte) []byte { return nil },
		"added to":   func(b []byte) []byte { return append(b, 'x') },
		"first byte": func(b []byte) []byte { b[0] = 'x'; return b },
	} {
		s := newFolder(t)
		ref := put(t, s, content)
		if err := os.WriteFile(s.path(ref.Hash), spoil([]byte(content)), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := get(t, s, ref.Hash)
		want(t, err, errs.Internal, "blob.damaged")
		if len(got) >= len(content) {
			t.Error(name, "the end of a damaged blob was given out")
		}
		// reading exactly the size, as HTTP does, must see it too
		r, size, err := s.Open(t.Context(), ref.Hash)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, r, size); size > 0 && errs.KeyOf(err) != "blob.damaged" {
			t.Error(name, err)
		}
		r.Close()
		put(t, s, content)
		if got, err := get(t, s, ref.Hash); err != nil || got != content {
			t.Error(name, "putting the content again must mend the blob:", err)
		}
	}
}

func TestFolderAge(t *testing.T) {
	s := newFolder(t)
	ref := put(t, s, "old")
	age(t, s.path(ref.Hash), 48*time.Hour)
	put(t, s, "old")
	want(t, s.Delete(t.Context(), ref.Hash, 24*time.Hour), errs.Conflict, "blob.fresh")
	age(t, s.path(ref.Hash), 48*time.Hour)
	if err := s.Delete(t.Context(), ref.Hash, 24*time.Hour); err != nil {
		t.Error(err)
	}
}

func TestFolderSweep(t *testing.T) {
	s := newFolder(t)
	ref := put(t, s, "kept")
	age(t, s.path(ref.Hash), 48*time.Hour)
	for name, old := range map[string]bool{"put-1": true, "put-2": true, "put-3": false} {
		path := filepath.Join(s.tmp(), name)
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		if old {
			age(t, path, 2*time.Hour)
		}
	}
	if n, err := s.Sweep(t.Context(), time.Hour); n != 2 || err != nil {
		t.Error(n, err)
	}
	if _, err := os.Stat(filepath.Join(s.tmp(), "put-3")); err != nil {
		t.Error("what is being written must stay:", err)
	}
	if _, err := get(t, s, ref.Hash); err != nil {
		t.Error(err)
	}
}

// Files that are no blobs are left alone and not listed.
func TestFolderStrangers(t *testing.T) {
	s := newFolder(t)
	ref := put(t, s, "x")
	for _, path := range []string{"README", ref.Hash, ref.Hash[:2] + "/note"} {
		if err := os.WriteFile(filepath.Join(s.dir, path), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	if err := s.Walk(t.Context(), func(i Info) error { n++; return nil }); err != nil || n != 1 {
		t.Error(n, err)
	}
}

func TestFolderUnreadable(t *testing.T) {
	s := newFolder(t)
	ref := put(t, s, "x")
	if err := os.Remove(s.path(ref.Hash)); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(s.path(ref.Hash), 0o700); err != nil { // reading a folder fails like a broken disk
		t.Fatal(err)
	}
	_, err := get(t, s, ref.Hash)
	want(t, err, errs.Internal, "blob.read_failed")
	if err := os.RemoveAll(s.tmp()); err != nil {
		t.Fatal(err)
	}
	_, err = s.Put(t.Context(), strings.NewReader("y"), 0)
	want(t, err, errs.Internal, "blob.write_failed")
}
