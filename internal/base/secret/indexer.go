package secret

import (
	"encoding/binary"
	"hash"
)

// Indexer makes the blind indexes of one column in great number, in the binary form of Index: its first eight bytes as
// an integer. Two of a million values meet with a chance of 10^-8, which is enough to count by and never to decide by.
// It is for one goroutine.
type Indexer struct {
	h      hash.Hash
	prefix []byte
	buf    []byte
}

// Indexer returns one for a column under the current key.
func (r *Ring) Indexer(column string) *Indexer { return indexer(r.macKeys(Index)[0], column) }

// Indexers returns one under every key, the current one first: what was indexed before a key changed is found by the
// others.
func (r *Ring) Indexers(column string) []*Indexer {
	var out []*Indexer
	for _, k := range r.macKeys(Index) {
		out = append(out, indexer(k, column))
	}
	return out
}

func indexer(k *key, column string) *Indexer {
	prefix := append(binary.BigEndian.AppendUint64(nil, uint64(len(column))), column...)
	return &Indexer{h: newHMAC(k.raw), prefix: prefix}
}

// Of returns the index of a value.
func (x *Indexer) Of(value string) uint64 {
	x.buf = append(x.buf[:0], x.prefix...)
	x.buf = append(binary.BigEndian.AppendUint64(x.buf, uint64(len(value))), value...)
	x.h.Reset()
	x.h.Write(x.buf)
	return binary.BigEndian.Uint64(x.h.Sum(x.buf[:0]))
}
