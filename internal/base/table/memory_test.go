//go:build !race

// What memory is used under the race detector says nothing, and takes a minute: scripts/test runs it without.

package table

import (
	"os"
	"testing"
)

// A hundred thousand rows of ten columns go out and come in again while the heap stays bounded.
func TestBoundedMemory(t *testing.T) {
	for _, c := range []struct {
		format Format
		bound  uint64
	}{{CSV, 64 << 20}, {XLSX, 128 << 20}} { // excelize keeps up to 32 MiB of a sheet before it goes to disk
		t.Run(string(c.format), func(t *testing.T) {
			path := t.TempDir() + "/many"
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			m := newMeter()
			var w Writer = NewCSV(f, CSVOptions{})
			if c.format == XLSX {
				w = newXLSX(t, f)
			}
			writeMany(t, w, m)
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			out := m.peak
			m = newMeter()
			readMany(t, path, m)
			st, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s: file %d KiB, heap growth out %d MiB, in %d MiB", c.format, st.Size()>>10, out>>20, m.peak>>20)
			if out > c.bound || m.peak > 64<<20 {
				t.Error("not bounded")
			}
		})
	}
}
