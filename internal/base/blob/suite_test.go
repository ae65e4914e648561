package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"qushu/internal/base/errs"
)

// stores runs a test over every implementation, on a fresh store each.
func stores(t *testing.T, test func(t *testing.T, s Store)) {
	t.Run("folder", func(t *testing.T) { test(t, newFolder(t)) })
	t.Run("s3", func(t *testing.T) {
		s, _ := newFake(t)
		test(t, s)
	})
	t.Run("real s3", func(t *testing.T) {
		real := os.Getenv("QUSHU_TEST_S3") // s3://bucket?endpoint=…, keys as for the program
		if real == "" {
			t.Skip("no S3 server to test against: QUSHU_TEST_S3 is not set")
		}
		u, err := url.Parse(real)
		if err != nil {
			t.Fatal(err)
		}
		u.Path = fmt.Sprintf("/test-%d", time.Now().UnixNano())
		s, err := OpenURL(t.Context(), u.String(), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		test(t, s)
	})
}

func newFolder(t *testing.T) *folder {
	s, err := OpenURL(t.Context(), "", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s.(*folder)
}

func newFake(t *testing.T) (*bucket, *fakeS3) {
	fake := newFakeS3("district")
	srv := httptest.NewServer(fake)
	t.Cleanup(srv.Close)
	t.Setenv(EnvAccessKey, "key")
	t.Setenv(EnvSecretKey, "secret")
	s, err := OpenURL(t.Context(), "s3://district/blobs/?tls=false&region=cn&endpoint="+srv.Listener.Addr().String(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s.(*bucket), fake
}

func put(t *testing.T, s Store, content string) Ref {
	t.Helper()
	ref, err := s.Put(t.Context(), strings.NewReader(content), 0)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func get(t *testing.T, s Store, hash string) (string, error) {
	t.Helper()
	r, size, err := s.Open(t.Context(), hash)
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err == nil && int64(len(b)) != size {
		t.Errorf("%d bytes, announced %d", len(b), size)
	}
	return string(b), err
}

func sum(content string) string {
	h := sha256.Sum256([]byte(content))
	return hex.EncodeToString(h[:])
}

func want(t *testing.T, err error, kind errs.Kind, key string) {
	t.Helper()
	if errs.KindOf(err) != kind || errs.KeyOf(err) != key {
		t.Errorf("got %v, want %s %s", err, kind, key)
	}
}

func TestPutAndOpen(t *testing.T) {
	stores(t, func(t *testing.T, s Store) {
		for _, content := range []string{"", "x", "区枢", strings.Repeat("0123456789abcdef", 20_000), strings.Repeat("十七兆", 2<<20)} {
			begin := time.Now().Add(-2 * time.Second)
			ref := put(t, s, content)
			if ref != (Ref{sum(content), int64(len(content))}) {
				t.Fatal(ref)
			}
			if got, err := get(t, s, ref.Hash); err != nil || got != content {
				t.Errorf("%d bytes came back as %d: %v", len(content), len(got), err)
			}
			info, err := s.Stat(t.Context(), ref.Hash)
			if err != nil || info.Ref != ref || info.At.Before(begin) || info.At.After(time.Now().Add(2*time.Second)) {
				t.Error(info, err)
			}
		}
	})
}

func TestMissing(t *testing.T) {
	stores(t, func(t *testing.T, s Store) {
		for _, hash := range []string{sum("nobody put this"), "", "../../etc/passwd", strings.Repeat("A", 64), strings.Repeat("a", 63)} {
			_, err := get(t, s, hash)
			want(t, err, errs.Missing, "blob.missing")
			_, _, err = s.OpenAt(t.Context(), hash)
			want(t, err, errs.Missing, "blob.missing")
			_, err = s.Stat(t.Context(), hash)
			want(t, err, errs.Missing, "blob.missing")
			if err := s.Delete(t.Context(), hash, 0); err != nil {
				t.Error("deleting what is not there:", err)
			}
		}
	})
}

func TestOpenAt(t *testing.T) {
	stores(t, func(t *testing.T, s Store) {
		ref := put(t, s, "0123456789")
		r, size, err := s.OpenAt(t.Context(), ref.Hash)
		if err != nil || size != 10 {
			t.Fatal(size, err)
		}
		defer r.Close()
		for _, from := range []int64{7, 2, 9} {
			if _, err := r.Seek(from, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			b := make([]byte, 1)
			if _, err := io.ReadFull(r, b); err != nil || b[0] != byte('0'+from) {
				t.Error(from, b, err)
			}
		}
	})
}

type failing struct {
	r   io.Reader
	err error
}

func (f failing) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err == io.EOF {
		err = f.err
	}
	return n, err
}

// Whatever goes wrong while content comes in, nothing of it stays.
func TestPutFails(t *testing.T) {
	stores(t, func(t *testing.T, s Store) {
		_, err := s.Put(t.Context(), strings.NewReader("12345"), 4)
		want(t, err, errs.TooLarge, "blob.too_big")
		if _, err := s.Put(t.Context(), strings.NewReader("1234"), 4); err != nil {
			t.Error("exactly the limit:", err)
		}
		_, err = s.Put(t.Context(), failing{strings.NewReader("123"), errors.New("connection reset")}, 0)
		want(t, err, errs.Invalid, "blob.source_failed")
		_, err = s.Put(t.Context(), failing{strings.NewReader("123"), errs.New(errs.Limited, "web.slow_down")}, 0)
		want(t, err, errs.Limited, "web.slow_down")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err = s.Put(ctx, strings.NewReader("123"), 0); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		var all []Info
		if err := s.Walk(t.Context(), func(i Info) error { all = append(all, i); return nil }); err != nil || len(all) != 1 {
			t.Error(all, err)
		}
		noTemp(t, s)
	})
}

func noTemp(t *testing.T, s Store) {
	t.Helper()
	dir := ""
	switch s := s.(type) {
	case *folder:
		dir = s.tmp()
	case *bucket:
		dir = s.spool
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Error("left behind:", left)
	}
}

type fullDisk struct {
	tempFile
	room int
	err  error
}

func (f *fullDisk) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, &os.PathError{Op: "write", Path: f.Name(), Err: f.err}
	}
	return f.tempFile.Write(p)
}

func (s *folder) with(create func(string) (tempFile, error)) { s.create = create }
func (b *bucket) with(create func(string) (tempFile, error)) { b.create = create }

func TestDiskFull(t *testing.T) {
	stores(t, func(t *testing.T, s Store) {
		s.(interface {
			with(func(string) (tempFile, error))
		}).with(func(dir string) (tempFile, error) {
			f, err := createTemp(dir)
			return &fullDisk{f, 100_000, diskIsFull}, err
		})
		_, err := s.Put(t.Context(), bytes.NewReader(make([]byte, 1<<20)), 0)
		want(t, err, errs.Busy, "blob.disk_full")
		noTemp(t, s)
		put(t, s, "small enough")
	})
}

func TestSameContentAtOnce(t *testing.T) {
	stores(t, func(t *testing.T, s Store) {
		content := strings.Repeat("同", 100_000)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if ref, err := s.Put(t.Context(), strings.NewReader(content), 0); err != nil || ref.Hash != sum(content) {
					t.Error(ref, err)
				}
			})
		}
		wg.Wait()
		n := 0
		if err := s.Walk(t.Context(), func(Info) error { n++; return nil }); err != nil || n != 1 {
			t.Error(n, err)
		}
		if got, err := get(t, s, sum(content)); err != nil || got != content {
			t.Error(err)
		}
		noTemp(t, s)
	})
}

func TestWalk(t *testing.T) {
	stores(t, func(t *testing.T, s Store) {
		var refs []Ref
		for i := range 7 {
			refs = append(refs, put(t, s, fmt.Sprint("content ", i)))
		}
		var got []Ref
		last := ""
		if err := s.Walk(t.Context(), func(i Info) error {
			if i.Hash <= last {
				t.Error("out of order")
			}
			last = i.Hash
			got = append(got, i.Ref)
			return nil
		}); err != nil || len(got) != len(refs) {
			t.Error(got, err)
		}
		stop := errors.New("enough")
		n := 0
		if err := s.Walk(t.Context(), func(Info) error { n++; return stop }); err != stop || n != 1 {
			t.Error(n, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Walk(ctx, func(Info) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestDelete(t *testing.T) {
	stores(t, func(t *testing.T, s Store) {
		ref := put(t, s, "young")
		want(t, s.Delete(t.Context(), ref.Hash, time.Hour), errs.Conflict, "blob.fresh")
		if _, err := get(t, s, ref.Hash); err != nil {
			t.Error(err)
		}
		if err := s.Delete(t.Context(), ref.Hash, 0); err != nil {
			t.Error(err)
		}
		_, err := get(t, s, ref.Hash)
		want(t, err, errs.Missing, "blob.missing")
	})
}

func TestTexts(t *testing.T) {
	if _, err := errs.NewCatalog(Text); err != nil {
		t.Error(err)
	}
}
