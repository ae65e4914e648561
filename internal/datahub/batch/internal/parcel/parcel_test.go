package parcel

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qushu/internal/datahub/batch/internal/parcel/parceltest"
)

func box(t *testing.T, key, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewBox(&b, key)
	if err != nil {
		t.Fatal(err)
	}
	for p := plain; len(p) > 0; {
		n := min(len(p), 10_007)
		if _, err := w.Write(p[:n]); err != nil {
			t.Fatal(err)
		}
		p = p[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func unbox(key, sealed []byte) ([]byte, error) {
	r, err := OpenBox(bytes.NewReader(sealed), key)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func TestBox(t *testing.T) {
	key := NewKey()
	for _, n := range []int{0, 1, chunk - 1, chunk, chunk + 1, 3*chunk + 17} {
		plain := bytes.Repeat([]byte("张三,420199198506150017\r\n"), n/20+1)[:n]
		sealed := box(t, key, plain)
		if got, err := unbox(key, sealed); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d: %d bytes, %v", n, len(got), err)
		}
		if n > 40 && bytes.Contains(sealed, plain[:20]) {
			t.Error("plain text in the box")
		}
		for what, bad := range map[string][]byte{"cut": sealed[:len(sealed)-1], "cut at a chunk": sealed[:len(sealed)/(chunk+16)*(chunk+16)], "altered": append([]byte{sealed[0] ^ 1}, sealed[1:]...), "longer": append(bytes.Clone(sealed), 0)} {
			if len(bad) == len(sealed) && what != "altered" {
				continue
			}
			if _, err := unbox(key, bad); !errors.Is(err, ErrAltered) {
				t.Errorf("%d %s: %v", n, what, err)
			}
		}
		if _, err := unbox(NewKey(), sealed); !errors.Is(err, ErrAltered) {
			t.Errorf("%d: opened with another key: %v", n, err)
		}
	}
}

func wrap(t *testing.T, plain []byte, password string) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := NewZip(&b, "核验结果.csv", password, time.Date(2023, 6, 1, 9, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestZip(t *testing.T) {
	for _, n := range []int{0, 1, 4095, 4096, 4097, 300_000} {
		plain := []byte(strings.Repeat("行号,结果\r\n", n/10+1))[:n]
		b := wrap(t, plain, "K7QM-3XPT-9WDA")
		if name, got, err := parceltest.Open(b, "K7QM-3XPT-9WDA"); err != nil || name != "核验结果.csv" || !bytes.Equal(got, plain) {
			t.Errorf("%d: %s, %d bytes, %v", n, name, len(got), err)
		}
		if _, _, err := parceltest.Open(b, "K7QM-3XPT-9WDB"); !errors.Is(err, parceltest.ErrPassword) {
			t.Error("another password:", err)
		}
	}
}

// What people have at hand opens it, where this machine has it.
func TestZipOpensElsewhere(t *testing.T) {
	tool := ""
	for _, name := range []string{"7z", "7zz", "7za"} {
		if p, err := exec.LookPath(name); err == nil {
			tool = p
		}
	}
	if tool == "" {
		t.Skip("7-Zip is not installed")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "r.zip")
	plain := []byte(strings.Repeat("行号,结果\r\n1,命中\r\n", 5000))
	if err := os.WriteFile(file, wrap(t, plain, "K7QM-3XPT"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tool, "x", "-so", "-pK7QM-3XPT", file).Output()
	if err != nil || !bytes.Equal(out, plain) {
		t.Error(err, len(out))
	}
	if out, err := exec.Command(tool, "t", "-pwrong", file).CombinedOutput(); err == nil {
		t.Errorf("a wrong password opens it: %s", out)
	}
}
