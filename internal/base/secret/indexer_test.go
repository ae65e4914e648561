package secret

import (
	"encoding/binary"
	"testing"
)

func TestIndexer(t *testing.T) {
	r, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	x := r.Indexer("t.c")
	for _, v := range []string{"", "420199198506150017", "乙"} {
		raw, err := letters.DecodeString(r.Index("t.c", v))
		if err != nil {
			t.Fatal(err)
		}
		if got := x.Of(v); got != binary.BigEndian.Uint64(raw) || got != r.Indexers("t.c")[0].Of(v) {
			t.Errorf("%q: %x, want %x", v, got, raw)
		}
	}
	if x.Of("a") == r.Indexer("t.d").Of("a") {
		t.Error("two columns have the same index")
	}
}

func BenchmarkIndexer(b *testing.B) {
	r, err := Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	x := r.Indexer("lookup_look.people.sfzh")
	for b.Loop() {
		x.Of("420199198506150017")
	}
}
