package lookup

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"slices"

	"github.com/emmansun/gmsm/sm3"

	"qushu/internal/base/id"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/kernel"
	"qushu/internal/kernel/settings"
)

// Ledger is where runs of lists are entered beside single looks. Other rooms reach it by a port.
type Ledger struct {
	ring     *secret.Ring
	settings *settings.Settings
}

// NewLedger returns the ledger of kit's house; the room must be in it.
func NewLedger(kit *kernel.Kit) *Ledger { return &Ledger{kit.Ring, kit.Settings} }

// Indexer returns the blind index of keys of a dataset's column, by the names of both, for one goroutine.
func (l *Ledger) Indexer(dataset, column string) func(key string) uint64 {
	return l.ring.Indexer(indexName(dataset, column)).Of
}

// Enter writes a run into the ledger in tx: one entry, with the root over the indexes of every key that was asked for,
// and the pages they lie in. l.Batch is the run's id, name the dataset's. The caller's own record in the audit holds the root.
func (l *Ledger) Enter(ctx context.Context, tx *store.Tx, k Look, name string, subjects []uint64) (root string, err error) {
	pages := pagesOf(subjects)
	k.ID, k.Asked, k.Root, k.IndexName = id.New(), len(subjects), rootOf(pages), indexName(name, k.Column)
	k.Marks = detect(k, hours(ctx, l.settings), nil)
	if err := insertLook(ctx, tx, k); err != nil {
		return "", err
	}
	return k.Root, insertPages(ctx, tx, k.ID, pages)
}

// page is the subjects whose index begins with one byte.
type page struct {
	bucket  int
	indexes []byte // eight bytes each, rising
}

// pagesOf sorts subjects into pages; one that is there twice counts once.
func pagesOf(subjects []uint64) []page {
	all := slices.Clone(subjects)
	slices.Sort(all)
	all = slices.Compact(all)
	var out []page
	for _, s := range all {
		if b := int(s >> 56); len(out) == 0 || out[len(out)-1].bucket != b {
			out = append(out, page{bucket: b})
		}
		p := &out[len(out)-1]
		p.indexes = binary.BigEndian.AppendUint64(p.indexes, s)
	}
	return out
}

// has reports whether a subject is on the page.
func (p page) has(subject uint64) bool {
	n := len(p.indexes) / 8
	at := func(i int) uint64 { return binary.BigEndian.Uint64(p.indexes[i*8:]) }
	lo, hi := 0, n
	for lo < hi {
		if mid := (lo + hi) / 2; at(mid) < subject {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo < n && at(lo) == subject
}

// rootOf is the Merkle root over pages: SM3 over a 0 and the page at the leaves, over a 1 and both children above; an odd
// node goes up as it is (RFC 6962 §2.1 in shape). That a subject was in a run is shown by its page and eight hashes; a
// page shows nothing to who has not the index key. "" without subjects.
func rootOf(pages []page) string {
	if len(pages) == 0 {
		return ""
	}
	level := make([][32]byte, len(pages))
	for i, p := range pages {
		level[i] = sm3.Sum(append([]byte{0}, p.indexes...))
	}
	for len(level) > 1 {
		var up [][32]byte
		for i := 0; i < len(level); i += 2 {
			if i+1 == len(level) {
				up = append(up, level[i])
				continue
			}
			up = append(up, sm3.Sum(slices.Concat([]byte{1}, level[i][:], level[i+1][:])))
		}
		level = up
	}
	return hex.EncodeToString(level[0][:])
}

func insertPages(ctx context.Context, tx *store.Tx, look string, pages []page) error {
	for _, p := range pages {
		if err := store.Exec(ctx, tx, `INSERT INTO lookup_page (bucket, look_id, indexes) VALUES ($1, $2, $3)`, p.bucket, look, base64.StdEncoding.EncodeToString(p.indexes)); err != nil {
			return err
		}
	}
	return nil
}

// pageOf reads a page back.
func pageOf(bucket int, text string) (page, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	return page{bucket, b}, err
}

func hours(ctx context.Context, s *settings.Settings) daytime {
	return daytime{s.Int(ctx, "lookup.day_from"), s.Int(ctx, "lookup.day_until"), s.Days()}
}
